"""createNodeExecutions: all or none, once for each id and key, in a run that has not ended."""

from typing import Any
from uuid import uuid4

import pytest

from tests.api_server import ApiServer
from tests.graphql_api.reports import run, running, steps, transition, workflow

CREATE = """
mutation ($run: UUID!, $steps: [CreateNodeExecutionInput!]!) {
    createNodeExecutions(workflowExecutionId: $run, nodeExecutions: $steps) {
        __typename
        ... on CreateNodeExecutionsPayload {
            nodeExecutions { name key status executionOrder nodeId parentId inputData retryCount attempts { attempt } }
        }
        ... on Error { message }
        ... on NotFound { id }
        ... on InvalidTransition { id from attempted allowed }
        ... on InvalidInput { field }
    }
}
"""
IDS = """
mutation ($run: UUID!, $steps: [CreateNodeExecutionInput!]!) {
    createNodeExecutions(workflowExecutionId: $run, nodeExecutions: $steps) {
        __typename
        ... on CreateNodeExecutionsPayload { nodeExecutions { id } }
        ... on InvalidInput { field message }
    }
}
"""
NAMES = "query ($id: UUID!) { workflowExecution(id: $id) { nodeExecutions { nodes { name } } } }"


def names(api: ApiServer, run_id: str) -> list[str]:
    return [step["name"] for step in api.ask(NAMES, id=run_id)["nodeExecutions"]["nodes"]]


def test_steps_are_made_pending_in_the_order_of_the_input(api: ApiServer) -> None:
    workflow_id, (node_id,) = workflow(api, "load")
    loop, turn = str(uuid4()), str(uuid4())
    given = [
        {"id": turn, "name": "turn", "key": "turn-1", "executionOrder": 2, "parentId": loop, "inputData": [1]},
        {"id": loop, "nodeId": node_id, "executionOrder": 1},
    ]
    made = {"status": "PENDING", "retryCount": 0, "attempts": []}
    assert api.ask(CREATE, run=run(api, workflow_id), steps=given) == {
        "__typename": "CreateNodeExecutionsPayload",
        "nodeExecutions": [
            {
                "name": "turn",
                "key": "turn-1",
                "executionOrder": 2,
                "nodeId": None,
                "parentId": loop,
                "inputData": [1],
                **made,
            },
            {
                "name": "load",
                "key": None,
                "executionOrder": 1,
                "nodeId": node_id,
                "parentId": None,
                "inputData": None,
                **made,
            },
        ],
    }


NOBODY = "7a0b1c2d-0000-4000-8000-000000000000"


@pytest.mark.parametrize(
    ("given", "field", "message"),
    [
        ([], "nodeExecutions", "must not be empty"),
        ([{"name": "a"}, {"executionOrder": 2}], "nodeExecutions[1]", "needs a node or a name"),
        ([{"name": ""}], "nodeExecutions[0].name", "must not be empty"),
        ([{"name": "a", "key": ""}], "nodeExecutions[0].key", "must not be empty"),
        (
            [{"name": "a"}, {"name": "b", "key": "\0"}],
            "nodeExecutions[1].key",
            "holds a NUL character, which cannot be stored",
        ),
        ([{"name": "a", "executionOrder": -1}], "nodeExecutions[0].executionOrder", "must be from 0 to 2147483647"),
        (
            [{"name": "a"}, {"nodeId": NOBODY}],
            "nodeExecutions[1].nodeId",
            f"{NOBODY} is no node of version 1 of the run's workflow",
        ),
        (
            [{"name": "a"}, {"name": "b", "parentId": NOBODY}],
            "nodeExecutions[1].parentId",
            f"{NOBODY} is no step of this run",
        ),
        ([{"name": "a", "id": NOBODY}] * 2, "nodeExecutions[1].id", "is used twice in this call"),
        ([{"name": "a", "key": "k"}] * 2, "nodeExecutions[1].key", "is used twice in this call"),
        (
            [{"name": "a", "inputData": -(2**63) - 1}],
            "nodeExecutions[0].inputData",
            "holds an integer that does not fit 64 bits",
        ),
        ([{"name": "a"}] * 10_001, "nodeExecutions", "has 10001 items; at most 10000 are allowed"),
    ],
)
def test_what_is_no_step_is_refused_with_its_path_and_none_is_made(
    api: ApiServer, given: list[dict[str, Any]], field: str, message: str
) -> None:
    run_id = running(api)
    refused = api.ask(CREATE, run=run_id, steps=[{"executionOrder": 1, **step} for step in given])
    assert refused == {"__typename": "InvalidInput", "field": field, "message": f"{field} {message}"}
    assert names(api, run_id) == []


def test_a_step_is_not_part_of_itself(api: ApiServer) -> None:
    one, other = str(uuid4()), str(uuid4())
    given = [
        {"id": one, "parentId": other, "name": "one", "executionOrder": 1},
        {"id": other, "parentId": one, "name": "other", "executionOrder": 2},
    ]
    assert api.ask(CREATE, run=running(api), steps=given)["field"] == "nodeExecutions"


@pytest.mark.parametrize("end", ["complete", "fail", "cancel"])
def test_a_run_that_has_ended_takes_no_more_steps(api: ApiServer, end: str) -> None:
    run_id = running(api)
    arguments = {"errorMessage": "broken"} if end == "fail" else {}
    transition(api, f"{end}WorkflowExecution", run_id, **arguments)
    status = {"complete": "COMPLETED", "fail": "FAILED", "cancel": "CANCELLED"}[end]
    assert api.ask(CREATE, run=run_id, steps=[{"name": "a", "executionOrder": 1}]) == {
        "__typename": "InvalidTransition",
        "message": f"Cannot create node executions: the execution is in status {status.lower()}",
        "id": run_id,
        "from": status,
        "attempted": "create",
        "allowed": ["PENDING", "RUNNING"],
    }


def test_an_unknown_run_is_not_found(api: ApiServer) -> None:
    assert api.ask(CREATE, run=NOBODY, steps=[{"name": "a", "executionOrder": 1}]) == {
        "__typename": "NotFound",
        "id": NOBODY,
        "message": f"Workflow execution {NOBODY} does not exist",
    }


def test_a_step_of_another_run_is_no_parent_and_a_node_of_another_workflow_no_node(api: ApiServer) -> None:
    (stranger,) = steps(api, running(api), "stranger")
    (foreign,) = workflow(api, "foreign")[1]
    run_id = running(api)
    for reference, value in (("parentId", stranger), ("nodeId", foreign)):
        refused = api.ask(CREATE, run=run_id, steps=[{"name": "a", "executionOrder": 1, reference: value}])
        assert (refused["__typename"], refused["field"]) == ("InvalidInput", f"nodeExecutions[0].{reference}")


@pytest.mark.parametrize("by", ["id", "key"])
def test_a_step_is_made_once_for_each_id_and_key(api: ApiServer, by: str) -> None:
    run_id, name = running(api), str(uuid4())
    given = {by: name, "name": "load", "executionOrder": 1, "inputData": {"a": 1, "b": 2}}
    (made,) = api.ask(IDS, run=run_id, steps=[given])["nodeExecutions"]
    again = {**given, "inputData": {"b": 2, "a": 1}}
    both = api.ask(IDS, run=run_id, steps=[{"name": "new", "executionOrder": 2}, again])["nodeExecutions"]

    assert both[1] == made
    assert names(api, run_id) == ["load", "new"]
    assert api.ask(IDS, run=run_id, steps=[{**given, "executionOrder": 3}]) == {
        "__typename": "InvalidInput",
        "field": by,
        "message": f"{by} node execution {made['id']} exists, with other arguments",
    }
    assert names(api, run_id) == ["load", "new"]


def test_a_key_belongs_to_its_run_and_an_id_to_all(api: ApiServer) -> None:
    given = {"key": "k", "name": "load", "executionOrder": 1}
    ((first,), (second,)) = (steps(api, running(api), given) for _ in range(2))
    assert first != second
    elsewhere = api.ask(IDS, run=running(api), steps=[{"id": first, "name": "load", "executionOrder": 1}])
    assert (elsewhere["__typename"], elsewhere["field"]) == ("InvalidInput", "id")
