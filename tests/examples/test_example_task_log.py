"""What a replayed task logs."""

from typing import Any

import pytest
from task_log import command_line, end_entries, start_entries

from tests.examples.example_traces import trace_of


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
