"""What the documents say is held against what there is."""

import re
from pathlib import Path

import pytest
from graphql import parse, validate

from graphql_api.schema import build_schema
from graphql_api.settings import Settings
from graphql_api.settings_reference import settings_reference, variable_of

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
GRAPHQL = re.findall(r"```graphql\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize("document", GRAPHQL)
def test_every_operation_in_the_readme_is_valid(document: str) -> None:
    assert validate(build_schema()._schema, parse(document)) == []


def test_the_readme_shows_a_query_a_mutation_and_a_subscription() -> None:
    assert {document.split(maxsplit=1)[0] for document in GRAPHQL} == {"query", "mutation", "subscription"}


def test_the_readme_names_only_settings_that_there_are() -> None:
    named = set(re.findall(r"`(DATABASE_URL|EXECGRAPH_[A-Z_]+)`", README))
    assert named <= {variable_of(name, field) for name, field in Settings.model_fields.items()}


def test_the_reference_of_the_settings_is_current_and_says_something_of_each() -> None:
    assert (ROOT / "docs/configuration.md").read_text() == settings_reference(), "make reference"
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


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
    for document in (*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")):
        for link in re.findall(r"\]\((?!http)([^)#]+)\)", document.read_text()):
            assert (document.parent / link).exists(), (document.name, link)
