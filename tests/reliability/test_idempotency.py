"""A call that carries a key is done once, however often and from wherever it is sent."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from uuid_utils.compat import uuid7

from db import Database
from tests.api_server import ApiServer
from tests.reliability.reports import (
    MUTATIONS,
    a_key,
    a_run,
    a_step,
    a_workflow,
    entries,
    log,
    logged,
    report,
    some_steps,
)
from tests.reliability.store import everything, fetch

Arguments = dict[str, Any]
Two = tuple[ApiServer, ApiServer]


def _step(status: str, **values: Any) -> Callable[[ApiServer], Arguments]:
    return lambda api: {"id": a_step(api, a_run(api, "RUNNING"), status), **values}


def _run(status: str, **values: Any) -> Callable[[ApiServer], Arguments]:
    return lambda api: {"id": a_run(api, status), **values}


def _transitions(api: ApiServer) -> Arguments:
    run_id = a_run(api, "RUNNING")
    one, other = some_steps(api, run_id, {}, {})
    return {"transitions": [{"start": {"id": one}}, {"complete": {"id": other}}, {"fail": _failure(one)}]}


def _failure(id_: str) -> Arguments:
    return {"id": id_, "errorMessage": "It broke"}


CALLS: dict[str, Callable[[ApiServer], Arguments]] = {
    "createWorkflow": lambda _: {"input": {"name": a_key()}},
    "registerWorkflow": lambda _: {"input": {"name": "Flow", "key": a_key(), "nodes": [{"key": "one"}]}},
    "createWorkflowExecution": lambda api: {"input": {"workflowId": a_workflow(api), "triggerType": "EVENT"}},
    "startWorkflowExecution": _run("PENDING", heartbeatTimeoutSeconds=600),
    "completeWorkflowExecution": _run("RUNNING", outputData={"sum": 1}),
    "failWorkflowExecution": _run("RUNNING", errorMessage="It broke"),
    "cancelWorkflowExecution": _run("PENDING", reason="Not today"),
    "deleteWorkflowExecution": _run("RUNNING"),
    "createNodeExecutions": lambda api: {
        "workflowExecutionId": a_run(api),
        "nodeExecutions": [{"name": "Step", "executionOrder": 1}, {"name": "Step", "key": "2", "executionOrder": 2}],
    },
    "startNodeExecution": _step("PENDING", inputData=[1]),
    "completeNodeExecution": _step("RUNNING", outputData={"b": 1, "a": 2}),
    "failNodeExecution": _step("RUNNING", errorMessage="It broke"),
    "cancelNodeExecution": _step("RUNNING", reason="Not today"),
    "skipNodeExecution": _step("PENDING", reason="Not needed"),
    "retryNodeExecution": _step("FAILED", force=True),
    "transitionNodeExecutions": _transitions,
    "appendLogs": lambda api: {"workflowExecutionId": a_run(api), "entries": entries("one", "two", data={"x": 1})},
}
"""For each mutation, a call that changes something; each time on something new."""

every_call = pytest.mark.parametrize("mutation", CALLS)


def test_there_is_a_call_for_every_mutation_that_takes_a_key() -> None:
    assert CALLS.keys() == MUTATIONS.keys() - {"heartbeat"}


@every_call
async def test_a_repetition_gives_the_same_result_and_changes_nothing(two: Two, mutation: str) -> None:
    api, other = two
    call = {**CALLS[mutation](api), "idempotencyKey": a_key()}
    first = report(api, mutation, **call)
    assert first["__typename"] not in ("NotFound", "InvalidTransition", "InvalidInput", "IdempotencyConflict")
    before = await everything(api.database_url)
    assert [report(api, mutation, **call), report(other, mutation, **call)] == [first, first]
    assert await everything(api.database_url) == before


@every_call
async def test_other_arguments_under_the_same_key_are_a_conflict(api: ApiServer, mutation: str) -> None:
    key = a_key()
    report(api, mutation, **CALLS[mutation](api), idempotencyKey=key)
    others = CALLS[mutation](api)
    before = await everything(api.database_url)
    assert report(api, mutation, **others, idempotencyKey=key) == {
        "__typename": "IdempotencyConflict",
        "message": "The idempotency key was used before, with other arguments",
        "usedKey": key,
    }
    assert await everything(api.database_url) == before


@every_call
def test_two_at_the_same_moment_work_once_and_both_get_the_result(two: Two, mutation: str) -> None:
    api, _ = two
    with ThreadPoolExecutor(4) as threads:
        for _ in range(3):
            call = {**CALLS[mutation](api), "idempotencyKey": a_key()}
            sent = [threads.submit(report, to, mutation, **call) for to in two * 2]
            one, *others = [result.result(30) for result in sent]
            assert "message" not in one
            assert others == [one] * 3


def test_entries_sent_by_two_at_the_same_moment_are_there_once(two: Two) -> None:
    run_id = a_run(two[0])
    with ThreadPoolExecutor(4) as threads:
        for place in range(1, 51):
            call = {"workflowExecutionId": run_id, "entries": entries(str(place)), "idempotencyKey": a_key()}
            sent = [threads.submit(report, to, "appendLogs", **call) for to in two * 2]
            numbers = {"__typename": "AppendLogsPayload", "count": 1, "firstSequence": place, "lastSequence": place}
            assert [result.result(30) for result in sent] == [numbers] * 4
    assert logged(two[0], run_id) == [{"sequence": place, "message": str(place)} for place in range(1, 51)]


def test_a_repetition_shows_the_entity_as_it_is_now(api: ApiServer) -> None:
    call = {"id": a_run(api), "idempotencyKey": a_key()}
    assert report(api, "startWorkflowExecution", **call)["status"] == "RUNNING"
    report(api, "failWorkflowExecution", id=call["id"], errorMessage="It broke")
    assert report(api, "startWorkflowExecution", **call) == {
        "__typename": "WorkflowExecution",
        "id": call["id"],
        "status": "FAILED",
        "revision": 3,
        "errorMessage": "It broke",
    }


def test_a_repeated_batch_gives_its_refusals_as_they_were(api: ApiServer) -> None:
    one, other = some_steps(api, a_run(api, "RUNNING"), {}, {})
    transitions = [{"complete": {"id": one}}, {"start": {"id": other}}, {"start": {"id": one}}]
    call = {"transitions": transitions, "idempotencyKey": a_key()}
    first = report(api, "transitionNodeExecutions", **call)
    assert [result["__typename"] for result in first["results"]] == ["InvalidTransition"] + ["NodeExecution"] * 2
    report(api, "cancelNodeExecution", id=other)
    refused, changed, same = report(api, "transitionNodeExecutions", **call)["results"]
    assert (refused, same) == (first["results"][0], first["results"][2])
    assert changed == {**first["results"][1], "status": "CANCELLED", "revision": 7}


@pytest.mark.parametrize(
    "mutation", [name for name in CALLS if name not in ("deleteWorkflowExecution", "transitionNodeExecutions")]
)
async def test_a_repetition_is_not_found_once_it_was_deleted(
    api: ApiServer, shared_database: Database, mutation: str
) -> None:
    call = {**CALLS[mutation](api), "idempotencyKey": a_key()}
    result = report(api, mutation, **call)
    id_ = call.get("workflowExecutionId") or result["id"]
    await _delete(shared_database, id_)
    assert report(api, mutation, **call) == {
        "__typename": "NotFound",
        "message": f"{_KINDS[MUTATIONS[mutation][0]]} {id_} does not exist",
        "id": id_,
    }


_KINDS = {"Workflow": "Workflow", "NodeExecution": "Node execution"} | dict.fromkeys(
    ("WorkflowExecution", "CreateNodeExecutions", "AppendLogs"), "Workflow execution"
)


async def _delete(database: Database, id_: str) -> None:
    """Whatever it is: a definition, a run, or a step with its run."""
    runs = "SELECT workflow_execution_id FROM node_executions WHERE id = $1 UNION SELECT $1"
    await fetch(str_url(database), f"DELETE FROM workflow_executions WHERE id IN ({runs})", id_)
    await fetch(str_url(database), "DELETE FROM workflows WHERE id = $1", id_)


def str_url(database: Database) -> str:
    return database.url.render_as_string(hide_password=False)


def test_a_repeated_batch_of_a_deleted_run_finds_none_of_its_steps(api: ApiServer) -> None:
    run_id = a_run(api, "RUNNING")
    (step_id,) = some_steps(api, run_id, {})
    call = {"transitions": [{"start": {"id": step_id}}], "idempotencyKey": a_key()}
    report(api, "transitionNodeExecutions", **call)
    report(api, "deleteWorkflowExecution", id=run_id)
    message = f"Node execution {step_id} does not exist"
    assert report(api, "transitionNodeExecutions", **call) == {
        "__typename": "TransitionNodeExecutionsPayload",
        "results": [{"__typename": "NotFound", "message": message, "id": step_id}],
    }


async def test_a_refusal_is_not_remembered_but_evaluated_again(api: ApiServer) -> None:
    run_id = a_run(api)
    (step_id,) = some_steps(api, run_id, {})
    call = {"id": step_id, "idempotencyKey": a_key()}
    assert report(api, "startNodeExecution", **call)["__typename"] == "InvalidTransition"
    assert await _remembered(api, call["idempotencyKey"]) == []
    report(api, "startWorkflowExecution", id=run_id)
    assert report(api, "startNodeExecution", **call)["status"] == "RUNNING"
    assert await _remembered(api, call["idempotencyKey"]) == ["startNodeExecution"]


async def test_a_batch_of_nothing_but_refusals_is_not_remembered(api: ApiServer) -> None:
    run_id = a_run(api)
    (step_id,) = some_steps(api, run_id, {})
    call = {"transitions": [{"start": {"id": step_id}}], "idempotencyKey": a_key()}
    assert report(api, "transitionNodeExecutions", **call)["results"][0]["__typename"] == "InvalidTransition"
    report(api, "startWorkflowExecution", id=run_id)
    assert report(api, "transitionNodeExecutions", **call)["results"][0]["status"] == "RUNNING"


async def test_a_call_that_finds_everything_there_is_not_remembered(api: ApiServer) -> None:
    definition = {"name": "Flow", "key": a_key()}
    registered = report(api, "registerWorkflow", input=definition)
    run = {"id": str(uuid7()), "workflowId": registered["id"], "triggerType": "MANUAL"}
    report(api, "createWorkflowExecution", input=run)
    steps = [{"key": "one", "name": "Step", "executionOrder": 1}]
    made = {"workflowExecutionId": run["id"], "nodeExecutions": steps}
    report(api, "createNodeExecutions", **made)
    key = a_key()
    report(api, "registerWorkflow", input=definition, idempotencyKey=key)
    report(api, "createWorkflowExecution", input=run, idempotencyKey=key)
    report(api, "createNodeExecutions", **made, idempotencyKey=key)
    assert await _remembered(api, key) == []


async def _remembered(api: ApiServer, key: str) -> list[str]:
    """The mutations for which a key is remembered."""
    rows = await fetch(api.database_url, "SELECT mutation FROM idempotency_keys WHERE key = $1 ORDER BY 1", key)
    return [mutation for (mutation,) in rows]


async def test_a_key_is_remembered_for_each_mutation_by_itself(api: ApiServer) -> None:
    run_id, key = a_run(api), a_key()
    assert report(api, "startWorkflowExecution", id=run_id, idempotencyKey=key)["status"] == "RUNNING"
    assert report(api, "completeWorkflowExecution", id=run_id, idempotencyKey=key)["status"] == "COMPLETED"
    assert await _remembered(api, key) == ["completeWorkflowExecution", "startWorkflowExecution"]


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("", "must not be empty"),
        ("k" * 256, "is 256 characters long; at most 255 are allowed"),
        ("k\0", "holds a NUL character, which cannot be stored"),
    ],
)
async def test_a_key_has_from_1_to_255_characters(api: ApiServer, key: str, why: str) -> None:
    run_id = a_run(api)
    before = await everything(api.database_url)
    for mutation, call in (("startWorkflowExecution", {"id": run_id}), ("appendLogs", _one_entry(run_id))):
        refused = {"__typename": "InvalidInput", "message": f"idempotencyKey {why}", "field": "idempotencyKey"}
        assert report(api, mutation, **call, idempotencyKey=key) == refused
    assert await everything(api.database_url) == before


@pytest.mark.parametrize("key", ["k", "ü" * 255])
def test_the_shortest_and_the_longest_key_are_keys(api: ApiServer, key: str) -> None:
    call = {**_one_entry(a_run(api)), "idempotencyKey": key}
    assert report(api, "appendLogs", **call) == report(api, "appendLogs", **call)


def _one_entry(run_id: str) -> Arguments:
    return {"workflowExecutionId": run_id, "entries": entries("one")}


def test_the_order_of_an_object_makes_no_difference(api: ApiServer) -> None:
    run_id, key = a_run(api), a_key()
    one, other = {"a": 1, "b": {"c": 2, "d": 3}}, {"b": {"d": 3, "c": 2}, "a": 1}
    results = [
        report(api, "appendLogs", workflowExecutionId=run_id, entries=entries("one", data=data), idempotencyKey=key)
        for data in (one, other)
    ]
    assert results[0] == results[1]
    assert len(logged(api, run_id)) == 1


def test_a_call_without_a_key_is_done_each_time(api: ApiServer) -> None:
    run_id = a_run(api)
    assert [log(api, run_id, "one")["lastSequence"] for _ in range(3)] == [1, 2, 3]
