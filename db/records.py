"""What queries give: rows as the driver makes them, without model instances, with what is derived already in them.

A row may have further columns, such as its place among many parents. Statuses, triggers and levels are their stored
texts, and JSON columns hold JSON text, as PostgreSQL writes it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Double, Text, extract

from db.enums import ExecutionStatus, LogLevel, TriggerType
from db.reader import JoinedRow, Row
from db.written import spelled

JsonColumn = str | None
"""JSON text; a stored SQL NULL is None."""


def json_text(column: Any, name: str | None = None) -> Any:
    """Select a JSON column as text, under its own name or another."""
    return column.cast(Text).label(name or column.key)


def seconds_between(start: Any, end: Any) -> Any:
    """Select how long something took, in seconds, as `duration_seconds`."""
    seconds = extract("epoch", end - start)
    selected = seconds.cast(Double).label("duration_seconds")
    spelled(selected, seconds.cast(Text))  # with six decimals
    return selected


class WorkflowRecord(Row):
    """A definition."""

    __slots__ = ()

    KEYS = frozenset({"id", "namespace", "version", "created_at"})
    SORTED_BY = frozenset({"created_at"})

    id: UUID
    namespace: str
    key: str | None
    version: int
    name: str
    description: str | None
    created_at: datetime
    updated_at: datetime


class JoinedWorkflow(JoinedRow):
    """A definition that was read together with a run; reads as a definition's record does."""

    __slots__ = ()


class WorkflowNodeRecord(Row):
    """A step of a version of a definition."""

    __slots__ = ()

    id: UUID
    workflow_id: UUID
    version: int
    key: str
    name: str
    node_type: str | None
    config: JsonColumn
    retry_config: JsonColumn


class WorkflowDependencyRecord(Row):
    """A dependency between two nodes of a version of a definition."""

    __slots__ = ()

    workflow_id: UUID
    version: int
    source_node_id: UUID
    target_node_id: UUID


class WorkflowExecutionRecord(Row):
    """A run."""

    __slots__ = ()

    KEYS = frozenset({"id", "namespace", "created_at", "started_at", "ended_at"})
    SORTED_BY = frozenset({"created_at", "started_at", "ended_at"})
    JOINED = frozenset({"joined_workflow", "joined_log_counts"})

    id: UUID
    namespace: str
    workflow_id: UUID
    workflow_version: int
    retry_of_id: UUID | None
    parent_node_execution_id: UUID | None
    status: ExecutionStatus
    trigger_type: TriggerType
    revision: int
    input_data: JsonColumn
    output_data: JsonColumn
    context: JsonColumn
    metadata_: JsonColumn
    error_message: str | None
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    duration_seconds: float | None


class RunOfRow:
    """A run whose columns stand in a row of something else, under names with a prefix; reads as a run's record does."""

    PREFIX = "run_"

    __slots__ = ("_row",)

    def __init__(self, row: Row) -> None:
        self._row = row

    def __getattr__(self, name: str) -> Any:
        try:
            return self._row[f"{self.PREFIX}{name}"]
        except KeyError:
            raise AttributeError(name) from None


class NodeExecutionRecord(Row):
    """A step; `name` falls back to its node's, `can_retry` takes its node's retry configuration into account."""

    __slots__ = ()

    KEYS = frozenset({"id", "workflow_execution_id", "execution_order"})
    SORTED_BY = frozenset({"execution_order"})

    id: UUID
    workflow_execution_id: UUID
    node_id: UUID | None
    parent_id: UUID | None
    key: str | None
    name: str
    status: ExecutionStatus
    execution_order: int
    revision: int
    retry_count: int
    can_retry: bool
    input_data: JsonColumn
    output_data: JsonColumn
    error_message: str | None
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    duration_seconds: float | None


class NodeExecutionAttemptRecord(Row):
    """One try of a step."""

    __slots__ = ()

    node_execution_id: UUID
    attempt: int
    status: ExecutionStatus
    started_at: datetime | None
    ended_at: datetime | None
    error_message: str | None
    duration_seconds: float | None


class ExecutionLogRecord(Row):
    """A log entry, of a page of a run's entries with the run's last sequence when the page was read."""

    __slots__ = ()

    KEYS = frozenset({"sequence"})

    workflow_execution_id: UUID
    sequence: int
    node_execution_id: UUID | None
    attempt: int | None
    level: LogLevel
    message: str
    data: JsonColumn
    timestamp: datetime
    last_sequence: int


class LogCounts(NamedTuple):
    """How many entries there are of each level."""

    total: int
    debug: int
    info: int
    warning: int
    error: int


NO_LOGS = LogCounts(0, 0, 0, 0, 0)


class NodeStatusCounts(NamedTuple):
    """How many steps there are in each status."""

    total: int
    pending: int
    running: int
    completed: int
    failed: int
    cancelled: int
    skipped: int


@dataclass(frozen=True, slots=True)
class StatusCount:
    """How many runs there are in a status."""

    status: ExecutionStatus
    count: int


@dataclass(frozen=True, slots=True)
class TriggerCount:
    """How many runs began in a way."""

    trigger_type: TriggerType
    count: int


class SummaryRecord(NamedTuple):
    """What became of some runs; durations are in seconds, of those that ended."""

    total: int
    by_status: Sequence[StatusCount]
    by_trigger: Sequence[TriggerCount]
    success_rate: float | None
    """The completed ones among those that completed or failed; None if there are none."""
    duration_p50: float | None
    duration_p95: float | None
    duration_max: float | None


class BucketStats(NamedTuple):
    """What became of the runs created from `start` up to, not including, `end`."""

    start: datetime
    end: datetime
    summary: SummaryRecord


class StatsRecord(NamedTuple):
    """What became of some runs, and the same over time."""

    summary: SummaryRecord
    buckets: Sequence[BucketStats]
