"""A task's log as its engine might have written it, made of what the trace knows."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from datetime import datetime
from pathlib import PurePath
from typing import Any

from api_errors import JsonObject
from workflow_trace import File, Machine, Task


def start_entries(task: Task, machines: dict[str, Machine]) -> list[JsonObject]:
    """What a task says as it starts, as log entries still without step and time: at least one."""
    entries = [_entry("INFO", f"{task.name} starts", _known(priority=task.priority, cores=task.core_count))]
    if task.program is not None:
        data = {"program": task.program, "arguments": list(task.arguments)}
        entries.append(_entry("INFO", command_line(task), data))
    entries += [_entry("INFO", *_machine(name, machines.get(name))) for name in task.machines]
    entries += _file_entries("reads", task.inputs)
    return entries


def end_entries(task: Task) -> list[JsonObject]:
    """What a task says as it ends: the files it wrote and its figures; at least one entry."""
    figures = figures_of(task)
    words = [f"ran {task.runtime.total_seconds()} s"]
    if task.core_count is not None:
        words.append(f"{task.core_count:g} cores")
    if task.cpu is not None:
        words.append(f"CPU {task.cpu:.1f} %")
    if task.memory is not None:
        words.append(f"memory {_size(task.memory)}")
    if task.read is not None:
        words.append(f"read {_size(task.read)}")
    if task.written is not None:
        words.append(f"wrote {_size(task.written)}")
    if task.energy is not None:
        words.append(f"{task.energy:g} kWh")
    if task.power is not None:
        words.append(f"{task.power:g} W")
    return [*_file_entries("writes", task.outputs), _entry("INFO", ", ".join(words), figures)]


def figures_of(task: Task) -> JsonObject:
    """What was measured, by WfFormat's names, with the units in them or as WfFormat has them."""
    return _known(
        runtimeInSeconds=task.runtime.total_seconds(),
        coreCount=task.core_count,
        avgCPU=task.cpu,
        memoryInBytes=task.memory,
        readBytes=task.read,
        writtenBytes=task.written,
        energyInKWh=task.energy,
        avgPowerInW=task.power,
    )


def command_line(task: Task) -> str:
    """The command as one would type it. Nextflow's program is a whole script, without arguments."""
    program = task.program or ""
    if not task.arguments:
        return program
    # Makeflow's arguments begin with the program itself, others' do not.
    named_twice = PurePath(task.arguments[0]).name == PurePath(program).name
    return shlex.join(task.arguments if named_twice else (program, *task.arguments))


def placed(entries: Iterable[JsonObject], step_id: str, at: datetime) -> list[JsonObject]:
    """The entries with the step they belong to, in its first attempt, and their time."""
    place = {"nodeExecutionId": step_id, "attempt": 1, "timestamp": at.isoformat()}
    return [{**entry, **place} for entry in entries]


def _machine(name: str, machine: Machine | None) -> tuple[str, JsonObject]:
    if machine is None:
        return f"on {name}", {"machine": name}
    data = _known(
        machine=name,
        cores=machine.core_count,
        speedInMHz=machine.speed,
        vendor=machine.vendor,
        memoryInBytes=machine.memory,
    )
    cores = f", {machine.core_count} cores" if machine.core_count else ""
    memory = f", {_size(machine.memory)}" if machine.memory else ""
    return f"on {name}{cores}{memory}", data


def _file_entries(verb: str, files: tuple[File, ...]) -> list[JsonObject]:
    return [
        _entry(
            "DEBUG",
            f"{verb} {file.id}" + ("" if file.size is None else f" ({_size(file.size)})"),
            _known(file=file.id, sizeInBytes=file.size),
        )
        for file in files
    ]


def _entry(level: str, message: str, data: JsonObject) -> JsonObject:
    return {"level": level, "message": message, "data": data}


def _known(**values: Any) -> JsonObject:
    return {name: value for name, value in values.items() if value is not None}


def _size(count: float) -> str:
    return f"{count:,.0f} bytes"
