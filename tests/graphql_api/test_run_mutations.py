"""Mutations of runs: what they make of a run, and what they refuse."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from uuid_utils.compat import uuid7

from tests.api_server import ApiServer
from tests.graphql_api.reports import NOON, at, run, running, steps, transition, workflow

RESULT = """
    __typename
    ... on WorkflowExecution { status startedAt endedAt durationSeconds outputData errorMessage revision }
    ... on Error { message }
    ... on NotFound { id }
    ... on InvalidTransition { id from attempted allowed }
    ... on InvalidInput { field }
"""
START = f"mutation ($id: UUID!, $at: DateTime) {{ startWorkflowExecution(id: $id, at: $at) {{ {RESULT} }} }}"
COMPLETE = f"""mutation ($id: UUID!, $output: JSON, $at: DateTime) {{
    completeWorkflowExecution(id: $id, outputData: $output, at: $at) {{ {RESULT} }}
}}"""
FAIL = f"""mutation ($id: UUID!, $message: String! = "broken", $at: DateTime) {{
    failWorkflowExecution(id: $id, errorMessage: $message, at: $at) {{ {RESULT} }}
}}"""
CANCEL = f"""mutation ($id: UUID!, $reason: String, $at: DateTime) {{
    cancelWorkflowExecution(id: $id, reason: $reason, at: $at) {{ {RESULT} }}
}}"""
CREATE = """
mutation ($input: CreateWorkflowExecutionInput!) {
    createWorkflowExecution(input: $input) {
        __typename
        ... on WorkflowExecution {
            namespace status triggerType workflowId workflowVersion inputData context metadata revision startedAt
            parent { id } retryOf { id }
            nodeExecutions { nodes { name status executionOrder } }
        }
        ... on Error { message }
        ... on NotFound { id }
        ... on InvalidInput { field }
    }
}
"""


def as_result(status: str, **values: Any) -> dict[str, Any]:
    nothing = dict.fromkeys(["startedAt", "endedAt", "durationSeconds", "outputData", "errorMessage"])
    return {"__typename": "WorkflowExecution", "status": status, **nothing, **values}


def test_a_run_is_made_pending_with_a_step_for_each_node_in_dependency_order(api: ApiServer) -> None:
    dependencies = [{"sourceKey": "b", "targetKey": "a"}]
    workflow_id, _nodes = workflow(api, "a", "b", "c", namespace="made", dependencies=dependencies)
    before = run(api, workflow_id)
    (caller,) = steps(api, before, "call")
    given = {"workflowId": workflow_id, "triggerType": "EVENT", "inputData": 1, "context": [], "metadata": {"a": None}}
    references = {"parentNodeExecutionId": caller, "retryOfId": before, "workflowVersion": 1}

    assert api.ask(CREATE, input={**given, **references, "createNodeExecutions": True}) == {
        "__typename": "WorkflowExecution",
        "namespace": "made",
        "status": "PENDING",
        "triggerType": "EVENT",
        "workflowId": workflow_id,
        "workflowVersion": 1,
        "inputData": 1,
        "context": [],
        "metadata": {"a": None},
        "revision": 1,
        "startedAt": None,
        "parent": {"id": caller},
        "retryOf": {"id": before},
        "nodeExecutions": {
            "nodes": [
                {"name": "b", "status": "PENDING", "executionOrder": 1},
                {"name": "c", "status": "PENDING", "executionOrder": 2},
                {"name": "a", "status": "PENDING", "executionOrder": 3},
            ]
        },
    }


def test_an_unknown_workflow_or_parent_is_not_found_and_an_unknown_run_to_run_again_is_invalid(api: ApiServer) -> None:
    workflow_id, _nodes = workflow(api)
    nobody = str(uuid4())

    def create(**values: Any) -> Any:
        return api.ask(CREATE, input={"workflowId": workflow_id, "triggerType": "MANUAL", **values})

    assert create(workflowId=nobody) == {
        "__typename": "NotFound",
        "id": nobody,
        "message": f"Workflow {nobody} does not exist",
    }
    assert create(parentNodeExecutionId=nobody) == {
        "__typename": "NotFound",
        "id": nobody,
        "message": f"Node execution {nobody} does not exist",
    }
    assert create(retryOfId=nobody) == {
        "__typename": "InvalidInput",
        "field": "retryOfId",
        "message": f"retryOfId workflow execution {nobody} does not exist",
    }
    assert create(workflowVersion=2)["field"] == "workflowVersion"
    assert create(workflowVersion=0)["field"] == "workflowVersion"
    assert create(inputData="\0")["field"] == "inputData"
    assert create(context=2**64)["field"] == "context"
    assert create(metadata=["\ud800"])["field"] == "metadata"


def test_an_id_that_the_client_made_is_of_version_7_and_good_for_one_run(api: ApiServer) -> None:
    workflow_id, _nodes = workflow(api)
    given = {"id": str(uuid7()), "workflowId": workflow_id, "triggerType": "MANUAL", "inputData": {"a": 1, "b": 2}}
    made = api.ask(CREATE, input=given)
    assert made["__typename"] == "WorkflowExecution"
    assert api.ask(CREATE, input={**given, "inputData": {"b": 2, "a": 1}}) == made
    assert api.ask(CREATE, input={**given, "inputData": None}) == {
        "__typename": "InvalidInput",
        "field": "id",
        "message": f"id workflow execution {given['id']} exists, with other arguments",
    }
    assert api.ask(CREATE, input={**given, "id": str(uuid4())}) == {
        "__typename": "InvalidInput",
        "field": "id",
        "message": "id must be a version 7 UUID",
    }


def test_a_run_starts_and_completes_with_its_output(api: ApiServer) -> None:
    run_id = run(api)
    assert api.ask(START, id=run_id, at=NOON) == as_result("RUNNING", startedAt=NOON, revision=2)
    assert api.ask(COMPLETE, id=run_id, at=at(90), output={"rows": 3}) == as_result(
        "COMPLETED", startedAt=NOON, endedAt=at(90), durationSeconds=90, outputData={"rows": 3}, revision=3
    )


def test_a_run_fails_or_is_cancelled_with_the_reason_as_its_error_message(api: ApiServer) -> None:
    assert api.ask(FAIL, id=running(api), at=at(1.0), message="no disk") == as_result(
        "FAILED", startedAt=NOON, endedAt=at(1), durationSeconds=1, errorMessage="no disk", revision=3
    )
    assert api.ask(CANCEL, id=running(api), at=at(1), reason="not today") == as_result(
        "CANCELLED", startedAt=NOON, endedAt=at(1), durationSeconds=1, errorMessage="not today", revision=3
    )
    assert api.ask(CANCEL, id=run(api), at=at(1)) == as_result("CANCELLED", endedAt=at(1), revision=2)


RUN_ENDS = {"COMPLETED": COMPLETE, "FAILED": FAIL, "CANCELLED": CANCEL}


@pytest.mark.parametrize("status", ["PENDING", "RUNNING", "COMPLETED", "FAILED", "CANCELLED"])
@pytest.mark.parametrize(
    ("attempted", "mutation", "allowed"),
    [
        ("start", START, ["PENDING"]),
        ("complete", COMPLETE, ["RUNNING"]),
        ("fail", FAIL, ["RUNNING"]),
        ("cancel", CANCEL, ["PENDING", "RUNNING"]),
    ],
)
def test_a_transition_is_done_from_the_allowed_statuses_and_refused_from_all_others(
    api: ApiServer, status: str, attempted: str, mutation: str, allowed: list[str]
) -> None:
    run_id = run(api) if status == "PENDING" else running(api)
    if status in RUN_ENDS:
        api.ask(RUN_ENDS[status], id=run_id, at=NOON)

    result = api.ask(mutation, id=run_id, at=NOON)
    if status in allowed:
        assert result["__typename"] == "WorkflowExecution"
    else:
        assert result == {
            "__typename": "InvalidTransition",
            "message": f"Cannot {attempted} execution in status {status.lower()}",
            "id": run_id,
            "from": status,
            "attempted": attempted,
            "allowed": allowed,
        }


@pytest.mark.parametrize("mutation", [START, COMPLETE, FAIL, CANCEL])
def test_an_unknown_run_is_not_found(api: ApiServer, mutation: str) -> None:
    nobody = str(uuid4())
    message = f"Workflow execution {nobody} does not exist"
    assert api.ask(mutation, id=nobody) == {"__typename": "NotFound", "id": nobody, "message": message}


def test_the_end_of_a_run_ends_its_steps(api: ApiServer) -> None:
    read = "query ($id: UUID!) { workflowExecution(id: $id) { nodeExecutions { nodes { status endedAt revision } } } }"
    ends = {}
    for name, mutation in RUN_ENDS.items():
        run_id = running(api)
        _pending, started = steps(api, run_id, "pending", "running")
        if name != "COMPLETED":
            transition(api, "startNodeExecution", started, at=at(1))
        assert api.ask(mutation, id=run_id, at=at(5))["status"] == name
        found = api.ask(read, id=run_id)["nodeExecutions"]["nodes"]
        ends[name] = [step["status"] for step in found]
        assert [step["endedAt"] for step in found] == [at(5), at(5)]
    assert ends == {
        "COMPLETED": ["SKIPPED", "SKIPPED"],
        "FAILED": ["CANCELLED", "CANCELLED"],
        "CANCELLED": ["CANCELLED", "CANCELLED"],
    }


def test_a_run_with_a_running_step_is_not_completed(api: ApiServer) -> None:
    run_id = running(api)
    (step_id,) = steps(api, run_id, "load")
    transition(api, "startNodeExecution", step_id)
    assert api.ask(COMPLETE, id=run_id) == {
        "__typename": "InvalidTransition",
        "message": f"Cannot complete execution in status running: 1 of its steps are running, such as {step_id}",
        "id": run_id,
        "from": "RUNNING",
        "attempted": "complete",
        "allowed": ["RUNNING"],
    }


def test_cancelling_a_run_does_not_reach_its_child_runs(api: ApiServer) -> None:
    outer = running(api)
    (caller,) = steps(api, outer, "call")
    inner = run(api, parentNodeExecutionId=caller)
    transition(api, "cancelWorkflowExecution", outer)
    assert api.ask("query ($id: UUID!) { workflowExecution(id: $id) { status } }", id=inner) == {"status": "PENDING"}


def test_a_time_is_neither_before_the_previous_transition_nor_far_ahead(api: ApiServer) -> None:
    run_id = running(api)
    early, late = "2026-01-12T11:59:59.999999+00:00", datetime.now(UTC) + timedelta(minutes=6)
    assert api.ask(COMPLETE, id=run_id, at=early) == {
        "__typename": "InvalidInput",
        "field": "at",
        "message": f"at {early} is before the previous transition, {NOON}",
    }
    ahead = api.ask(COMPLETE, id=run_id, at=late.isoformat())
    assert (ahead["__typename"], ahead["field"]) == ("InvalidInput", "at")
    assert ahead["message"].endswith("is more than 5 minutes ahead of the server's clock")
    soon = datetime.now(UTC) + timedelta(minutes=4)
    assert api.ask(COMPLETE, id=run_id, at=soon.isoformat())["endedAt"] == soon.isoformat()


def test_without_a_time_an_end_is_never_before_its_start(api: ApiServer) -> None:
    run_id, soon = run(api), (datetime.now(UTC) + timedelta(minutes=4)).isoformat()
    assert api.ask(START, id=run_id, at=soon)["startedAt"] == soon
    assert api.ask(COMPLETE, id=run_id)["durationSeconds"] == 0


def test_an_error_message_is_neither_empty_nor_too_long(api: ApiServer) -> None:
    run_id = running(api)
    assert api.ask(FAIL, id=run_id, message="") == {
        "__typename": "InvalidInput",
        "field": "errorMessage",
        "message": "errorMessage must not be empty",
    }
    assert api.ask(FAIL, id=run_id, message="x" * 262_145)["field"] == "errorMessage"
    assert api.ask(CANCEL, id=run_id, reason="x" * 262_145)["field"] == "reason"
    assert api.ask(CANCEL, id=run_id, reason="")["errorMessage"] == ""
