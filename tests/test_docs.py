"""What the documents say is held against what there is."""

import re
from pathlib import Path

import pytest
from graphql import parse, validate

from graphql_api.schema import build_schema
from graphql_api.settings import Settings

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
GRAPHQL = re.findall(r"```graphql\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize("document", GRAPHQL)
def test_every_operation_in_the_readme_is_valid(document: str) -> None:
    assert validate(build_schema()._schema, parse(document)) == []


def test_the_readme_shows_a_query_a_mutation_and_a_subscription() -> None:
    assert {document.split(maxsplit=1)[0] for document in GRAPHQL} == {"query", "mutation", "subscription"}


def test_the_readme_names_every_setting_and_no_other() -> None:
    named = set(re.findall(r"`(DATABASE_URL|EXECGRAPH_[A-Z_]+)`", README))
    settings = {name for name in Settings.model_fields if name != "database_url"}
    assert named == {"DATABASE_URL", *(f"EXECGRAPH_{name.upper()}" for name in settings)}


def test_every_path_in_the_code_map_exists() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    cells = [row.split("|")[1] for row in text.split("## Code map")[1].split("## States")[0].splitlines() if "`" in row]
    folder = ROOT
    for cell in cells:
        for path in re.findall(r"`([^`]+)`", cell):
            found = ROOT / path if (ROOT / path).exists() else folder / path
            assert found.exists(), path
            folder = found.parent  # what is named next in the cell may be beside it


def test_every_relative_link_leads_somewhere() -> None:
    for document in ROOT.glob("*.md"):
        for link in re.findall(r"\]\((?!http)([^)#]+)\)", document.read_text()):
            assert (ROOT / link).exists(), (document.name, link)
