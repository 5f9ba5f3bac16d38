"""Mutations of steps: what they make of a step, and what they refuse."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.api_server import ApiServer
from tests.graphql_api.reports import NOON, at, run, running, steps, transition, workflow

RESULT = """
    __typename
    ... on NodeExecution { status startedAt endedAt inputData outputData errorMessage retryCount canRetry revision }
    ... on Error { message }
    ... on NotFound { id }
    ... on InvalidTransition { id from attempted allowed }
    ... on InvalidInput { field }
"""
START = f"""mutation ($id: UUID!, $input: JSON, $at: DateTime) {{
    startNodeExecution(id: $id, inputData: $input, at: $at) {{ {RESULT} }}
}}"""
COMPLETE = f"""mutation ($id: UUID!, $output: JSON, $at: DateTime) {{
    completeNodeExecution(id: $id, outputData: $output, at: $at) {{ {RESULT} }}
}}"""
FAIL = f"""mutation ($id: UUID!, $message: String! = "broken", $at: DateTime) {{
    failNodeExecution(id: $id, errorMessage: $message, at: $at) {{ {RESULT} }}
}}"""
CANCEL = f"""mutation ($id: UUID!, $reason: String, $at: DateTime) {{
    cancelNodeExecution(id: $id, reason: $reason, at: $at) {{ {RESULT} }}
}}"""
SKIP = f"""mutation ($id: UUID!, $reason: String, $at: DateTime) {{
    skipNodeExecution(id: $id, reason: $reason, at: $at) {{ {RESULT} }}
}}"""
RETRY = (
    f"mutation ($id: UUID!, $force: Boolean! = false) {{ retryNodeExecution(id: $id, force: $force) {{ {RESULT} }} }}"
)


def as_result(status: str, **values: Any) -> dict[str, Any]:
    nothing = dict.fromkeys(["startedAt", "endedAt", "inputData", "outputData", "errorMessage"])
    return {"__typename": "NodeExecution", "status": status, **nothing, "retryCount": 0, "canRetry": False, **values}


def new_step(api: ApiServer, *, max_retries: int = 0, **values: Any) -> tuple[str, str]:
    """A PENDING step in a RUNNING run; gives the run's id and the step's."""
    nodes = [{"key": "load", "retryConfig": {"max_retries": max_retries}}]
    workflow_id, (node_id,) = workflow(api, nodes=nodes)
    run_id = running(api, workflow_id)
    (step_id,) = steps(api, run_id, {"nodeId": node_id, **values})
    return run_id, step_id


def test_a_step_starts_and_completes(api: ApiServer) -> None:
    _, step_id = new_step(api, inputData={"a": 1})
    assert api.ask(START, id=step_id, at=at(1)) == as_result("RUNNING", startedAt=at(1), inputData={"a": 1}, revision=4)
    assert api.ask(COMPLETE, id=step_id, at=at(2), output=[None]) == as_result(
        "COMPLETED", startedAt=at(1), endedAt=at(2), inputData={"a": 1}, outputData=[None], revision=5
    )


def test_a_start_replaces_the_input_where_one_is_given(api: ApiServer) -> None:
    _, step_id = new_step(api, inputData={"a": 1})
    assert api.ask(START, id=step_id, input={"b": 2})["inputData"] == {"b": 2}


def test_a_failed_step_is_retried_while_retries_are_left_and_its_tries_are_kept(api: ApiServer) -> None:
    _, step_id = new_step(api, max_retries=1)
    transition(api, "startNodeExecution", step_id, at=at(1))
    failed = as_result("FAILED", startedAt=at(1), endedAt=at(2), errorMessage="no disk", canRetry=True, revision=5)
    assert api.ask(FAIL, id=step_id, at=at(2), message="no disk") == failed
    assert api.ask(RETRY, id=step_id) == as_result("PENDING", retryCount=1, revision=6)
    transition(api, "startNodeExecution", step_id, at=at(3))
    transition(api, "failNodeExecution", step_id, at=at(4), errorMessage="still none")
    assert api.ask(RETRY, id=step_id) == {
        "__typename": "InvalidTransition",
        "message": "Cannot retry execution in status failed: all 1 retries are used up",
        "id": step_id,
        "from": "FAILED",
        "attempted": "retry",
        "allowed": ["FAILED"],
    }
    assert api.ask(RETRY, id=step_id, force=True) == as_result("PENDING", retryCount=2, revision=9)
    tries = "query ($id: UUID!) { nodeExecution(id: $id) { attempts { attempt status errorMessage } } }"
    assert api.ask(tries, id=step_id)["attempts"] == [
        {"attempt": 1, "status": "FAILED", "errorMessage": "no disk"},
        {"attempt": 2, "status": "FAILED", "errorMessage": "still none"},
    ]


def test_a_step_is_cancelled_or_skipped_with_the_reason_as_its_error_message(api: ApiServer) -> None:
    _, step_id = new_step(api)
    assert api.ask(SKIP, id=step_id, at=at(1), reason="not today") == as_result(
        "SKIPPED", endedAt=at(1), errorMessage="not today", revision=4
    )
    _, step_id = new_step(api)
    transition(api, "startNodeExecution", step_id, at=at(1))
    assert api.ask(CANCEL, id=step_id, at=at(2)) == as_result("CANCELLED", startedAt=at(1), endedAt=at(2), revision=5)


WAYS = {
    "PENDING": [],
    "RUNNING": ["start"],
    "COMPLETED": ["start", "complete"],
    "FAILED": ["start", "fail"],
    "CANCELLED": ["cancel"],
    "SKIPPED": ["skip"],
}
MUTATIONS = {"start": START, "complete": COMPLETE, "fail": FAIL, "cancel": CANCEL, "skip": SKIP, "retry": RETRY}
ALLOWED = {
    "start": ["PENDING"],
    "complete": ["RUNNING"],
    "fail": ["RUNNING"],
    "cancel": ["PENDING", "RUNNING"],
    "skip": ["PENDING"],
    "retry": ["FAILED"],
}


@pytest.mark.parametrize("status", list(WAYS))
@pytest.mark.parametrize("attempted", list(MUTATIONS))
def test_a_transition_is_done_from_the_allowed_statuses_and_refused_from_all_others(
    api: ApiServer, status: str, attempted: str
) -> None:
    _, step_id = new_step(api, max_retries=1)
    for action in WAYS[status]:
        api.ask(MUTATIONS[action], id=step_id)

    result = api.ask(MUTATIONS[attempted], id=step_id)
    if status in ALLOWED[attempted]:
        assert result["__typename"] == "NodeExecution"
    else:
        assert result == {
            "__typename": "InvalidTransition",
            "message": f"Cannot {attempted} execution in status {status.lower()}",
            "id": step_id,
            "from": status,
            "attempted": attempted,
            "allowed": ALLOWED[attempted],
        }


@pytest.mark.parametrize("mutation", MUTATIONS.values())
def test_an_unknown_step_is_not_found(api: ApiServer, mutation: str) -> None:
    nobody = str(uuid4())
    message = f"Node execution {nobody} does not exist"
    assert api.ask(mutation, id=nobody) == {"__typename": "NotFound", "id": nobody, "message": message}


def test_a_step_starts_only_in_a_running_run(api: ApiServer) -> None:
    (step_id,) = steps(api, run(api), "load")
    assert api.ask(START, id=step_id) == {
        "__typename": "InvalidTransition",
        "message": "Cannot start execution in status pending: its run is in status pending",
        "id": step_id,
        "from": "PENDING",
        "attempted": "start",
        "allowed": ["PENDING"],
    }


def test_a_step_is_retried_only_in_a_running_run(api: ApiServer) -> None:
    run_id, step_id = new_step(api, max_retries=1)
    transition(api, "startNodeExecution", step_id)
    transition(api, "failNodeExecution", step_id, errorMessage="broken")
    transition(api, "failWorkflowExecution", run_id, errorMessage="broken")
    for force in (False, True):
        assert api.ask(RETRY, id=step_id, force=force) == {
            "__typename": "InvalidTransition",
            "message": "Cannot retry execution in status failed: its run is in status failed",
            "id": step_id,
            "from": "FAILED",
            "attempted": "retry",
            "allowed": ["FAILED"],
        }


def test_a_time_is_neither_before_the_previous_transition_nor_far_ahead(api: ApiServer) -> None:
    _, step_id = new_step(api, max_retries=1)
    far = (datetime.now(UTC) + timedelta(minutes=6)).isoformat()
    assert api.ask(START, id=step_id, at=far)["field"] == "at"
    transition(api, "startNodeExecution", step_id, at=at(10))
    assert api.ask(FAIL, id=step_id, at=at(9)) == {
        "__typename": "InvalidInput",
        "field": "at",
        "message": f"at {at(9)} is before the previous transition, {at(10)}",
    }
    transition(api, "failNodeExecution", step_id, at=at(20), errorMessage="broken")
    transition(api, "retryNodeExecution", step_id)
    assert api.ask(START, id=step_id, at=at(19))["field"] == "at"
    assert api.ask(START, id=step_id, at=at(20))["startedAt"] == at(20)


def test_values_that_cannot_be_kept_are_refused_with_their_path(api: ApiServer) -> None:
    _, step_id = new_step(api)
    assert api.ask(START, id=step_id, input={"a": 2**64}) == {
        "__typename": "InvalidInput",
        "field": "inputData",
        "message": "inputData holds an integer that does not fit 64 bits",
    }
    assert api.ask(SKIP, id=step_id, reason="\0")["field"] == "reason"
    assert api.ask(CANCEL, id=step_id, reason="x" * 262_145)["field"] == "reason"
    transition(api, "startNodeExecution", step_id, at=NOON)
    assert api.ask(COMPLETE, id=step_id, output="\ud800")["field"] == "outputData"
    assert api.ask(FAIL, id=step_id, message="")["field"] == "errorMessage"
    read = "query ($id: UUID!) { nodeExecution(id: $id) { status revision } }"
    assert api.ask(read, id=step_id) == {"status": "RUNNING", "revision": 4}
