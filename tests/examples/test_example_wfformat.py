"""Traces in WfFormat: what is read."""

import copy
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from wfformat import parse_trace
from workflow_trace import File, Machine, Task, Trace

from tests.examples.example_traces import TRACE


def parse(document: Any) -> Trace:
    return parse_trace(json.dumps(document))


def test_everything_is_read() -> None:
    trace = parse(TRACE)
    start = datetime(2021, 3, 23, 5, 57, 15, tzinfo=UTC)
    assert [task.id for task in trace.tasks] == ["b", "a", "c"]  # the file's order where parents allow it
    assert (trace.name, trace.description, trace.system) == ("tiny", "three tasks", "Makeflow 7")
    assert (trace.makespan, trace.executed_at) == (12.5, start)
    assert trace.machines == {"m": Machine("m", 24, 3000, "x", None)}
    assert trace.tasks[1] == Task(
        id="a",
        name="A",
        parents=(),
        runtime=timedelta(microseconds=52991),
        executed_at=start + timedelta(seconds=1),
        program="cat",
        arguments=("-n", "x"),
        core_count=1,
        cpu=94.7,
        read=10,
        written=20,
        memory=30,
        energy=0.5,
        power=40.5,
        priority=3,
        machines=("m",),
        inputs=(),
        outputs=(File("f", 7),),
    )
    assert trace.tasks[2].parents == ("a", "b")
    assert trace.tasks[2].inputs == (File("f", 7),)
    assert trace.tasks[2].program is None


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2020-12-25T21:27:28+00:00", datetime(2020, 12, 25, 21, 27, 28, tzinfo=UTC)),
        ("2023-03-21T11:10:20-10:00", datetime(2023, 3, 21, 21, 10, 20, tzinfo=UTC)),
        ("20200408T154143+0000", datetime(2020, 4, 8, 15, 41, 43, tzinfo=UTC)),
        ("03-23-21T05:57:15Z", datetime(2021, 3, 23, 5, 57, 15, tzinfo=UTC)),
        ("2021-01-22T04:02:20.396356", datetime(2021, 1, 22, 4, 2, 20, 396356, tzinfo=UTC)),
    ],
    ids=["Makeflow", "Nextflow", "Pegasus 4", "Pegasus 5", "no offset"],
)
def test_instants_of_all_tracers_are_read(text: str, instant: datetime) -> None:
    document = copy.deepcopy(TRACE)
    document["workflow"]["execution"]["executedAt"] = text
    assert parse(document).executed_at == instant


def test_references_into_sections_that_are_not_there_are_taken_as_they_are() -> None:
    document = copy.deepcopy(TRACE)
    del document["workflow"]["specification"]["files"]
    del document["workflow"]["execution"]["machines"]
    trace = parse(document)
    assert (trace.tasks[1].outputs, trace.tasks[1].machines) == ((File("f", None),), ("m",))


def test_real_traces_are_read_whole(trace_file: Path) -> None:
    document = json.loads(trace_file.read_bytes())
    trace = parse_trace(trace_file.read_bytes())
    specification, execution = document["workflow"]["specification"], document["workflow"]["execution"]
    sizes = {file["id"]: file["sizeInBytes"] for file in specification["files"]}
    specified_tasks = {task["id"]: task for task in specification["tasks"]}
    executed_tasks = {task["id"]: task for task in execution["tasks"]}
    assert {task.id for task in trace.tasks} == specified_tasks.keys()
    seen = set[str]()
    for task in trace.tasks:
        assert set(task.parents) <= seen
        seen.add(task.id)
        declared, measured = specified_tasks[task.id], executed_tasks[task.id]
        assert task.runtime.total_seconds() == measured["runtimeInSeconds"]
        assert list(task.parents) == declared["parents"]
        assert [(file.id, file.size) for file in task.inputs] == [(f, sizes[f]) for f in declared["inputFiles"]]
        assert [(file.id, file.size) for file in task.outputs] == [(f, sizes[f]) for f in declared["outputFiles"]]
        assert (task.program, list(task.arguments)) == tuple(measured["command"].values())
        assert task.cpu == measured.get("avgCPU")
        assert task.memory == measured.get("memoryInBytes")
        assert list(task.machines) == measured.get("machines", [])
