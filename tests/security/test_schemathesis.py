"""Whatever schemathesis makes of the schema is answered in GraphQL's own terms: no 5xx, and no error that is masked."""

from pathlib import Path
from typing import Any

import pytest
import schemathesis
from graphql import ListValueNode, NameNode, NullValueNode, ObjectFieldNode, ObjectValueNode
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.graphql import from_file, nodes

from tests.api_server import ApiServer
from tests.reliability.torture import length

EXAMPLES = length(250, 5_000)
SDL = Path(__file__).parents[2] / "schema.graphql"
TOLD = {"BAD_USER_INPUT", "NOT_FOUND", "GRAPHQL_VALIDATION_FAILED"}


def _object(fields: dict[str, Any]) -> ObjectValueNode:
    return ObjectValueNode(
        fields=tuple(ObjectFieldNode(name=NameNode(value=name), value=value) for name, value in fields.items())
    )


TEXTS = st.text(max_size=20).map(nodes.String)
NAMES = st.from_regex(r"[a-z_]{1,12}", fullmatch=True)
JSON = st.recursive(
    TEXTS
    | st.integers().map(nodes.Int)
    | st.floats(allow_nan=False, allow_infinity=False).map(nodes.Float)
    | st.booleans().map(nodes.Boolean)
    | st.just(NullValueNode()),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda values: ListValueNode(values=tuple(values)))
        | st.dictionaries(NAMES, inner, max_size=3).map(_object)
    ),
    max_leaves=6,
)


schemathesis.graphql.scalar("JSON", JSON)
OPERATIONS = [result.ok() for result in from_file(SDL.read_text()).get_all_operations()]


def test_it_knows_all_fields_of_the_roots() -> None:
    labels = {operation.label for operation in OPERATIONS}
    assert {"Query.workflowExecutions", "Mutation.appendLogs", "Mutation.registerWorkflow"} <= labels
    assert len(labels) >= 25


@pytest.mark.torture
@pytest.mark.timeout(1800)
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(case=st.one_of([operation.as_strategy() for operation in OPERATIONS]))
def test_nothing_that_fits_the_schema_is_an_internal_error(api: ApiServer, case: Any) -> None:
    response = api.http.post("/graphql", json={"query": case.body})
    assert response.status_code == 200, (case.body, response.text)
    for error in response.json().get("errors", ()):
        assert error["extensions"]["code"] in TOLD, (case.body, error)
