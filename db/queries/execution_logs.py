"""Reading log entries."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, bindparam, column, func, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from db.filters import ExecutionLogFilter
from db.models import ExecutionCounter, ExecutionLog
from db.paging import Order, Page, Slice, paged, sliced
from db.records import ExecutionLogRecord

log = ExecutionLog

LogOwner = tuple[UUID, UUID | None]
"""Whose entries: a run's id, and the id of one of its steps or None for all of the run."""

BY_SEQUENCE = Order(log.sequence)

LOGS = select(
    log.workflow_execution_id,
    log.sequence,
    log.node_execution_id,
    log.attempt,
    log.level,
    log.message,
    log.data,
    log.timestamp,
)


@dataclass(frozen=True, slots=True)
class LogSlice(Slice[ExecutionLogRecord]):
    """A page of entries, and the run's last sequence in the same snapshot: where a subscription takes over."""

    last_sequence: int


async def logs_of(
    connection: AsyncConnection, owners: Sequence[LogOwner], where: ExecutionLogFilter, page: Page
) -> list[LogSlice]:
    """A page of the entries of each owner, by sequence. The owners are all runs, or all steps."""
    owner = _owners(owners)
    counter = ExecutionCounter
    statement = LOGS.where(*_belongs(owner, owners), *where.conditions())
    entry = paged(statement, BY_SEQUENCE, page).lateral("entry")
    joined = owner.join(counter, counter.workflow_execution_id == owner.c.run_id).join(entry, true(), isouter=True)
    rows = await connection.execute(select(owner.c.place, counter.last_sequence, entry).select_from(joined))
    found: list[list[ExecutionLogRecord]] = [[] for _ in owners]
    last_sequences = [0] * len(owners)
    for place, last_sequence, *values in rows:
        last_sequences[place - 1] = last_sequence
        if values[0] is not None:
            found[place - 1].append(ExecutionLogRecord._make(values))
    slices = (sliced(entries, page) for entries in found)
    return [LogSlice(each.rows, each.has_more, last) for each, last in zip(slices, last_sequences, strict=True)]


async def count_logs_of(
    connection: AsyncConnection, owners: Sequence[LogOwner], where: ExecutionLogFilter
) -> list[int]:
    """The number of entries of each owner. The owners are all runs, or all steps."""
    owner = _owners(owners)
    statement = select(func.count().label("count_")).select_from(log)
    counted = statement.where(*_belongs(owner, owners), *where.conditions()).lateral("counted")
    rows = await connection.execute(select(owner.c.place, counted.c.count_).select_from(owner.join(counted, true())))
    found = {row.place: row.count_ for row in rows}
    return [found[place] for place in range(1, len(owners) + 1)]


def _owners(owners: Sequence[LogOwner]) -> Any:
    runs = bindparam(None, [run_id for run_id, _ in owners], type_=ARRAY(Uuid()))
    steps = bindparam(None, [step_id for _, step_id in owners], type_=ARRAY(Uuid()))
    columns = (column("run_id", Uuid()), column("step_id", Uuid()))
    return func.unnest(runs, steps).table_valued(*columns, with_ordinality="place", name="owner").render_derived()


def _belongs(owner: Any, owners: Sequence[LogOwner]) -> list[Any]:
    of_run = [log.workflow_execution_id == owner.c.run_id]
    if owners[0][1] is None:
        return of_run
    return [*of_run, log.node_execution_id == owner.c.step_id]
