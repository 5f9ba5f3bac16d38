"""Connections: how long pages are, where they begin, and what is refused."""

from base64 import urlsafe_b64encode
from hashlib import blake2b
from typing import Any
from uuid import UUID

import orjson
import pytest

from tests.api_server import ApiServer
from tests.graphql_api.reports import log, run, running, steps, workflow

RUNS = """
query ($workflow: UUID!, $order: WorkflowExecutionOrder, $status: [ExecutionStatus!],
       $first: Int, $after: String, $last: Int, $before: String) {
    workflowExecutions(filter: { workflowIds: [$workflow], status: $status }, orderBy: $order,
                       first: $first, after: $after, last: $last, before: $before) {
        nodes { id }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    }
}
"""
LOGS = """
query ($run: UUID!, $first: Int, $after: String, $last: Int, $before: String) {
    workflowExecution(id: $run) {
        logs(first: $first, after: $after, last: $last, before: $before) {
            nodes { sequence }
            edges { cursor node { sequence } }
            pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
            totalCount lastSequence
        }
    }
}
"""


def refused(response: dict[str, Any]) -> str:
    """The message of the one error, which is the client's."""
    (error,) = response["errors"]
    assert error["extensions"] == {"code": "BAD_USER_INPUT"}
    return str(error["message"])


@pytest.fixture(scope="module")
def run_of_seven(api: ApiServer) -> str:
    run_id = running(api)
    log(api, run_id, *(f"entry {number}" for number in range(1, 8)))
    return run_id


@pytest.fixture(scope="module")
def five_runs(api: ApiServer) -> tuple[str, list[str]]:
    """A workflow and its runs, newest first."""
    workflow_id, _nodes = workflow(api)
    return workflow_id, [run(api, workflow_id) for _ in range(5)][::-1]


def page(api: ApiServer, run_id: str, **arguments: Any) -> Any:
    logs = api.ask(LOGS, run=run_id, **arguments)["logs"]
    assert logs["nodes"] == [edge["node"] for edge in logs["edges"]]
    cursors = [edge["cursor"] for edge in logs["edges"]] or [None]
    assert (logs["pageInfo"]["startCursor"], logs["pageInfo"]["endCursor"]) == (cursors[0], cursors[-1])
    has = logs["pageInfo"]["hasPreviousPage"], logs["pageInfo"]["hasNextPage"]
    return [entry["sequence"] for entry in logs["nodes"]], has, cursors


def test_pages_follow_each_other_forwards_and_backwards_in_the_same_order(api: ApiServer, run_of_seven: str) -> None:
    first, has, cursors = page(api, run_of_seven, first=3)
    assert (first, has) == ([1, 2, 3], (False, True))
    second, has, cursors = page(api, run_of_seven, first=3, after=cursors[-1])
    assert (second, has) == ([4, 5, 6], (True, True))
    third, has, cursors = page(api, run_of_seven, first=3, after=cursors[-1])
    assert (third, has) == ([7], (True, False))

    last, has, cursors = page(api, run_of_seven, last=3)
    assert (last, has) == ([5, 6, 7], (True, False))
    before, has, cursors = page(api, run_of_seven, last=3, before=cursors[0])
    assert (before, has) == ([2, 3, 4], (True, True))
    front, has, cursors = page(api, run_of_seven, last=3, before=cursors[0])
    assert (front, has) == ([1], (False, True))


def test_a_page_lies_between_two_cursors(api: ApiServer, run_of_seven: str) -> None:
    _, _, cursors = page(api, run_of_seven)
    between = {"after": cursors[1], "before": cursors[5]}
    assert page(api, run_of_seven, **between)[0] == [3, 4, 5]
    assert page(api, run_of_seven, first=2, **between)[:2] == ([3, 4], (True, True))
    assert page(api, run_of_seven, last=2, **between)[:2] == ([4, 5], (True, True))


def test_a_page_of_none_says_whether_there_are_any(api: ApiServer, run_of_seven: str) -> None:
    assert page(api, run_of_seven, first=0) == ([], (False, True), [None])
    assert page(api, run_of_seven, last=0) == ([], (True, False), [None])
    assert page(api, running(api)) == ([], (False, False), [None])


def test_totals_and_the_last_sequence_are_those_of_the_whole_list(api: ApiServer, run_of_seven: str) -> None:
    logs = api.ask(LOGS, run=run_of_seven, first=2)["logs"]
    assert (logs["totalCount"], logs["lastSequence"]) == (7, 7)


@pytest.mark.parametrize("direction", ["ASC", "DESC"])
@pytest.mark.parametrize("argument", ["first", "last"])
def test_runs_are_paged_in_both_directions(
    api: ApiServer, five_runs: tuple[str, list[str]], direction: str, argument: str
) -> None:
    workflow_id, newest_first = five_runs
    expected = newest_first if direction == "DESC" else newest_first[::-1]
    order = {"field": "CREATED_AT", "direction": direction}
    cursor_argument, cursor, pages = "after" if argument == "first" else "before", None, []
    for _ in range(3):
        found = api.ask(RUNS, workflow=workflow_id, order=order, **{argument: 2, cursor_argument: cursor})
        pages.append([node["id"] for node in found["nodes"]])
        cursor = found["pageInfo"]["endCursor" if argument == "first" else "startCursor"]
    if argument == "first":
        assert pages == [expected[:2], expected[2:4], expected[4:]]
    else:
        assert pages == [expected[3:], expected[1:3], expected[:1]]


def test_50_is_the_length_of_a_page_where_none_is_asked_for(api: ApiServer) -> None:
    run_id = running(api)
    log(api, run_id, *(f"entry {number}" for number in range(51)))
    assert page(api, run_id)[:2] == (list(range(1, 51)), (False, True))


LONGEST: list[tuple[str, int]] = [
    ("query ($n: Int) { workflows(first: $n) { nodes { id } } }", 200),
    ("query ($n: Int) { workflowExecutions(last: $n) { nodes { id } } }", 200),
    ("query ($id: UUID!, $n: Int) { workflow(id: $id) { executions(first: $n) { nodes { id } } } }", 200),
    ("query ($id: UUID!, $n: Int) { nodeExecution(id: $id) { childExecutions(first: $n) { nodes { id } } } }", 200),
    ("query ($id: UUID!, $n: Int) { nodeExecution(id: $id) { logs(last: $n) { nodes { id } } } }", 1000),
    ("query ($id: UUID!, $n: Int) { workflowExecution(id: $id) { logs(first: $n) { nodes { id } } } }", 1000),
    ("query ($id: UUID!, $n: Int) { workflowExecution(id: $id) { nodeExecutions(last: $n) { nodes { id } } } }", 1000),
]


@pytest.mark.parametrize(("query", "maximum"), LONGEST)
def test_a_page_is_at_most_200_long_or_1000_for_entries_and_steps(api: ApiServer, query: str, maximum: int) -> None:
    workflow_id, _nodes = workflow(api)
    run_id = run(api, workflow_id)
    (step_id,) = steps(api, run_id, "step")
    field = next(name for name in ("workflowExecution(", "nodeExecution(", "workflow(", "") if name in query)
    id_ = {"workflowExecution(": run_id, "nodeExecution(": step_id, "workflow(": workflow_id, "": None}[field]
    argument = "first" if "first" in query else "last"

    assert "errors" not in api.post(query, id=id_, n=maximum)
    for number in (maximum + 1, -1):
        message = refused(api.post(query, id=id_, n=number))
        assert message == f"`{argument}` must be from 0 to {maximum}, not {number}"


def test_first_and_last_together_are_refused(api: ApiServer, run_of_seven: str) -> None:
    assert refused(api.post(LOGS, run=run_of_seven, first=1, last=1)) == "Use `first` or `last`, not both"


def test_a_cursor_is_good_for_another_filter(api: ApiServer, five_runs: tuple[str, list[str]]) -> None:
    workflow_id, newest_first = five_runs
    cursor = api.ask(RUNS, workflow=workflow_id, first=2)["pageInfo"]["endCursor"]
    rest = api.ask(RUNS, workflow=workflow_id, status=["PENDING", "RUNNING"], after=cursor)
    assert [node["id"] for node in rest["nodes"]] == newest_first[2:]


def test_a_cursor_of_another_list_order_or_parent_is_refused(
    api: ApiServer, five_runs: tuple[str, list[str]], run_of_seven: str
) -> None:
    workflow_id, _ = five_runs
    of_runs = api.ask(RUNS, workflow=workflow_id, first=2)["pageInfo"]["endCursor"]
    of_logs = api.ask(LOGS, run=run_of_seven, first=2)["logs"]["pageInfo"]["endCursor"]
    of_executions = api.ask(
        "query ($id: UUID!) { workflow(id: $id) { executions { pageInfo { endCursor } } } }", id=workflow_id
    )["executions"]["pageInfo"]["endCursor"]
    other_order = {"order": {"field": "CREATED_AT", "direction": "ASC"}}
    other_field = {"order": {"field": "STARTED_AT", "direction": "DESC"}}

    for response in (
        api.post(RUNS, workflow=workflow_id, after=of_executions),
        api.post(RUNS, workflow=workflow_id, after=of_logs),
        api.post(RUNS, workflow=workflow_id, after=of_runs, **other_order),
        api.post(RUNS, workflow=workflow_id, after=of_runs, **other_field),
        api.post(LOGS, run=run_of_seven, after=of_runs),
        api.post(LOGS, run=running(api), after=of_logs),
    ):
        assert refused(response) == "`after` is no cursor of this list in this order"
    assert (
        refused(api.post(LOGS, run=run_of_seven, before=of_runs)) == "`before` is no cursor of this list in this order"
    )


def forged(name: str, *values: Any) -> str:
    """A cursor as the server makes it, of any values."""
    return urlsafe_b64encode(blake2b(name.encode(), digest_size=6).digest() + orjson.dumps(values)).decode()


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "\u2603",
        "AAAAAAAAAAAA",
        forged("workflows"),
        forged("workflows", "2026-01-01T00:00:00+00:00"),
        forged("workflows", "2026-01-01T00:00:00+00:00", 5),
        forged("workflows", "2026-01-01T00:00:00+00:00", "no id"),
        forged("workflows", "2026-01-01T00:00:00+00:00", str(UUID(int=1)), str(UUID(int=1))),
        forged("workflows", "yesterday", str(UUID(int=1))),
        forged("workflows", 5, str(UUID(int=1))),
    ],
)
def test_what_is_no_cursor_is_refused(api: ApiServer, cursor: str) -> None:
    message = refused(api.post("query ($after: String) { workflows(after: $after) { nodes { id } } }", after=cursor))
    assert message.startswith("`after` is ")


def test_rows_that_are_added_while_a_client_pages_are_neither_repeated_nor_let_others_be_skipped(
    api: ApiServer,
) -> None:
    workflow_id, _nodes = workflow(api)
    there = [run(api, workflow_id) for _ in range(4)][::-1]
    seen: list[str] = []
    cursor = None
    for _ in range(4):
        found = api.ask(RUNS, workflow=workflow_id, first=1, after=cursor)
        seen += [node["id"] for node in found["nodes"]]
        cursor = found["pageInfo"]["endCursor"]
        run(api, workflow_id)
    assert seen == there
