"""Small traces for tests."""

import json
from datetime import datetime
from typing import Any

from wfformat import parse_trace
from workflow_trace import Trace

# Three tasks, with everything that the format knows.
TRACE: dict[str, Any] = {
    "name": "tiny",
    "description": "three tasks",
    "schemaVersion": "1.5",
    "runtimeSystem": {"name": "Makeflow", "version": "7"},
    "workflow": {
        "specification": {
            "tasks": [
                {"id": "c", "name": "C", "parents": ["a", "b"], "children": [], "inputFiles": ["f"]},
                {"id": "b", "name": "B", "parents": [], "children": ["c"]},
                {"id": "a", "name": "A", "parents": [], "children": ["c"], "outputFiles": ["f"]},
            ],
            "files": [{"id": "f", "sizeInBytes": 7}],
        },
        "execution": {
            "makespanInSeconds": 12.5,
            "executedAt": "2021-03-23T05:57:15Z",
            "tasks": [
                {
                    "id": "a",
                    "runtimeInSeconds": 0.052991,
                    "executedAt": "2021-03-23T05:57:16+00:00",
                    "command": {"program": "cat", "arguments": ["-n", "x"]},
                    "coreCount": 1,
                    "avgCPU": 94.7,
                    "readBytes": 10,
                    "writtenBytes": 20,
                    "memoryInBytes": 30,
                    "energyInKWh": 0.5,
                    "avgPowerInW": 40.5,
                    "priority": 3,
                    "machines": ["m"],
                },
                {"id": "b", "runtimeInSeconds": 0},
                {"id": "c", "runtimeInSeconds": 10},
            ],
            "machines": [{"nodeName": "m", "cpu": {"coreCount": 24, "speedInMHz": 3000, "vendor": "x"}}],
        },
    },
}

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
