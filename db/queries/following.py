"""What a follower of a run reads each time it looks: everything in one statement, so in one snapshot."""

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import Double, Uuid, bindparam, extract, func, select, true

from db.filters import ExecutionLogFilter, WorkflowExecutionFilter
from db.models import ExecutionCounter, WorkflowExecution
from db.paging import AnySelect, Page, paged, sliced
from db.queries.execution_logs import BY_SEQUENCE, LOGS, log
from db.queries.node_executions import BY_REVISION, STEPS, step
from db.queries.workflow_executions import RUNS, matching_runs
from db.reader import Reader
from db.records import ExecutionLogRecord, NodeExecutionRecord, RunOfRow, WorkflowExecutionRecord
from db.state_machine import TERMINAL
from db.statement import shaped

run = WorkflowExecution
counter = ExecutionCounter

_ID = bindparam("id", type_=Uuid())
PREFIX = RunOfRow.PREFIX


@dataclass(slots=True)
class Shared:
    """What several followers get alike."""

    shared: dict[Hashable, Any] = field(default_factory=dict, kw_only=True, repr=False, compare=False)
    """What one of them made of it, for all of them: an answer is executed and written once."""


@dataclass(slots=True)
class LogTail(Shared):
    """The entries after a sequence, and how the run stands."""

    entries: list[ExecutionLogRecord]
    last_sequence: int
    """How far `entries` reaches, entries that the filter hid included."""
    has_more: bool
    """Whether there is more to read at once."""
    ended: bool
    quiet_seconds: float
    """Time since the later of the run's last transition and its last append, by the database's clock."""
    written: int
    """The last sequence of the run."""


@shaped
def _log_tail(where: ExecutionLogFilter, page: Page) -> AnySelect:
    entry = paged(LOGS.where(log.workflow_execution_id == run.id, *where.conditions()), BY_SEQUENCE, page)
    child = entry.lateral("entry")
    quiet = func.clock_timestamp() - func.greatest(run.updated_at, counter.last_append_at)
    return (
        select(
            run.status.label("run_status"),
            counter.last_sequence,
            extract("epoch", quiet).cast(Double).label("quiet_seconds"),
            child,
        )
        .select_from(run)
        .join(counter, counter.workflow_execution_id == run.id)
        .join(child, true(), isouter=True)
        .where(run.id == _ID)
    )


async def log_tail(reader: Reader, run_id: UUID, where: ExecutionLogFilter, after: int, limit: int) -> LogTail | None:
    """At most `limit` entries after a sequence; None if there is no such run."""
    page = Page(limit, after=(after,))
    values = {"id": run_id, **where.values, **page.values}
    rows = await reader.rows(_log_tail(where, page), values, ExecutionLogRecord)
    if not rows:
        return None
    status, last_sequence, quiet_seconds = (rows[0][name] for name in ("run_status", "last_sequence", "quiet_seconds"))
    entries = sliced([row for row in rows if row["sequence"] is not None], page)
    reached = entries.rows[-1].sequence if entries.has_more else max(last_sequence, after)
    return LogTail(list(entries.rows), reached, entries.has_more, status in TERMINAL, quiet_seconds, last_sequence)


@dataclass(slots=True)
class RunChanges(Shared):
    """A run as it is, and its steps changed after a revision."""

    run: RunOfRow
    steps: list[NodeExecutionRecord]
    revision: int
    """How far `steps` reaches."""
    has_more: bool
    """Whether there is more to read at once."""
    ended: bool
    last_sequence: int
    """The number of log entries."""
    written: int
    """The last revision of the run."""


@shaped
def _run_changes(page: Page) -> AnySelect:
    changed = paged(STEPS.where(step.workflow_execution_id == run.id), BY_REVISION, page)
    child = changed.correlate(run).lateral("changed")
    columns = (column.label(f"{PREFIX}{column.key}") for column in RUNS.selected_columns)
    return (
        select(counter.revision.label("last_revision"), counter.last_sequence, *columns, child)
        .select_from(run)
        .join(counter, counter.workflow_execution_id == run.id)
        .join(child, true(), isouter=True)
        .where(run.id == _ID)
    )


async def run_changes(reader: Reader, run_id: UUID, after: int, limit: int) -> RunChanges | None:
    """At most `limit` steps changed after a revision; None if there is no such run."""
    page = Page(limit, after=(after,))
    rows = await reader.rows(_run_changes(page), {"id": run_id, **page.values}, NodeExecutionRecord)
    if not rows:
        return None
    found, last_revision = RunOfRow(rows[0]), rows[0]["last_revision"]
    steps = sliced([row for row in rows if row["id"] is not None], page)
    reached = steps.rows[-1].revision if steps.has_more else max(last_revision, after)
    ended = found.status in TERMINAL
    return RunChanges(found, list(steps.rows), reached, steps.has_more, ended, rows[0]["last_sequence"], last_revision)


@dataclass(slots=True)
class RunsChange(Shared):
    """Which runs of a filtered list changed, and which left it; both empty if there may have been any change."""

    changed: list[WorkflowExecutionRecord]
    removed: list[UUID]


async def runs_change(reader: Reader, ids: list[UUID], where: WorkflowExecutionFilter) -> RunsChange:
    """What became of runs that changed, as a list with this filter shows it."""
    matching = await matching_runs(reader, ids, where)
    found = {run.id for run in matching}
    return RunsChange(matching, [run_id for run_id in ids if run_id not in found])
