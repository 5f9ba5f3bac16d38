"""Thousands of steps or transitions in one call, in a few statements."""

from typing import Any
from uuid import uuid4

import pytest
from uuid_utils.compat import uuid7

from tests.api_server import ApiServer
from tests.reliability.reports import a_run, a_step, a_workflow, report, some_steps
from tests.reliability.store import everything
from tests.statements import counted_statements

MANY = 5_000


def create(api: ApiServer, run_id: str, *steps: dict[str, Any]) -> Any:
    inputs = [{"name": "Step", "executionOrder": place, **step} for place, step in enumerate(steps)]
    return report(api, "createNodeExecutions", workflowExecutionId=run_id, nodeExecutions=inputs)


def transition(api: ApiServer, *transitions: dict[str, Any]) -> list[dict[str, Any]]:
    """What became of each."""
    results: list[dict[str, Any]] = report(api, "transitionNodeExecutions", transitions=transitions)["results"]
    return results


def statuses(results: list[dict[str, Any]]) -> list[str]:
    """The status that each step has now, or the type of the refusal."""
    return [result.get("status", result["__typename"]) for result in results]


def test_thousands_of_steps_are_made_and_moved_in_as_many_statements_as_two(api: ApiServer) -> None:
    counts: dict[int, list[int]] = {}
    for count in (2, MANY):
        run_id = a_run(api, "RUNNING")
        with counted_statements() as creating:
            steps = some_steps(api, run_id, *({"key": str(place), "inputData": [place]} for place in range(count)))
        with counted_statements() as starting:
            started = transition(api, *({"start": {"id": id_}} for id_ in steps))
        with counted_statements() as ending:
            ended = transition(api, *({"complete": {"id": id_, "outputData": id_}} for id_ in steps))
        counts[count] = [len(creating), len(starting), len(ending)]
        assert statuses(started) == ["RUNNING"] * count
        assert [result["id"] for result in ended] == steps
        first = 2 + count * 2  # after those of the run, the steps and the starts
        assert [result["revision"] for result in ended] == list(range(first + 1, first + count + 1))
    assert counts[2] == counts[MANY]
    assert max(counts[MANY]) <= 7


async def test_steps_are_made_all_or_none(api: ApiServer) -> None:
    run_id = a_run(api)
    before = await everything(api.database_url)
    refused = create(api, run_id, *({} for _ in range(MANY - 1)), {"name": ""})
    assert refused == {
        "__typename": "InvalidInput",
        "message": f"nodeExecutions[{MANY - 1}].name must not be empty",
        "field": f"nodeExecutions[{MANY - 1}].name",
    }
    assert await everything(api.database_url) == before


def _bad_steps() -> dict[str, tuple[list[dict[str, Any]], str]]:
    one, other, id_ = str(uuid7()), str(uuid7()), str(uuid7())
    return {
        "neither-node-nor-name": ([{}, {"name": None}], "nodeExecutions[1]"),
        "unknown-node": ([{"nodeId": id_}], "nodeExecutions[0].nodeId"),
        "unknown-parent": ([{}, {"parentId": id_}], "nodeExecutions[1].parentId"),
        "own-parent": ([{"id": one, "parentId": one}], "nodeExecutions"),
        "cycle": ([{"id": one, "parentId": other}, {"id": other, "parentId": one}], "nodeExecutions"),
        "id-twice": ([{"id": one}, {}, {"id": one}], "nodeExecutions[2].id"),
        "key-twice": ([{"key": "k"}, {}, {"key": "k"}], "nodeExecutions[2].key"),
        "negative-order": ([{"executionOrder": -1}], "nodeExecutions[0].executionOrder"),
        "input": ([{"inputData": {"a": "\0"}}], "nodeExecutions[0].inputData"),
        "none": ([], "nodeExecutions"),
        "too-many": ([{}] * 10_001, "nodeExecutions"),
    }


@pytest.mark.parametrize(("steps", "field"), _bad_steps().values(), ids=_bad_steps())
async def test_steps_that_cannot_be_are_refused_and_none_is_made(
    api: ApiServer, steps: list[dict[str, Any]], field: str
) -> None:
    run_id = a_run(api)
    before = await everything(api.database_url)
    refused = create(api, run_id, *steps)
    assert (refused["__typename"], refused.get("field")) == ("InvalidInput", field), refused
    assert await everything(api.database_url) == before


def test_a_step_of_another_run_is_no_parent(api: ApiServer) -> None:
    other = a_step(api, a_run(api))
    assert create(api, a_run(api), {"parentId": other}) == {
        "__typename": "InvalidInput",
        "message": f"nodeExecutions[0].parentId {other} is no step of this run",
        "field": "nodeExecutions[0].parentId",
    }


PARENTS = """query ($id: UUID!) { workflowExecution(id: $id) { nodeExecutions { nodes { key parentId } } } }"""


def test_parents_may_be_of_the_same_call_in_any_order_or_there_already(api: ApiServer) -> None:
    run_id = a_run(api)
    root, group, part = (str(uuid7()) for _ in range(3))
    some_steps(api, run_id, {"id": root, "key": "root"})
    steps = [{"id": part, "key": "part", "parentId": group}, {"id": group, "key": "group", "parentId": root}]
    some_steps(api, run_id, *({**step, "executionOrder": place} for place, step in enumerate(steps, start=2)))
    assert api.ask(PARENTS, id=run_id)["nodeExecutions"]["nodes"] == [
        {"key": "root", "parentId": None},
        {"key": "part", "parentId": group},
        {"key": "group", "parentId": root},
    ]


def test_steps_that_are_there_by_key_are_given_again_among_new_ones(api: ApiServer) -> None:
    run_id = a_run(api)
    old = some_steps(api, run_id, {"key": "a"}, {"key": "b"})
    again = some_steps(api, run_id, {"key": "a"}, {"key": "b"}, {"key": "c"})
    assert again[:2] == old
    assert len(set(again)) == 3


@pytest.mark.parametrize("status", ["COMPLETED", "FAILED", "CANCELLED"])
def test_a_run_that_has_ended_takes_no_more_steps(api: ApiServer, status: str) -> None:
    run_id = a_run(api, status)
    assert create(api, run_id, {}) == {
        "__typename": "InvalidTransition",
        "message": f"Cannot create node executions: the execution is in status {status.lower()}",
        "id": run_id,
        "from": status,
        "attempted": "create",
        "allowed": ["PENDING", "RUNNING"],
    }


def test_each_transition_has_a_result_of_its_own(api: ApiServer) -> None:
    run_id, waiting = a_run(api, "RUNNING"), a_run(api)
    one, two, three = some_steps(api, run_id, {}, {}, {})
    (elsewhere,) = some_steps(api, waiting, {})
    unknown = str(uuid4())
    results = transition(
        api,
        {"start": {"id": one}},
        {"complete": {"id": two}},
        {"start": {"id": unknown}},
        {"start": {"id": elsewhere}},
        {"skip": {"id": three, "reason": "x" * 300_000}},
        {"cancel": {"id": three, "reason": "Not today"}},
    )
    assert results == [
        {
            "__typename": "NodeExecution",
            "id": one,
            "key": None,
            "status": "RUNNING",
            "revision": 6,
            "retryCount": 0,
            "errorMessage": None,
        },
        {
            "__typename": "InvalidTransition",
            "message": "Cannot complete execution in status pending",
            "id": two,
            "from": "PENDING",
            "attempted": "complete",
            "allowed": ["RUNNING"],
        },
        {"__typename": "NotFound", "message": f"Node execution {unknown} does not exist", "id": unknown},
        {
            "__typename": "InvalidTransition",
            "message": "Cannot start execution in status pending: its run is in status pending",
            "id": elsewhere,
            "from": "PENDING",
            "attempted": "start",
            "allowed": ["PENDING"],
        },
        {
            "__typename": "InvalidInput",
            "message": "transitions[4].skip.reason is 300000 characters long; at most 262144 are allowed",
            "field": "transitions[4].skip.reason",
        },
        {
            "__typename": "NodeExecution",
            "id": three,
            "key": None,
            "status": "CANCELLED",
            "revision": 7,
            "retryCount": 0,
            "errorMessage": "Not today",
        },
    ]


ATTEMPTS = """query ($id: UUID!) { nodeExecution(id: $id) {
    status retryCount canRetry errorMessage outputData attempts { attempt status errorMessage startedAt endedAt }
} }"""


def test_an_id_may_recur_and_its_tries_are_kept(api: ApiServer) -> None:
    query = "query ($id: UUID!) { workflow(id: $id) { nodes { id } } }"
    workflow_id = a_workflow(api, {"key": "one", "retryConfig": {"max_retries": 2}})
    (node,) = api.ask(query, id=workflow_id)["nodes"]
    step = a_step(api, a_run(api, "RUNNING", workflowId=workflow_id), nodeId=node["id"])
    at = [f"2026-01-12T12:00:0{second}+00:00" for second in range(6)]
    given: list[dict[str, Any]] = [
        {"start": {"id": step, "at": at[0]}},
        {"start": {"id": step, "at": at[1]}},  # refused: it is running
        {"fail": {"id": step, "errorMessage": "first", "at": at[1]}},
        {"retry": {"id": step}},
        {"start": {"id": step, "at": at[2]}},
        {"fail": {"id": step, "errorMessage": "second", "at": at[3]}},
        {"retry": {"id": step}},
        {"start": {"id": step, "at": at[4]}},
        {"fail": {"id": step, "errorMessage": "third", "at": at[5]}},
        {"retry": {"id": step}},  # refused: two retries only
    ]
    results = transition(api, *given)
    assert [result["__typename"] for result in results] == [
        "InvalidTransition" if place in (1, 9) else "NodeExecution" for place in range(10)
    ]
    assert results[9]["message"] == "Cannot retry execution in status failed: all 2 retries are used up"
    assert api.ask(ATTEMPTS, id=step) == {
        "status": "FAILED",
        "retryCount": 2,
        "canRetry": False,
        "errorMessage": "third",
        "outputData": None,
        "attempts": [
            {"attempt": 1, "status": "FAILED", "errorMessage": "first", "startedAt": at[0], "endedAt": at[1]},
            {"attempt": 2, "status": "FAILED", "errorMessage": "second", "startedAt": at[2], "endedAt": at[3]},
            {"attempt": 3, "status": "FAILED", "errorMessage": "third", "startedAt": at[4], "endedAt": at[5]},
        ],
    }


def test_a_forced_retry_ignores_the_limit_and_nothing_else(api: ApiServer) -> None:
    run_id = a_run(api, "RUNNING")
    failed, completed = a_step(api, run_id, "FAILED"), a_step(api, run_id, "COMPLETED")
    given = [{"retry": {"id": id_, "force": force}} for id_ in (failed, completed) for force in (False, True)]
    assert statuses(transition(api, *given)) == [
        "InvalidTransition",
        "PENDING",
        "InvalidTransition",
        "InvalidTransition",
    ]
    report(api, "skipNodeExecution", id=failed)
    other = a_step(api, run_id, "FAILED")
    report(api, "completeWorkflowExecution", id=run_id)
    (refused,) = transition(api, {"retry": {"id": other, "force": True}})
    assert refused["message"] == "Cannot retry execution in status failed: its run is in status completed"


def test_a_batch_may_span_runs(api: ApiServer) -> None:
    steps = [a_step(api, a_run(api, "RUNNING")) for _ in range(3)]
    given: list[dict[str, Any]] = [{"start": {"id": id_}} for id_ in steps]
    results = transition(api, *given, *({"complete": {"id": id_}} for id_ in reversed(steps)))
    assert [(result["status"], result["revision"]) for result in results] == [("COMPLETED", 5)] * 6


@pytest.mark.parametrize(
    ("count", "why"), [(0, "must not be empty"), (10_001, "has 10001 items; at most 10000 are allowed")]
)
def test_a_batch_has_from_1_to_10_000_transitions(api: ApiServer, count: int, why: str) -> None:
    transitions = [{"start": {"id": str(uuid4())}}] * count
    refused = {"__typename": "InvalidInput", "message": f"transitions {why}", "field": "transitions"}
    assert report(api, "transitionNodeExecutions", transitions=transitions) == refused
