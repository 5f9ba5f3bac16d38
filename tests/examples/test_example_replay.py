"""A trace told to the API: the right things, at the right times, in a legal order; and what if it says no."""

import asyncio
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from api_errors import ApiError, RefusedError
from client import Client
from graphql import GraphQLSchema
from replay import LostLogError, Replay
from replay_schedule import Schedule, schedule
from replay_trace import main
from task_log import command_line, end_entries, start_entries
from wfformat import parse_trace
from workflow_trace import Trace

from tests.examples.example_fake_api import FakeApi, invalid_input

START = datetime.fromisoformat("2021-03-23T05:57:15+00:00")


def trace_of(*tasks: dict[str, Any], **execution: Any) -> Trace:
    """A trace of tasks that name their parents; a task's other keys are those of its execution."""
    names = [task["id"] for task in tasks]
    children = {name: [task["id"] for task in tasks if name in task.get("parents", [])] for name in names}
    files = {file for task in tasks for file in task.get("inputFiles", [])}
    document = {
        "name": "tiny",
        "schemaVersion": "1.5",
        "workflow": {
            "specification": {
                "tasks": [
                    {
                        "id": name,
                        "name": name.upper(),
                        "parents": task.get("parents", []),
                        "children": children[name],
                        "inputFiles": task.get("inputFiles", []),
                    }
                    for name, task in zip(names, tasks, strict=True)
                ],
                "files": [{"id": file, "sizeInBytes": 1234} for file in sorted(files)],
            },
            "execution": {
                "makespanInSeconds": 99,
                "executedAt": START.isoformat(),
                "tasks": [{key: task[key] for key in task if key not in {"parents", "inputFiles"}} for task in tasks],
                **execution,
            },
        },
    }
    return parse_trace(json.dumps(document))


DIAMOND = trace_of(
    {"id": "a", "runtimeInSeconds": 1.000001},
    {"id": "b", "runtimeInSeconds": 2, "parents": ["a"]},
    {"id": "c", "runtimeInSeconds": 0, "parents": ["a"]},
    {"id": "d", "runtimeInSeconds": 0.5, "parents": ["b", "c"], "inputFiles": ["f"]},
)


def seconds(trace: Trace, instants: dict[str, datetime]) -> dict[str, float]:
    return {name: (at - trace.executed_at).total_seconds() for name, at in instants.items()}


def test_tasks_start_when_the_last_of_their_parents_has_ended() -> None:
    times = schedule(DIAMOND)
    assert seconds(DIAMOND, times.starts) == {"a": 0, "b": 1.000001, "c": 1.000001, "d": 3.000001}
    assert seconds(DIAMOND, times.ends) == {"a": 1.000001, "b": 3.000001, "c": 1.000001, "d": 3.500001}
    assert (times.start, times.end) == (START, START + timedelta(seconds=3.500001))


def test_a_start_that_the_trace_tells_counts_even_before_the_run() -> None:
    trace = trace_of(
        {"id": "a", "runtimeInSeconds": 2, "executedAt": "2021-03-23T05:57:14Z"},
        {"id": "b", "runtimeInSeconds": 1, "parents": ["a"]},
        {"id": "c", "runtimeInSeconds": 1, "executedAt": "2021-03-23T05:58:15Z", "parents": ["a"]},
    )
    times = schedule(trace)
    assert seconds(trace, times.starts) == {"a": -1, "b": 1, "c": 60}
    assert times.start == START - timedelta(seconds=1)
    assert times.end == START + timedelta(seconds=61)


def check_order(trace: Trace, times: Schedule) -> None:
    told = [(event.task.id, event.is_end) for event in times.events(trace)]
    place = {event: index for index, event in enumerate(told)}
    assert len(place) == 2 * len(trace.tasks)
    for task in trace.tasks:
        assert place[task.id, False] < place[task.id, True]
        for parent in task.parents:
            assert place[parent, True] < place[task.id, False]
    assert all(before.at <= after.at for before, after in pairwise(times.events(trace)))


def test_events_come_in_a_legal_order_even_at_one_instant() -> None:
    check_order(DIAMOND, schedule(DIAMOND))
    still = trace_of(*({"id": f"t{n}", "runtimeInSeconds": 0, "parents": [f"t{n - 1}"] if n else []} for n in range(9)))
    check_order(still, schedule(still))


def test_events_of_real_traces_come_in_a_legal_order(trace_file: Path) -> None:
    trace = parse_trace(trace_file.read_bytes())
    check_order(trace, schedule(trace))


def test_a_task_says_what_the_trace_knows() -> None:
    trace = trace_of(
        {
            "id": "a",
            "runtimeInSeconds": 0.052991,
            "command": {"program": "cat", "arguments": ["./cat", "a b"]},
            "coreCount": 2,
            "avgCPU": 94.6972,
            "readBytes": 660000,
            "writtenBytes": 0,
            "memoryInBytes": 3000000,
            "energyInKWh": 0.25,
            "avgPowerInW": 40,
            "priority": 20,
            "machines": ["m"],
            "inputFiles": ["f"],
        },
        machines=[{"nodeName": "m", "cpu": {"coreCount": 24}, "memoryInBytes": 5000}],
    )
    (task,) = trace.tasks
    assert start_entries(task, trace.machines) == [
        {"level": "INFO", "message": "A starts", "data": {"priority": 20, "cores": 2}},
        {"level": "INFO", "message": "./cat 'a b'", "data": {"program": "cat", "arguments": ["./cat", "a b"]}},
        {
            "level": "INFO",
            "message": "on m, 24 cores, 5,000 bytes",
            "data": {"machine": "m", "cores": 24, "memoryInBytes": 5000},
        },
        {"level": "DEBUG", "message": "reads f (1,234 bytes)", "data": {"file": "f", "sizeInBytes": 1234}},
    ]
    assert end_entries(task) == [
        {
            "level": "INFO",
            "message": "ran 0.052991 s, 2 cores, CPU 94.7 %, memory 3,000,000 bytes, read 660,000 bytes,"
            " wrote 0 bytes, 0.25 kWh, 40 W",
            "data": {
                "runtimeInSeconds": 0.052991,
                "coreCount": 2,
                "avgCPU": 94.6972,
                "memoryInBytes": 3000000,
                "readBytes": 660000,
                "writtenBytes": 0,
                "energyInKWh": 0.25,
                "avgPowerInW": 40,
            },
        }
    ]


@pytest.mark.parametrize(
    ("command", "line"),
    [
        ({"program": "cat", "arguments": ["-n", "x"]}, "cat -n x"),
        ({"program": "cat", "arguments": ["./cat", "x"]}, "./cat x"),
        ({"program": "set -e\nmultiqc .", "arguments": []}, "set -e\nmultiqc ."),
    ],
    ids=["Pegasus", "Makeflow", "Nextflow"],
)
def test_command_lines_of_all_tracers(command: dict[str, Any], line: str) -> None:
    trace = trace_of({"id": "a", "runtimeInSeconds": 1, "command": command})
    assert command_line(trace.tasks[0]) == line


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


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda text: text[:-1], "the document: is not JSON"),
        (lambda text: text.replace('"wf": 0', '"wf": 0').replace("1.5", "1.4"), "schemaVersion: expected WfFormat 1.5"),
        (lambda text: text.replace("2021", "9021"), "workflow.execution: the last task ends in the future"),
        (lambda text: text.replace("2021", "9999").replace("1.0", "3e9"), "workflow.execution.tasks: the runtimes"),
    ],
    ids=["no JSON", "another version", "the future", "the end of time"],
)
def test_a_file_that_is_no_good_is_refused_in_one_line_without_a_request(
    change: Callable[[str], str],
    problem: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    document = {
        "name": "tiny",
        "schemaVersion": "1.5",
        "workflow": {
            "specification": {"tasks": [{"id": "a", "name": "A", "parents": [], "children": []}]},
            "execution": {
                "makespanInSeconds": 1,
                "executedAt": "2021-03-23T05:57:15Z",
                "tasks": [{"id": "a", "runtimeInSeconds": 1.0}],
            },
        },
    }
    file = tmp_path / "trace.json"
    file.write_text(change(json.dumps(document)))
    # Port 1 answers nobody: had it been asked, the exit code would be 1.
    monkeypatch.setattr("sys.argv", ["replay_trace.py", str(file), "--url", "http://127.0.0.1:1/graphql"])
    assert main() == 2
    error = capsys.readouterr().err
    assert error.startswith(f"replay_trace: {file}: {problem}")
    assert error.count("\n") == 1


def test_a_file_that_is_not_there_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["replay_trace.py", str(tmp_path / "none.json")])
    assert main() == 2
    assert "No such file" in capsys.readouterr().err


def test_a_server_that_does_not_answer_is_an_error(
    tmp_path: Path, trace_file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    url = ["--url", "http://127.0.0.1:1/graphql", "--wait", "0"]
    monkeypatch.setattr("sys.argv", ["replay_trace.py", str(trace_file), *url])
    assert main() == 1
    assert capsys.readouterr().err.splitlines()[-1].startswith("replay_trace: cannot reach http://127.0.0.1:1")
