"""What is wrong with a request's content is said in clear, with a code; nothing is written and the server lives."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from tests.api_server import ApiServer
from tests.graphql_api.reports import running

JSON = {"content-type": "application/json"}
COUNTS = """{
    workflows { totalCount }
    workflowExecutions { totalCount nodes { logCounts { total } nodeStatusCounts { total } } }
}"""


@pytest.fixture(autouse=True)
def nothing_is_written_and_the_server_lives(api: ApiServer) -> Iterator[None]:
    before = api.post(COUNTS)
    yield
    assert api.post(COUNTS) == before


def refused(response: dict[str, Any]) -> tuple[str, str]:
    """The code and the message of the one error."""
    (error,) = response["errors"]
    assert not response.get("data")
    return error["extensions"]["code"], error["message"]


def test_what_the_schema_does_not_know_is_refused(api: ApiServer) -> None:
    assert refused(api.post("{ workflow(id: 5) { id } }")) == (
        "GRAPHQL_VALIDATION_FAILED",
        "UUID cannot represent 5: expected 8-4-4-4-12 hexadecimal digits",
    )
    assert refused(api.post("{ workflows { nodes { colour } } }")) == (
        "GRAPHQL_VALIDATION_FAILED",
        "Cannot query field 'colour' on type 'Workflow'.",
    )
    assert refused(api.post("{ workflows ")) == (
        "GRAPHQL_VALIDATION_FAILED",
        "Syntax Error: Expected Name, found <EOF>.",
    )


@pytest.mark.parametrize(
    "malformed",
    [
        "",
        "x",
        "7a0b1c2d",
        "{7a0b1c2d-0000-4000-8000-000000000000}",
        "7a0b1c2d000040008000000000000000",
        "\ud800",
        5,
        True,
    ],
)
def test_a_malformed_uuid_is_refused(api: ApiServer, malformed: Any) -> None:
    code, message = refused(api.post("query ($id: UUID!) { workflow(id: $id) { id } }", id=malformed))
    assert code == "BAD_USER_INPUT"
    assert message.startswith("Variable '$id' has invalid value: UUID cannot represent ")
    if malformed != "\ud800":
        assert (
            refused(api.post(f"{{ workflow(id: {json.dumps(malformed)}) {{ id }} }}"))[0] == "GRAPHQL_VALIDATION_FAILED"
        )


def test_a_uuid_may_be_in_upper_case(api: ApiServer) -> None:
    assert api.post('{ workflow(id: "7A0B1C2D-0000-4000-8000-ABCDEFABCDEF") { id } }') == {"data": {"workflow": None}}


@pytest.mark.parametrize(
    "malformed",
    [
        "2026-01-12",
        "2026-01-12T12:00:00",
        "2026-01-12T12:00Z",
        "2026-13-12T12:00:00Z",
        "2026-01-12T12:00:60Z",
        "2026-01-12T12:00:00+24:00",
        "2026-01-12T12:00:00+0100",
        "0001-01-01T00:00:00+01:00",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59.999999Z",
        "9999-12-31T23:59:59-01:00",
        "\u0662\u0660\u0662\u0666-01-12T12:00:00Z",
        "now",
        1768219200,
    ],
)
def test_a_time_that_is_no_instant_is_refused(api: ApiServer, malformed: Any) -> None:
    query = "query ($since: DateTime) { workflowExecutions(filter: { createdSince: $since }) { totalCount } }"
    code, message = refused(api.post(query, since=malformed))
    assert code == "BAD_USER_INPUT"
    assert message.startswith("Variable '$since' has invalid value: DateTime cannot represent ")
    literal = f"{{ workflowExecutions(filter: {{ createdSince: {json.dumps(malformed)} }}) {{ totalCount }} }}"
    assert refused(api.post(literal))[0] == "GRAPHQL_VALIDATION_FAILED"


@pytest.mark.parametrize("number", [2**31, -(2**31) - 1, 10**40, 1.5, "5", True])
def test_an_integer_that_is_none_of_32_bits_is_refused(api: ApiServer, number: Any) -> None:
    code, message = refused(api.post("query ($n: Int) { workflows(first: $n) { totalCount } }", n=number))
    assert code == "BAD_USER_INPUT"
    assert message.startswith("Variable '$n' has invalid value: Int cannot represent ")


@pytest.mark.parametrize("digits", ["1" * 20, "1" * 5000])
def test_an_integer_of_any_length_is_refused(api: ApiServer, digits: str) -> None:
    query = "query ($n: Int) { workflows(first: $n) { totalCount } }"
    body = f'{{"query": "{query}", "variables": {{"n": {digits}}}}}'
    code, message = refused(api.http.post("/graphql", content=body, headers=JSON).json())
    assert code == "BAD_USER_INPUT"
    assert "Int cannot represent non 32-bit signed integer value: 1111" in message
    assert refused(api.post(f"{{ workflows(first: {digits}) {{ totalCount }} }}"))[0] == "GRAPHQL_VALIDATION_FAILED"


TEXTS = [
    "query ($text: String!) { workflows(search: $text) { totalCount } }",
    "query ($text: String!) { workflows(namespaces: [$text]) { totalCount } }",
    "query ($text: String!) { workflows(after: $text) { totalCount } }",
    "query ($text: String!) { workflowExecutions(filter: { search: $text }) { totalCount } }",
    "query ($text: String!) { workflowExecutions(filter: { namespaces: [$text] }) { totalCount } }",
    "query ($text: String!) { workflowExecutions(before: $text) { totalCount } }",
    "query ($text: JSON) { workflowExecutions(filter: { metadata: $text }) { totalCount } }",
    "query ($text: JSON) { workflowExecutions(filter: { metadata: { a: [$text] } }) { totalCount } }",
    """query ($text: String!, $run: UUID!) {
        workflowExecution(id: $run) { logs(filter: { search: $text }) { totalCount } }
    }""",
    """query ($text: String!, $run: UUID!) {
        workflowExecution(id: $run) { nodeExecutions(filter: { keys: [$text] }) { totalCount } }
    }""",
]


@pytest.fixture(scope="module")
def run_id(api: ApiServer) -> str:
    return running(api)


@pytest.mark.parametrize("query", TEXTS)
@pytest.mark.parametrize("text", ["\0", "a\0b", "\ud800", "\udfff\ud800"])
def test_text_that_cannot_be_stored_is_refused_in_every_filter(
    run_id: str, api: ApiServer, query: str, text: str
) -> None:
    variables = {"run": run_id} if "$run" in query else {}
    (error,) = api.post(query, text=text, **variables)["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("{ workflows(namespaces: %s) { totalCount } }", "`namespaces` has 1001 items; at most 1000 are allowed"),
        (
            "{ workflowExecutions(filter: { namespaces: %s }) { totalCount } }",
            "`namespaces` has 1001 items; at most 1000 are allowed",
        ),
    ],
)
def test_a_filter_has_at_most_1000_items(api: ApiServer, query: str, message: str) -> None:
    assert refused(api.post(query % json.dumps(["a"] * 1001))) == ("BAD_USER_INPUT", message)


@pytest.mark.parametrize("duration", [-1, 1e12])
def test_a_duration_is_a_sensible_number(api: ApiServer, duration: float) -> None:
    query = "query ($d: Float) { workflowExecutions(filter: { minDurationSeconds: $d }) { totalCount } }"
    assert refused(api.post(query, d=duration)) == (
        "BAD_USER_INPUT",
        "`minDurationSeconds` must be from 0 to 2147483647",
    )


def test_a_status_that_does_not_exist_is_refused(api: ApiServer) -> None:
    query = "query ($s: [ExecutionStatus!]) { workflowExecutions(filter: { status: $s }) { totalCount } }"
    for status in ("running", "DONE", "\ud800", 1):
        assert refused(api.post(query, s=[status]))[0] == "BAD_USER_INPUT"


def test_unknown_and_missing_arguments_and_variables_are_refused(api: ApiServer) -> None:
    assert refused(api.post("query ($id: UUID!) { workflow(id: $id) { id } }"))[0] == "BAD_USER_INPUT"
    assert refused(api.post("{ workflow { id } }"))[0] == "GRAPHQL_VALIDATION_FAILED"
    assert refused(api.post("{ workflow(id: $id) { id } }"))[0] == "GRAPHQL_VALIDATION_FAILED"
    create = "mutation ($input: CreateWorkflowInput!) { createWorkflow(input: $input) { __typename } }"
    for surplus in ("colour", "\ud800"):
        assert refused(api.post(create, input={"name": "Flow", surplus: 1}))[0] == "BAD_USER_INPUT"


def test_of_several_operations_one_has_to_be_named(api: ApiServer) -> None:
    query = f'query A {{ __typename }} mutation B {{ startWorkflowExecution(id: "{uuid4()}") {{ __typename }} }}'

    def ask(**parameters: Any) -> Any:
        return api.http.post("/graphql", json={"query": query, **parameters}).json()

    assert ask(operationName="A") == {"data": {"__typename": "Query"}}
    assert ask(operationName="B") == {"data": {"startWorkflowExecution": {"__typename": "NotFound"}}}
    assert refused(ask()) == (
        "GRAPHQL_VALIDATION_FAILED",
        "The document has several operations: name the one to execute",
    )
    assert refused(ask(operationName="C")) == ("GRAPHQL_VALIDATION_FAILED", 'Unknown operation named "C".')
    content = json.dumps({"query": query, "operationName": "\ud800"})
    response = api.http.post("/graphql", content=content, headers=JSON).json()
    assert refused(response) == ("GRAPHQL_VALIDATION_FAILED", 'Unknown operation named "\ud800".')


def test_a_document_without_an_operation_is_refused(api: ApiServer) -> None:
    code, _ = refused(api.post("fragment F on Query { __typename }"))
    assert code == "GRAPHQL_VALIDATION_FAILED"


def deep_query(workflow_id: str, times: int) -> str:
    """Go from a workflow to a run and back, so many times."""
    there, back = "{ executions { nodes { workflow " * times, " } } }" * times
    return f"{{ workflow(id: {json.dumps(workflow_id)}) {there}{{ id }}{back} }}"


def test_a_deep_query_is_answered_where_it_is_allowed(api: ApiServer, run_id: str) -> None:
    workflow_id = api.ask("query ($id: UUID!) { workflowExecution(id: $id) { workflowId } }", id=run_id)["workflowId"]
    with ApiServer(api.database_url, max_depth=1_000, max_cost=10**9) as patient:
        answer = patient.http.post("/graphql", json={"query": deep_query(workflow_id, 40)})
    assert answer.status_code == 200
    assert answer.json()["data"]["workflow"]["executions"]["nodes"][0]["workflow"]


def test_a_query_at_the_edge_of_what_can_be_executed_is_answered_or_refused_in_clear(
    api: ApiServer, run_id: str
) -> None:
    workflow_id = api.ask("query ($id: UUID!) { workflowExecution(id: $id) { workflowId } }", id=run_id)["workflowId"]
    with ApiServer(api.database_url, max_depth=1_000, max_cost=10**9) as patient:
        answer = patient.http.post("/graphql", json={"query": deep_query(workflow_id, 82)}).json()
    assert {error["extensions"]["code"] for error in answer["errors"]} <= {
        "BAD_USER_INPUT",
        "GRAPHQL_VALIDATION_FAILED",
    }
    assert api.ask("{ __typename }") == "Query"


@pytest.mark.parametrize(
    "query",
    [
        "{" * 100_000,
        "{ workflows { nodes { executions { nodes { workflow" * 1000,
        "{ workflows(search: " + "[" * 50_000,
        "{ workflowExecutions(filter: { metadata: " + "{ a: " * 5000 + "1" + " }" * 5000 + " }) { totalCount } }",
        "query ($a: " + "[" * 5000 + "Int" + "]" * 5000 + ") { __typename }",
        "{ ...F0 } "
        + " ".join(f"fragment F{n} on Query {{ ...F{n + 1} }}" for n in range(3000))
        + " fragment F3000 on Query { __typename }",
        "{ ...F } fragment F on Query { ...F }",
        "{" + " workflows { totalCount }" * 2000 + " }",
    ],
    ids=["braces", "fields", "lists", "objects", "types", "fragments", "itself", "repetitions"],
)
def test_a_bomb_of_a_query_is_refused_in_clear(api: ApiServer, query: str) -> None:
    code, _ = refused(api.post(query))
    assert code == "GRAPHQL_VALIDATION_FAILED"
