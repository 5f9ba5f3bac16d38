"""A call with a key is done once: its repetition gives the same, and other arguments with its key are refused."""

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest

from tests.api_server import ApiServer
from tests.graphql_api.reports import run, running, steps, transition, workflow

CREATE = """
mutation ($input: CreateWorkflowExecutionInput!, $key: String) {
    createWorkflowExecution(input: $input, idempotencyKey: $key) {
        __typename
        ... on WorkflowExecution { id status }
        ... on Error { message }
        ... on NotFound { id }
        ... on InvalidInput { field }
        ... on IdempotencyConflict { key }
    }
}
"""
APPEND = """
mutation ($run: UUID!, $message: String!, $key: String) {
    appendLogs(workflowExecutionId: $run, entries: [{ level: INFO, message: $message }], idempotencyKey: $key) {
        __typename
        ... on AppendLogsPayload { firstSequence lastSequence }
        ... on IdempotencyConflict { key }
        ... on NotFound { id }
        ... on InvalidInput { field message }
    }
}
"""


def new_key() -> str:
    return f"key {uuid4()}"


def test_a_repetition_gives_the_same_run_as_it_is_now(api: ApiServer) -> None:
    given, key = {"workflowId": workflow(api)[0], "triggerType": "MANUAL"}, new_key()
    made = api.ask(CREATE, input=given, key=key)
    transition(api, "startWorkflowExecution", made["id"])
    assert api.ask(CREATE, input=given, key=key) == {**made, "status": "RUNNING"}
    assert api.ask(CREATE, input=given, key=new_key())["id"] != made["id"]


def test_a_key_with_other_arguments_is_a_conflict(api: ApiServer) -> None:
    given, key = {"workflowId": workflow(api)[0], "triggerType": "MANUAL"}, new_key()
    api.ask(CREATE, input=given, key=key)
    refused = api.ask(CREATE, input={**given, "triggerType": "EVENT"}, key=key)
    assert (refused["__typename"], refused["key"]) == ("IdempotencyConflict", key)


def test_a_key_of_one_mutation_is_free_for_another(api: ApiServer) -> None:
    given, key = {"workflowId": workflow(api)[0], "triggerType": "MANUAL"}, new_key()
    made = api.ask(CREATE, input=given, key=key)
    assert api.ask(APPEND, run=made["id"], message="hello", key=key)["__typename"] == "AppendLogsPayload"


def test_entries_are_appended_once(api: ApiServer) -> None:
    run_id, key = running(api), new_key()
    first = {"__typename": "AppendLogsPayload", "firstSequence": 1, "lastSequence": 1}
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: api.ask(APPEND, run=run_id, message="once", key=key), range(16)))
    assert answers == [first] * 16
    counts = "query ($id: UUID!) { workflowExecution(id: $id) { logCounts { total } } }"
    assert api.ask(counts, id=run_id) == {"logCounts": {"total": 1}}
    assert api.ask(APPEND, run=run_id, message="other", key=key) == {"__typename": "IdempotencyConflict", "key": key}


REPEATABLE = {
    "startWorkflowExecution(id: $run": "WorkflowExecution",
    "completeWorkflowExecution(id: $running": "WorkflowExecution",
    'failWorkflowExecution(errorMessage: "x", id: $running': "WorkflowExecution",
    "cancelWorkflowExecution(id: $running": "WorkflowExecution",
    "deleteWorkflowExecution(id: $run": "DeleteWorkflowExecutionPayload",
    'createNodeExecutions(workflowExecutionId: $run, nodeExecutions: [{ name: "x", executionOrder: 1 }]': (
        "CreateNodeExecutionsPayload"
    ),
    "startNodeExecution(id: $step": "NodeExecution",
    "completeNodeExecution(id: $started": "NodeExecution",
    'failNodeExecution(errorMessage: "x", id: $started': "NodeExecution",
    "cancelNodeExecution(id: $started": "NodeExecution",
    "skipNodeExecution(id: $step": "NodeExecution",
    "retryNodeExecution(force: true, id: $failed": "NodeExecution",
    "transitionNodeExecutions(transitions: [{ start: { id: $step } }]": "TransitionNodeExecutionsPayload",
    'createWorkflow(input: { name: "x" }': "Workflow",
    'registerWorkflow(input: { key: "x", name: "x" }': "Workflow",
}


@pytest.mark.parametrize("call", REPEATABLE)
def test_every_mutation_can_be_repeated(api: ApiServer, call: str) -> None:
    ids = {"run": run(api), "running": running(api)}
    ids["step"], ids["started"], ids["failed"] = steps(api, running(api), "pending", "started", "failed")
    for name in ("started", "failed"):
        transition(api, "startNodeExecution", ids[name])
    transition(api, "failNodeExecution", ids["failed"], errorMessage="broken")
    (subject,) = re.findall(r"\$(\w+)", call) or [None]
    declared, given = (f", ${subject}: UUID!", {subject: ids[subject]}) if subject else ("", {})
    mutation = f"mutation ($key: String{declared}) {{ {call}, idempotencyKey: $key) {{ __typename }} }}"
    key = new_key()
    assert [api.ask(mutation, key=key, **given) for _ in range(3)] == [{"__typename": REPEATABLE[call]}] * 3


def test_two_registrations_at_once_make_one_version_and_two_creations_with_one_key_one_step(api: ApiServer) -> None:
    register = """mutation ($input: RegisterWorkflowInput!) {
        registerWorkflow(input: $input) { ... on Workflow { id version } }
    }"""
    definition = {"key": new_key(), "name": "Flow", "nodes": [{"key": "a"}]}
    run_id, step = running(api), {"key": "k", "name": "load", "executionOrder": 1}
    with ThreadPoolExecutor(8) as pool:
        registered = list(pool.map(lambda _: api.ask(register, input=definition), range(16)))
        created = list(pool.map(lambda _: steps(api, run_id, step), range(16)))
    assert registered == [{"id": registered[0]["id"], "version": 1}] * 16
    assert created == [created[0]] * 16


def test_a_refusal_is_not_remembered(api: ApiServer) -> None:
    key, run_id = new_key(), running(api)
    complete = """mutation ($id: UUID!, $key: String) {
        completeWorkflowExecution(id: $id, idempotencyKey: $key) { __typename }
    }"""
    nobody = str(uuid4())
    assert api.ask(complete, id=nobody, key=key) == {"__typename": "NotFound"}
    assert api.ask(complete, id=run_id, key=key) == {"__typename": "WorkflowExecution"}


def test_a_repetition_after_the_deletion_is_not_found(api: ApiServer) -> None:
    run_id, key = running(api), new_key()
    api.ask(APPEND, run=run_id, message="once", key=key)
    transition(api, "deleteWorkflowExecution", run_id)
    assert api.ask(APPEND, run=run_id, message="once", key=key) == {"__typename": "NotFound", "id": run_id}


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("", "idempotencyKey must not be empty"),
        ("x" * 256, "idempotencyKey is 256 characters long; at most 255 are allowed"),
        ("\0", "idempotencyKey holds a NUL character, which cannot be stored"),
    ],
)
def test_a_key_has_1_to_255_characters(api: ApiServer, key: str, message: str) -> None:
    refused = api.ask(APPEND, run=running(api), message="hello", key=key)
    assert refused == {"__typename": "InvalidInput", "field": "idempotencyKey", "message": message}


@pytest.mark.parametrize("value", [2**64, [-(10**50)], "\ud800", {"\udfff": 1}, "\0"])
def test_what_cannot_be_stored_is_refused_with_a_key_as_it_is_without(api: ApiServer, value: Any) -> None:
    given = {"workflowId": workflow(api)[0], "triggerType": "MANUAL", "inputData": value}
    without, with_key = api.ask(CREATE, input=given), api.ask(CREATE, input=given, key=new_key())
    assert (without["__typename"], without["field"]) == ("InvalidInput", "inputData")
    assert with_key == without
