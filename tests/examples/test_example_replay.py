"""A trace told to the API: the right things, at the right times, in a legal order; and what if it says no."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from api_errors import ApiError, RefusedError
from client import Client
from graphql import GraphQLSchema
from replay import LostLogError, Replay
from replay_schedule import schedule
from workflow_trace import Trace

from tests.examples.example_fake_api import FakeApi, invalid_input
from tests.examples.example_traces import DIAMOND, trace_of


@pytest.fixture
def api(schema: GraphQLSchema) -> FakeApi:
    return FakeApi(schema)


async def replay(api: FakeApi, trace: Trace, *, speed: float | None = None) -> Replay:
    ended: list[str] = []
    async with Client("http://api.test/graphql", patience=[], transport=api.transport) as client:
        replay = Replay(client, trace, schedule(trace), source="tiny.json", on_end=lambda task: ended.append(task.id))
        await replay.tell(namespace="lab", speed=speed)
    assert sorted(ended) == sorted(task.id for task in trace.tasks)
    return replay


async def test_tells_the_whole_trace(api: FakeApi) -> None:
    run_id = (await replay(api, DIAMOND)).run_id
    (workflow,), run = api.workflows.values(), api.runs[run_id]
    assert (workflow["name"], workflow["namespace"]) == ("tiny", "lab")
    assert [node["key"] for node in workflow["nodes"]] == ["a", "b", "c", "d"]
    assert [(edge["sourceKey"], edge["targetKey"]) for edge in workflow["dependencies"]] == [
        ("a", "b"),
        ("a", "c"),
        ("b", "d"),
        ("c", "d"),
    ]
    assert (run["status"], run["triggerType"]) == ("COMPLETED", "MANUAL")
    assert run["metadata"] == {
        "trace": "tiny",
        "source": "tiny.json",
        "system": None,
        "makespanInSeconds": 99,
        "wfformat": "1.5",
    }
    times = schedule(DIAMOND)
    assert run["at"] == {"start": times.start.isoformat(), "complete": times.end.isoformat()}
    assert [
        (step["key"], step["nodeId"], step["executionOrder"], step["status"], step["at"]) for step in api.steps.values()
    ] == [
        (
            name,
            f"node of {name}",
            order,
            "COMPLETED",
            {"start": times.starts[name].isoformat(), "complete": times.ends[name].isoformat()},
        )
        for order, name in enumerate("abcd", start=1)
    ]
    (d,) = (step for step in api.steps.values() if step["key"] == "d")
    assert [
        (entry["message"], entry["timestamp"]) for entry in api.logs[run_id] if entry["nodeExecutionId"] == d["id"]
    ] == [
        ("D starts", times.starts["d"].isoformat()),
        ("reads f (1,234 bytes)", times.starts["d"].isoformat()),
        ("ran 0.5 s", times.ends["d"].isoformat()),
    ]
    assert api.fields()[-1] == "completeWorkflowExecution"


def told(api: FakeApi) -> list[tuple[str, str]]:
    keys = {step_id: step["key"] for step_id, step in api.steps.items()}
    return [
        (field.removesuffix("NodeExecution"), keys[arguments["id"]])
        for field, arguments in api.calls
        if field in {"startNodeExecution", "completeNodeExecution"}
    ]


async def test_no_step_starts_before_its_parents_have_ended(api: FakeApi) -> None:
    await replay(api, DIAMOND)
    place = {event: index for index, event in enumerate(told(api))}
    for task in DIAMOND.tasks:
        for parent in task.parents:
            assert place["complete", parent] < place["start", task.id]


async def test_at_a_pace_events_come_in_the_order_of_their_times(api: FakeApi) -> None:
    loop = asyncio.get_running_loop()
    begun = loop.time()
    await replay(api, DIAMOND, speed=20)
    assert loop.time() - begun >= 3.500001 / 20
    assert told(api) == [
        ("start", "a"),
        ("complete", "a"),
        ("start", "b"),
        ("start", "c"),
        ("complete", "c"),
        ("complete", "b"),
        ("start", "d"),
        ("complete", "d"),
    ]


def refuse(field: str, refusal: dict[str, Any]) -> Callable[[str, dict[str, Any]], dict[str, Any] | None]:
    return lambda called, _: refusal if called == field else None


@pytest.mark.parametrize(
    ("field", "status"),
    [
        ("createNodeExecutions", "CANCELLED"),  # it has not started, so it cannot fail
        ("startWorkflowExecution", "CANCELLED"),
        ("startNodeExecution", "FAILED"),
        ("completeNodeExecution", "FAILED"),
        ("completeWorkflowExecution", "FAILED"),
    ],
)
@pytest.mark.parametrize("speed", [None, 1e6])
async def test_a_refusal_ends_the_run_with_the_reason(
    api: FakeApi, field: str, status: str, speed: float | None
) -> None:
    api.before = refuse(field, invalid_input("at"))
    with pytest.raises(RefusedError, match=r"^InvalidInput: at is no good$"):
        await replay(api, DIAMOND, speed=speed)
    (run,) = api.runs.values()
    assert run["status"] == status
    assert run.get("errorMessage") or run.get("reason") == "the replay failed: InvalidInput: at is no good"
    assert not {"PENDING", "RUNNING"} & {step["status"] for step in api.steps.values()}


async def test_a_refused_log_entry_fails_the_run(api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    api.before = refuse("appendLogs", invalid_input("entries[0].data"))
    with pytest.raises(LostLogError):
        await replay(api, trace_of({"id": "a", "runtimeInSeconds": 1}))
    (run,) = api.runs.values()
    assert (run["status"], run["errorMessage"]) == ("FAILED", "the replay failed: 2 log entries were lost")
    assert capsys.readouterr().err.count("InvalidInput: entries[0].data") == 2


async def test_an_interrupted_replay_cancels_its_run(api: FakeApi) -> None:
    started = asyncio.Event()
    api.after = lambda field: started.set() if field == "startNodeExecution" else None
    task = asyncio.create_task(replay(api, DIAMOND, speed=0.001))
    async with asyncio.timeout(10):
        await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    (run,) = api.runs.values()
    assert (run["status"], run["reason"]) == ("CANCELLED", "the replay was interrupted")


async def test_a_workflow_that_is_refused_leaves_no_run(api: FakeApi) -> None:
    api.before = refuse("createWorkflow", invalid_input("nodes[0].key"))
    with pytest.raises(ApiError):
        await replay(api, DIAMOND)
    assert api.fields() == ["createWorkflow"]
