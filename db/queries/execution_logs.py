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

RunAndStep = tuple[UUID, UUID]
"""The id of a run and that of one of its steps."""

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


async def logs_of_runs(
    connection: AsyncConnection, ids: Sequence[UUID], where: ExecutionLogFilter, page: Page
) -> list[LogSlice]:
    """A page of the entries of each run, by sequence."""
    return await _slices(connection, _Owners([(id_, None) for id_ in ids]), where, page)


async def logs_of_steps(
    connection: AsyncConnection, steps: Sequence[RunAndStep], where: ExecutionLogFilter, page: Page
) -> list[LogSlice]:
    """A page of the entries of each step, by sequence."""
    return await _slices(connection, _Owners(steps, of_steps=True), where, page)


async def count_logs_of_runs(connection: AsyncConnection, ids: Sequence[UUID], where: ExecutionLogFilter) -> list[int]:
    """The number of entries of each run."""
    return await _counts(connection, _Owners([(id_, None) for id_ in ids]), where)


async def count_logs_of_steps(
    connection: AsyncConnection, steps: Sequence[RunAndStep], where: ExecutionLogFilter
) -> list[int]:
    """The number of entries of each step."""
    return await _counts(connection, _Owners(steps, of_steps=True), where)


class _Owners:
    """Whose entries are asked for, as a table: runs, or steps of runs."""

    def __init__(self, owners: Sequence[tuple[UUID, UUID | None]], *, of_steps: bool = False) -> None:
        self.number = len(owners)
        runs = bindparam(None, [run_id for run_id, _ in owners], type_=ARRAY(Uuid()))
        steps = bindparam(None, [step_id for _, step_id in owners], type_=ARRAY(Uuid()))
        columns = (column("run_id", Uuid()), column("step_id", Uuid()))
        unnested = func.unnest(runs, steps).table_valued(*columns, with_ordinality="place", name="owner")
        self.table: Any = unnested.render_derived()
        self.belongs = [log.workflow_execution_id == self.table.c.run_id]
        if of_steps:
            self.belongs.append(log.node_execution_id == self.table.c.step_id)


async def _slices(
    connection: AsyncConnection, owners: _Owners, where: ExecutionLogFilter, page: Page
) -> list[LogSlice]:
    owner, counter = owners.table, ExecutionCounter
    entry = paged(LOGS.where(*owners.belongs, *where.conditions()), BY_SEQUENCE, page).lateral("entry")
    joined = owner.join(counter, counter.workflow_execution_id == owner.c.run_id).join(entry, true(), isouter=True)
    rows = await connection.execute(select(owner.c.place, counter.last_sequence, entry).select_from(joined))
    found: list[list[ExecutionLogRecord]] = [[] for _ in range(owners.number)]
    last_sequences = [0] * owners.number
    for place, last_sequence, *values in rows:
        last_sequences[place - 1] = last_sequence
        if values[0] is not None:
            found[place - 1].append(ExecutionLogRecord._make(values))
    slices = (sliced(entries, page) for entries in found)
    return [LogSlice(each.rows, each.has_more, last) for each, last in zip(slices, last_sequences, strict=True)]


async def _counts(connection: AsyncConnection, owners: _Owners, where: ExecutionLogFilter) -> list[int]:
    owner = owners.table
    statement = select(func.count().label("count_")).select_from(log)
    counted = statement.where(*owners.belongs, *where.conditions()).lateral("counted")
    rows = await connection.execute(select(owner.c.place, counted.c.count_).select_from(owner.join(counted, true())))
    found = {row.place: row.count_ for row in rows}
    return [found[place] for place in range(1, owners.number + 1)]
