"""What is known of one execution of a workflow by some other engine."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class File:
    """A file that tasks read or write."""

    id: str
    size: int | None  # bytes


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine that tasks ran on."""

    name: str
    core_count: int | None
    speed: int | None  # MHz
    vendor: str | None
    memory: int | None  # bytes


@dataclass(frozen=True, slots=True)
class Task:
    """One task: what was specified and what was measured when it ran. None: the tracer did not say."""

    id: str
    name: str
    parents: tuple[str, ...]
    runtime: timedelta
    executed_at: datetime | None
    program: str | None
    arguments: tuple[str, ...]
    core_count: float | None
    cpu: float | None  # average, per cent of one core
    read: float | None  # bytes
    written: float | None  # bytes
    memory: float | None  # bytes
    energy: float | None  # kWh
    power: float | None  # average, W
    priority: float | None
    machines: tuple[str, ...]
    inputs: tuple[File, ...]
    outputs: tuple[File, ...]


@dataclass(frozen=True, slots=True)
class Trace:
    """A whole execution. `tasks` are in dependency order; where that leaves a choice, in the file's order."""

    name: str
    description: str | None
    system: str | None  # the engine that ran it, with its version
    makespan: float  # seconds
    executed_at: datetime
    tasks: tuple[Task, ...]
    machines: dict[str, Machine]
