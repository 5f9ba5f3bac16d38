"""What a follower of a run reads each time it looks: everything in one statement, so in one snapshot."""

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Double, extract, func, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from db.database import Database
from db.enums import ExecutionStatus, LogLevel
from db.filters import ExecutionLogFilter, WorkflowExecutionFilter
from db.models import ExecutionCounter, WorkflowExecution
from db.paging import Page, paged, sliced
from db.queries.execution_logs import BY_SEQUENCE, LOGS, log
from db.queries.node_executions import BY_REVISION, STEPS, step
from db.queries.workflow_executions import RUNS, matching_runs
from db.records import ExecutionLogRecord, NodeExecutionRecord, WorkflowExecutionRecord
from db.state_machine import TERMINAL

run = WorkflowExecution
counter = ExecutionCounter


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


async def log_tail(
    connection: AsyncConnection, run_id: UUID, where: ExecutionLogFilter, after: int, limit: int
) -> LogTail | None:
    """At most `limit` entries after a sequence; None if there is no such run."""
    page = Page(limit, after=(after,))
    entry = paged(LOGS.where(log.workflow_execution_id == run.id, *where.conditions()), BY_SEQUENCE, page)
    child = entry.lateral("entry")
    quiet = func.clock_timestamp() - func.greatest(run.updated_at, counter.last_append_at)
    statement = (
        select(run.status, counter.last_sequence, extract("epoch", quiet).cast(Double), child)
        .select_from(run)
        .join(counter, counter.workflow_execution_id == run.id)
        .join(child, true(), isouter=True)
        .where(run.id == run_id)
    )
    rows = (await connection.execute(statement)).all()
    if not rows:
        return None
    status, last_sequence, quiet_seconds = rows[0][:3]
    entries = sliced([ExecutionLogRecord._make(row[3:]) for row in rows if row[3] is not None], page)
    reached = entries.rows[-1].sequence if entries.has_more else max(last_sequence, after)
    return LogTail(list(entries.rows), reached, entries.has_more, status in TERMINAL, quiet_seconds, last_sequence)


async def news_of_log(database: Database, run_id: UUID, after: int, limit: int) -> LogTail | None:
    """What `log_tail` gives without a filter; it is read at every append, so not even building it may take time."""
    rows = await database.fetch(_NEWS_OF_LOG, run_id, after, limit + 1)
    if not rows:
        return None
    status, last_sequence, quiet_seconds = rows[0][:3]
    entries = [
        ExecutionLogRecord(
            run_id,
            sequence,
            step_id,
            attempt,
            LogLevel(level),
            message,
            None if data is None else orjson.loads(data),
            at,
        )
        for _, _, _, sequence, step_id, attempt, level, message, data, at in rows[:limit]
        if sequence is not None
    ]
    has_more = len(rows) > limit
    reached = entries[-1].sequence if has_more else max(last_sequence, after)
    return LogTail(entries, reached, has_more, status in TERMINAL, quiet_seconds, last_sequence)


_NEWS_OF_LOG = """
    SELECT run.status, counter.last_sequence,
        extract(epoch FROM clock_timestamp() - greatest(run.updated_at, counter.last_append_at))::float8,
        entry.sequence, entry.node_execution_id, entry.attempt, entry.level, entry.message, entry.data, entry.timestamp
    FROM workflow_executions AS run
    JOIN execution_counters AS counter ON counter.workflow_execution_id = run.id
    LEFT JOIN LATERAL (
        SELECT sequence, node_execution_id, attempt, level, message, data::text, timestamp FROM execution_logs
        WHERE workflow_execution_id = run.id AND sequence > $2 ORDER BY sequence LIMIT $3
    ) AS entry ON true
    WHERE run.id = $1 ORDER BY entry.sequence
"""


@dataclass(slots=True)
class RunChanges(Shared):
    """A run as it is, and its steps changed after a revision."""

    run: WorkflowExecutionRecord
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


async def run_changes(connection: AsyncConnection, run_id: UUID, after: int, limit: int) -> RunChanges | None:
    """At most `limit` steps changed after a revision; None if there is no such run."""
    page = Page(limit, after=(after,))
    changed = paged(STEPS.where(step.workflow_execution_id == run.id), BY_REVISION, page)
    child = changed.correlate(run).lateral("changed")
    statement = (
        select(counter.revision.label("run_revision"), counter.last_sequence, *RUNS.selected_columns, child)
        .select_from(run)
        .join(counter, counter.workflow_execution_id == run.id)
        .join(child, true(), isouter=True)
        .where(run.id == run_id)
    )
    rows = (await connection.execute(statement)).all()
    if not rows:
        return None
    revision, last_sequence = rows[0][:2]
    first_of_step = 2 + len(WorkflowExecutionRecord._fields)
    record = WorkflowExecutionRecord._make(rows[0][2:first_of_step])
    steps = sliced(
        [NodeExecutionRecord._make(row[first_of_step:]) for row in rows if row[first_of_step] is not None], page
    )
    reached = steps.rows[-1].revision if steps.has_more else max(revision, after)
    ended = ExecutionStatus(record.status) in TERMINAL
    return RunChanges(record, list(steps.rows), reached, steps.has_more, ended, last_sequence, revision)


@dataclass(slots=True)
class RunsChange(Shared):
    """Which runs of a filtered list changed, and which left it; both empty if there may have been any change."""

    changed: list[WorkflowExecutionRecord]
    removed: list[UUID]


async def runs_change(connection: AsyncConnection, ids: list[UUID], where: WorkflowExecutionFilter) -> RunsChange:
    """What became of runs that changed, as a list with this filter shows it."""
    matching = await matching_runs(connection, ids, where)
    found = {run.id for run in matching}
    return RunsChange(matching, [run_id for run_id in ids if run_id not in found])
