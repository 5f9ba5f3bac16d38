"""Heartbeats: what they tell an engine of its runs, and what becomes of a run whose engine is silent."""

from typing import Any
from uuid import uuid4

import pytest

from tests.api_server import ApiServer
from tests.graphql_api.followers import following
from tests.graphql_api.reports import run, running, steps, transition

HEARTBEAT = """
mutation ($ids: [UUID!]!) {
    heartbeat(workflowExecutionIds: $ids) {
        __typename
        ... on WorkflowExecution { id status }
        ... on NotFound { id }
        ... on InvalidInput { field message }
    }
}
"""
START = """
mutation ($id: UUID!, $seconds: Int) {
    startWorkflowExecution(id: $id, heartbeatTimeoutSeconds: $seconds) {
        __typename
        ... on WorkflowExecution { status }
        ... on InvalidInput { field message }
    }
}
"""


def test_a_heartbeat_tells_of_each_run_what_became_of_it(api: ApiServer) -> None:
    alive, cancelled, nobody = running(api), running(api), str(uuid4())
    transition(api, "cancelWorkflowExecution", cancelled)
    assert api.ask(HEARTBEAT, ids=[alive, cancelled, nobody, alive]) == [
        {"__typename": "WorkflowExecution", "id": alive, "status": "RUNNING"},
        {"__typename": "WorkflowExecution", "id": cancelled, "status": "CANCELLED"},
        {"__typename": "NotFound", "id": nobody},
        {"__typename": "WorkflowExecution", "id": alive, "status": "RUNNING"},
    ]


@pytest.mark.parametrize(
    ("ids", "message"),
    [([], "must not be empty"), ([str(uuid4())] * 10_001, "has 10001 items; at most 10000 are allowed")],
    ids=["none", "too many"],
)
def test_a_heartbeat_is_of_one_run_at_least_and_of_10000_at_most(api: ApiServer, ids: list[str], message: str) -> None:
    field = "workflowExecutionIds"
    assert api.ask(HEARTBEAT, ids=ids) == [
        {"__typename": "InvalidInput", "field": field, "message": f"{field} {message}"}
    ]


@pytest.mark.parametrize("seconds", [0, -1])
def test_a_timeout_is_a_second_at_least(api: ApiServer, seconds: int) -> None:
    field = "heartbeatTimeoutSeconds"
    assert api.ask(START, id=run(api), seconds=seconds) == {
        "__typename": "InvalidInput",
        "field": field,
        "message": f"{field} must be from 1 to 2147483647",
    }


async def test_a_run_whose_engine_is_silent_fails_by_itself_with_its_steps_and_says_why(api: ApiServer) -> None:
    run_id = run(api)
    (step_id,) = steps(api, run_id, "load")
    assert api.ask(START, id=run_id, seconds=1) == {"__typename": "WorkflowExecution", "status": "RUNNING"}
    transition(api, "startNodeExecution", step_id)
    query = "subscription ($id: UUID!) { workflowExecutionChanged(id: $id) { workflowExecution { status } } }"
    async with following(api, query, id=run_id) as follower:
        seen: list[Any] = [event["workflowExecution"]["status"] for event in await follower.events()]
    assert (seen[0], seen[-1]) == ("RUNNING", "FAILED")
    read = """query ($id: UUID!) { workflowExecution(id: $id) {
        errorMessage nodeExecutions { nodes { status } } logs { nodes { level message } }
    } }"""
    assert api.ask(read, id=run_id) == {
        "errorMessage": "No heartbeat for 1 seconds",
        "nodeExecutions": {"nodes": [{"status": "CANCELLED"}]},
        "logs": {
            "nodes": [
                {
                    "level": "WARNING",
                    "message": "No heartbeat for 1 seconds: the run was failed and its unfinished steps were cancelled",
                }
            ]
        },
    }
