"""The examples are scripts beside each other: their folder on the path is all they need."""

import sys

import pytest
from graphql import GraphQLSchema, build_schema

from tests.examples.example_paths import EXAMPLES, ROOT, TRACES

sys.path.insert(0, str(EXAMPLES))


def trace_files() -> list[object]:
    """Every real trace, as parameters; one that is skipped with the reason when they are not there.

    The largest first: then parallel workers end at about the same time.
    """
    found = sorted(TRACES.glob("*.json"), key=lambda file: -file.stat().st_size)
    if not found:
        return [pytest.param(None, marks=pytest.mark.skip(reason=f"no traces in {TRACES.name}"), id="none")]
    return [pytest.param(file, id=file.stem) for file in found]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "trace_file" in metafunc.fixturenames:
        metafunc.parametrize("trace_file", trace_files())


@pytest.fixture(scope="session")
def schema() -> GraphQLSchema:
    """The API's schema, or the contract while there is none."""
    for file in (ROOT / "schema.graphql", ROOT.parent / "shared" / "contract.graphql"):
        if file.exists():
            return build_schema(file.read_text())
    pytest.skip("neither schema.graphql nor the contract is there")
