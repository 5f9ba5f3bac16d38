"""The schema is the one that is published, and keeps what the contract promises."""

from pathlib import Path

from graphql import build_schema, find_breaking_changes

from graphql_api.schema import build_schema as build_ours

ROOT = Path(__file__).parents[2]
CONTRACT = Path(__file__).with_name("contract.graphql")
"""A copy, so that every clone is held against it."""
ORIGINAL = ROOT.parent / "shared" / "contract.graphql"

NOT_BUILT_YET: set[str] = set()
"""What the contract promises and a later version brings, as `find_breaking_changes` says it."""


def test_schema_graphql_is_the_schema_that_is_served() -> None:
    published = (ROOT / "schema.graphql").read_text()
    assert published == build_ours().as_str() + "\n", "schema.graphql is stale: make schema"


def test_nothing_that_the_contract_promises_is_missing_but_what_is_not_built_yet() -> None:
    contract, ours = build_schema(CONTRACT.read_text()), build_schema(build_ours().as_str())
    assert {change.description for change in find_breaking_changes(contract, ours)} == NOT_BUILT_YET


def test_the_copy_is_the_contract() -> None:
    assert not ORIGINAL.exists() or CONTRACT.read_text() == ORIGINAL.read_text()
