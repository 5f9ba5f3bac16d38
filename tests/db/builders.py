"""What a test of `db` starts from: runs and steps brought to a state by the commands that bring them there."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import select

from db import Database, ExecutionStatus, LogLevel, TriggerType
from db.commands.execution_logs import Appended, append_logs
from db.commands.node_creation import create_node_executions
from db.commands.node_executions import (
    cancel_node_execution,
    complete_node_execution,
    fail_node_execution,
    skip_node_execution,
    start_node_execution,
)
from db.commands.workflow_executions import (
    cancel_workflow_execution,
    complete_workflow_execution,
    create_workflow_execution,
    fail_workflow_execution,
    start_workflow_execution,
)
from db.commands.workflows import create_workflow
from db.models import ExecutionCounter
from db.paging import Page, Position, Slice
from db.queries.node_executions import attempts_of_steps, steps_by_id
from db.queries.workflow_executions import runs_by_id
from db.queries.workflows import nodes_of_versions
from db.reader import Row

Read = Callable[[Page], Awaitable[Slice[Any]]]
"""Gives a page of a list."""

PENDING, RUNNING, COMPLETED, FAILED, CANCELLED, SKIPPED = ExecutionStatus

NOON = datetime(2026, 1, 12, 12, tzinfo=UTC)
"""A time in the past, for what must not depend on the present one."""


def after_noon(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


@dataclass
class NodeInput:
    """A node of a new definition."""

    key: str
    name: str | None = None
    node_type: str | None = None
    config: Any = None
    retry_config: Any = None


@dataclass
class DependencyInput:
    """A dependency of a new definition."""

    source_key: str
    target_key: str


@dataclass
class StepInput:
    """A step to be made."""

    name: str | None = "Step"
    execution_order: int = 1
    id: UUID | None = None
    node_id: UUID | None = None
    key: str | None = None
    parent_id: UUID | None = None
    input_data: Any = None


@dataclass
class EntryInput:
    """A log entry to be appended."""

    message: str = "message"
    level: LogLevel = LogLevel.INFO
    data: Any = None
    timestamp: datetime | None = None
    node_execution_id: UUID | None = None
    attempt: int | None = None


async def a_workflow(database: Database, *nodes: NodeInput, **values: Any) -> UUID:
    values = {"namespace": "default", "name": "Trend following", **values}
    return await database.run(lambda session: create_workflow(session, nodes=nodes, **values))


async def a_run(database: Database, status: ExecutionStatus = PENDING, **values: Any) -> UUID:
    """A run, of a new workflow unless `workflow_id` says otherwise."""
    workflow_id = values.pop("workflow_id", None) or await a_workflow(database)
    values = {"workflow_id": workflow_id, "trigger_type": TriggerType.MANUAL, **values}
    run_id = await database.run(lambda session: create_workflow_execution(session, **values))
    if status not in (PENDING, CANCELLED):
        await database.run(lambda session: start_workflow_execution(session, run_id))
    if status is not RUNNING:
        await finish_run(database, run_id, status)
    return run_id


async def finish_run(database: Database, run_id: UUID, status: ExecutionStatus) -> None:
    if status is COMPLETED:
        await database.run(lambda session: complete_workflow_execution(session, run_id))
    elif status is FAILED:
        await database.run(lambda session: fail_workflow_execution(session, run_id, error_message="It broke"))
    elif status is CANCELLED:
        await database.run(lambda session: cancel_workflow_execution(session, run_id))


async def a_step(database: Database, run_id: UUID, status: ExecutionStatus = PENDING, **values: Any) -> UUID:
    """A step of a run, which must be RUNNING for a step that was started."""
    [step_id] = await some_steps(database, run_id, StepInput(**values))
    if status not in (PENDING, CANCELLED, SKIPPED):
        await database.run(lambda session: start_node_execution(session, step_id))
    if status is COMPLETED:
        await database.run(lambda session: complete_node_execution(session, step_id))
    elif status is FAILED:
        await database.run(lambda session: fail_node_execution(session, step_id, error_message="It broke"))
    elif status is CANCELLED:
        await database.run(lambda session: cancel_node_execution(session, step_id))
    elif status is SKIPPED:
        await database.run(lambda session: skip_node_execution(session, step_id))
    return step_id


async def some_steps(database: Database, run_id: UUID, *steps: StepInput) -> list[UUID]:
    return await database.run(lambda session: create_node_executions(session, run_id, steps))


async def append(database: Database, run_id: UUID, *entries: EntryInput) -> Appended:
    return await database.run(lambda session: append_logs(session, run_id, entries))


JSON_COLUMNS = {"input_data", "output_data", "context", "metadata_", "data", "config", "retry_config"}


class Parsed(SimpleNamespace):
    """A row with the values of its JSON columns rather than their text."""

    def __init__(self, row: Row) -> None:
        super().__init__(
            **{name: orjson.loads(value) if name in JSON_COLUMNS and value else value for name, value in row.items()}
        )


def bare(slices: Sequence[Slice[Any]]) -> list[Any]:
    """What slices hold, whichever place the parents have."""
    return [
        (
            [{name: value for name, value in row.items() if name != "place"} for row in each.rows],
            each.has_more,
            getattr(each, "last_sequence", None),
        )
        for each in slices
    ]


async def run_of(database: Database, run_id: UUID) -> Any:
    async with database.reader() as reader:
        [run] = await runs_by_id(reader, [run_id])
    assert run is not None
    return Parsed(run)


async def step_of(database: Database, step_id: UUID) -> Any:
    async with database.reader() as reader:
        [step] = await steps_by_id(reader, [step_id])
    assert step is not None
    return Parsed(step)


async def attempts_of(database: Database, step_id: UUID) -> list[tuple[int, ExecutionStatus, str | None]]:
    """Each try of a step: its number, its status and why it failed."""
    async with database.reader() as reader:
        [attempts] = await attempts_of_steps(reader, [step_id])
    return [(attempt.attempt, attempt.status, attempt.error_message) for attempt in attempts]


async def counter_of(database: Database, run_id: UUID) -> dict[str, int]:
    """What a run's counter row has counted."""
    columns = ("revision", "last_sequence", "debug_count", "info_count", "warning_count", "error_count")
    statement = select(*(getattr(ExecutionCounter, column) for column in columns))
    async with database.read() as connection:
        rows = await connection.execute(statement.where(ExecutionCounter.workflow_execution_id == run_id))
        return dict(rows.mappings().one())


async def nodes_of(database: Database, workflow_id: UUID, version: int = 1) -> list[UUID]:
    """The ids of the nodes of a version, in the order in which they were defined."""
    async with database.reader() as reader:
        [nodes] = await nodes_of_versions(reader, [(workflow_id, version)])
    return [node.id for node in nodes]


async def walk(read: Read, position: Callable[[Any], Position], size: int, *, backwards: bool) -> list[Any]:
    """All rows, page by page; each page but the last is full and says that there is more."""
    rows: list[Any] = []
    end: Position | None = None
    while True:
        page = Page(size, backwards, before=end) if backwards else Page(size, after=end)
        got = await read(page)
        rows = [*got.rows, *rows] if backwards else [*rows, *got.rows]
        if not got.has_more:
            assert len(got.rows) <= size
            return rows
        assert len(got.rows) == size
        end = position(got.rows[0 if backwards else -1])
