"""Reading log entries."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Uuid, bindparam, column, func, select, true

from db.filters import ExecutionLogFilter
from db.models import ExecutionCounter, ExecutionLog
from db.paging import AnySelect, Order, Page, Slice, paged, sliced
from db.reader import Reader, Row
from db.records import ExecutionLogRecord, json_text
from db.statement import Statement, shaped

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
    json_text(log.data),
    log.timestamp,
)


@dataclass(slots=True)
class LogSlice(Slice[ExecutionLogRecord]):
    """A page of entries, and the run's last sequence in the same snapshot: where a subscription takes over."""

    last_sequence: int
    """0 if there is no such run, or if nobody wants it."""


def _owners(*, of_steps: bool) -> tuple[Any, list[ColumnElement[bool]]]:
    """Whose entries are asked for, as a table: runs, or steps of runs; and what makes an entry one of theirs."""
    runs, steps = (bindparam(name, type_=ARRAY(Uuid())) for name in ("runs", "steps"))
    columns = [column("run_id", Uuid()), column("step_id", Uuid())]
    unnested: Any = func.unnest(runs, steps) if of_steps else func.unnest(runs)
    owner = unnested.table_valued(*columns[: 1 + of_steps], with_ordinality="place", name="owner").render_derived()
    belongs = [log.workflow_execution_id == owner.c.run_id]
    if of_steps:
        belongs.append(log.node_execution_id == owner.c.step_id)
    return owner, belongs


@shaped
def _page(where: ExecutionLogFilter, page: Page, of_steps: bool) -> AnySelect:
    owner, belongs = _owners(of_steps=of_steps)
    counter = ExecutionCounter
    entry = paged(LOGS.where(*belongs, *where.conditions()), BY_SEQUENCE, page).lateral("entry")
    # Where nobody wants the last sequence, PostgreSQL leaves an outer join to the counters out.
    counted = owner.join(counter, counter.workflow_execution_id == owner.c.run_id, isouter=True)
    joined = counted.join(entry, true(), isouter=True)
    order = BY_SEQUENCE.clauses(backwards=page.backwards, keys=[entry.c.sequence])
    return select(owner.c.place, counter.last_sequence, entry).select_from(joined).order_by(owner.c.place, *order)


@shaped
def _count(where: ExecutionLogFilter, of_steps: bool) -> AnySelect:
    owner, belongs = _owners(of_steps=of_steps)
    number = select(func.count().label("count_")).select_from(log).where(*belongs, *where.conditions())
    counted = number.lateral("counted")
    return select(owner.c.place, counted.c.count_).select_from(owner.join(counted, true()))


_PLACE = itemgetter("place")


async def logs_of_runs(reader: Reader, ids: Sequence[UUID], where: ExecutionLogFilter, page: Page) -> list[LogSlice]:
    """A page of the entries of each run, by sequence."""
    return await _slices(reader, _page(where, page, False), {"runs": ids}, len(ids), where, page)


async def logs_of_steps(
    reader: Reader, steps: Sequence[RunAndStep], where: ExecutionLogFilter, page: Page
) -> list[LogSlice]:
    """A page of the entries of each step, by sequence."""
    return await _slices(reader, _page(where, page, True), _of_steps(steps), len(steps), where, page)


async def count_logs_of_runs(reader: Reader, ids: Sequence[UUID], where: ExecutionLogFilter) -> list[int]:
    """The number of entries of each run."""
    return await _counts(reader, _count(where, False), {"runs": ids}, len(ids), where)


async def count_logs_of_steps(reader: Reader, steps: Sequence[RunAndStep], where: ExecutionLogFilter) -> list[int]:
    """The number of entries of each step."""
    return await _counts(reader, _count(where, True), _of_steps(steps), len(steps), where)


def _of_steps(steps: Sequence[RunAndStep]) -> dict[str, Any]:
    return {"runs": [run_id for run_id, _ in steps], "steps": [step_id for _, step_id in steps]}


async def _slices(
    reader: Reader, statement: Statement, owners: dict[str, Any], number: int, where: ExecutionLogFilter, page: Page
) -> list[LogSlice]:
    rows = await reader.rows(statement, {**owners, **where.values, **page.values}, ExecutionLogRecord)
    is_counted = bool(rows) and "last_sequence" in rows[0]
    slices = [LogSlice([], False, 0) for _ in range(number)]
    for place, group in [(1, rows)] if number == 1 and rows else groupby(rows, _PLACE):
        entries = list(group)
        last_sequence = entries[0]["last_sequence"] if is_counted else None
        if entries[0]["sequence"] is None:  # the owner alone
            entries = []
        found = sliced(entries, page)
        slices[place - 1] = LogSlice(found.rows, found.has_more, last_sequence or 0)
    return slices


async def _counts(
    reader: Reader, statement: Statement, owners: dict[str, Any], number: int, where: ExecutionLogFilter
) -> list[int]:
    found = [0] * number
    for row in await reader.rows(statement, {**owners, **where.values}, Row):
        found[row["place"] - 1] = row["count_"]
    return found
