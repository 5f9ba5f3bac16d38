"""JSON values come back equal, or are refused: nothing is rounded, cut or dropped."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from db.json import write_json
from graphql_api.security.masking import Masking
from tests.api_server import ApiServer
from tests.graphql_api.reports import running, workflow

CREATE = """
mutation ($input: CreateWorkflowExecutionInput!) {
    createWorkflowExecution(input: $input) {
        __typename
        ... on WorkflowExecution { inputData context metadata }
        ... on InvalidInput { field message }
    }
}
"""
CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(CHARACTERS)
)
VALUES = st.recursive(
    SCALARS, lambda items: st.lists(items, max_size=4) | st.dictionaries(st.text(CHARACTERS), items, max_size=4)
)


@pytest.fixture(scope="module")
def workflow_id(api: ApiServer) -> str:
    return str(workflow(api)[0])


def as_read(value: Any) -> Any:
    """A value as a reader sees it whose numbers are doubles where they are not small integers."""
    if isinstance(value, dict):
        return {key: as_read(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_read(item) for item in value]
    return float(value) if isinstance(value, float) or (isinstance(value, int) and abs(value) > 2**53) else value


def stored(api: ApiServer, workflow_id: str, value: Any) -> Any:
    values = {"inputData": value, "context": [value], "metadata": {"value": value}}
    made = api.ask(CREATE, input={"workflowId": workflow_id, "triggerType": "MANUAL", **values})
    assert made["context"] == [made["inputData"]]
    assert made["metadata"] == {"value": made["inputData"]}
    return made["inputData"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(VALUES)
def test_any_json_comes_back_equal(api: ApiServer, workflow_id: str, value: Any) -> None:
    text = write_json(value)
    assume(Masking().json_text(text) == text)  # who is nobody is shown no secrets
    assert as_read(stored(api, workflow_id, value)) == as_read(value)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(-(2**63), 2**64 - 1)))
def test_integers_of_64_bits_come_back_exactly(api: ApiServer, workflow_id: str, value: list[int]) -> None:
    assert stored(api, workflow_id, value) == value


@pytest.mark.parametrize(
    "value",
    [
        2**64 - 1,
        -(2**63),
        2**53 + 1,
        0.1,
        1e22,
        1.7976931348623157e308,
        5e-324,
        -2.5e-10,
        1e15,
        123456789012345680000.0,
        "",
        " ",
        "\u007f\u0080\ufeff\uffff\U0010ffff",
        "\\u0000",
        "</script>\u2028",
        [],
        {},
        [[], {}, None],
        {"": {"": ""}},
        {"__proto__": 1, "b": 2, "a": 1},
        False,
        0,
    ],
)
def test_a_value_at_a_limit_comes_back_equal_and_of_its_kind(api: ApiServer, workflow_id: str, value: Any) -> None:
    found = stored(api, workflow_id, value)
    assert found == value
    assert isinstance(found, bool) == isinstance(value, bool)


def nested(depth: int) -> Any:
    value: Any = 1
    for level in range(depth):
        value = [value] if level % 2 else {"a": value}
    return value


def test_json_is_nested_at_most_100_deep(api: ApiServer, workflow_id: str) -> None:
    create = """mutation ($input: CreateWorkflowExecutionInput!) { createWorkflowExecution(input: $input) {
        ... on WorkflowExecution { inputData } ... on InvalidInput { field message }
    } }"""
    given = {"workflowId": workflow_id, "triggerType": "MANUAL"}
    assert api.ask(create, input={**given, "inputData": nested(100)}) == {"inputData": nested(100)}
    refused = {"field": "inputData", "message": "inputData is nested more than 100 deep"}
    for depth in (101, 300, 500):
        assert api.ask(create, input={**given, "inputData": nested(depth)}) == refused


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (str(2**64), "holds an integer that does not fit 64 bits"),
        (str(-(2**63) - 1), "holds an integer that does not fit 64 bits"),
        ("1" * 5000, "holds an integer that does not fit 64 bits"),
        ("1e400", "holds a number that JSON does not know"),
        ('"\\u0000"', "holds a NUL character, which cannot be stored"),
        ('{"a\\u0000": 1}', "holds a NUL character, which cannot be stored"),
        ('"\\ud800"', "holds a surrogate without its other half, which cannot be stored"),
        ('["\\udc00\\ud800"]', "holds a surrogate without its other half, which cannot be stored"),
    ],
)
def test_what_cannot_be_kept_whole_is_refused(api: ApiServer, workflow_id: str, text: str, why: str) -> None:
    body = json.dumps({"query": CREATE, "variables": {"input": {"workflowId": workflow_id, "triggerType": "MANUAL"}}})
    body = body.replace('"triggerType": "MANUAL"', f'"triggerType": "MANUAL", "inputData": {text}')
    response = api.http.post("/graphql", content=body, headers={"content-type": "application/json"})
    refused = {"__typename": "InvalidInput", "field": "inputData", "message": f"inputData {why}"}
    assert response.json() == {"data": {"createWorkflowExecution": refused}}


def test_a_surrogate_pair_is_one_character(api: ApiServer, workflow_id: str) -> None:
    assert stored(api, workflow_id, json.loads('"\\ud83d\\ude00"')) == "\U0001f600"


def test_json_can_be_written_out_in_the_document_with_variables_in_it(api: ApiServer) -> None:
    append = """mutation ($run: UUID!, $port: JSON) {
        appendLogs(workflowExecutionId: $run, entries: [{
            level: INFO, message: "x", data: { a: [1, -2.5, true, null, "text"], port: $port, big: 9223372036854775807 }
        }]) { __typename }
    }"""
    run_id = running(api)
    assert api.ask(append, run=run_id, port={"number": 5432}) == {"__typename": "AppendLogsPayload"}
    read = "query ($id: UUID!) { workflowExecution(id: $id) { logs { nodes { data } } } }"
    data = {"a": [1, -2.5, True, None, "text"], "port": {"number": 5432}, "big": 2**63 - 1}
    assert api.ask(read, id=run_id) == {"logs": {"nodes": [{"data": data}]}}


@pytest.mark.parametrize("literal", ["RED", "{ a: RED }", "[1, RED]"])
def test_an_enum_value_is_no_json(api: ApiServer, literal: str) -> None:
    (error,) = api.post(f"{{ workflowExecutions(filter: {{ metadata: {literal} }}) {{ totalCount }} }}")["errors"]
    assert error["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
    assert error["message"] == "JSON cannot represent an enum value"
