"""What lists can be narrowed by. All parts hold together; None means absent, an empty tuple matches nothing."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, literal, or_, select, true

from db.enums import ExecutionStatus, LogLevel, TriggerType
from db.models import ExecutionCounter, ExecutionLog, NodeExecution, Workflow, WorkflowExecution
from db.models.model import JSON_COLUMN
from db.paging import Way
from db.records import ExecutionLogRecord
from db.search import contains, id_prefix


@dataclass(frozen=True, slots=True)
class WorkflowFilter:
    """Narrows a list of definitions."""

    namespaces: tuple[str, ...] | None = None
    search: str | None = None
    """Text in the name or the key."""

    def conditions(self) -> Iterator[ColumnElement[bool]]:
        """The SQL conditions, which hold together."""
        if self.namespaces is not None:
            yield Workflow.namespace.in_(self.namespaces)
        if self.search is not None:
            yield or_(contains(Workflow.name, self.search), contains(Workflow.key, self.search))


@dataclass(frozen=True, slots=True)
class WorkflowExecutionFilter:
    """Narrows a list of runs."""

    namespaces: tuple[str, ...] | None = None
    workflow_ids: tuple[UUID, ...] | None = None
    retry_of_ids: tuple[UUID, ...] | None = None
    status: tuple[ExecutionStatus, ...] | None = None
    trigger_type: tuple[TriggerType, ...] | None = None
    created_since: datetime | None = None
    created_until: datetime | None = None
    min_duration_seconds: float | None = None
    has_errors: bool | None = None
    """Whether there is at least one ERROR entry."""
    search: str | None = None
    """An id's prefix, or text in the workflow's name or the error message."""
    metadata: "JsonText | None" = None
    """What the metadata contains."""

    def certain(self) -> Iterator[ColumnElement[bool]]:
        """The SQL conditions, which hold together, and with one of the ways."""
        run = WorkflowExecution
        for column, values in (
            (run.namespace, self.namespaces),
            (run.workflow_id, self.workflow_ids),
            (run.retry_of_id, self.retry_of_ids),
            (run.status, self.status),
            (run.trigger_type, self.trigger_type),
        ):
            if values is not None:
                yield column.in_(values)
        if self.created_since is not None:
            yield run.created_at >= self.created_since
        if self.created_until is not None:
            yield run.created_at < self.created_until
        if self.min_duration_seconds is not None:
            yield run.ended_at - run.started_at >= timedelta(seconds=self.min_duration_seconds)
        if self.has_errors is not None:
            counter = ExecutionCounter
            erring = select(counter).where(counter.workflow_execution_id == run.id, counter.error_count > 0).exists()
            yield erring if self.has_errors else ~erring
        if self.metadata is not None:
            yield run.metadata_.contains(literal(self.metadata.value, JSON_COLUMN))

    def ways(self) -> list[Way]:
        """The ways to match what is searched for, of which one is enough."""
        if self.search is None:
            return [Way(true())]
        run = WorkflowExecution
        named = select(Workflow.id).where(contains(Workflow.name, self.search)).subquery("named")
        ways = [
            Way(and_(run.error_message.is_not(None), contains(run.error_message, self.search))),
            Way(run.workflow_id == named.c.id, of_each=named),
        ]
        if (with_prefix := id_prefix(run.id, self.search)) is not None:
            ways.append(Way(with_prefix))
        return ways

    def conditions(self) -> Iterator[ColumnElement[bool]]:
        """The SQL conditions, the ways as one of them, for what is not read in pages."""
        yield from self.certain()
        if self.search is not None:
            conditions = (
                way.condition if way.of_each is None else exists().where(way.condition).correlate(WorkflowExecution)
                for way in self.ways()
            )
            yield or_(*conditions)


@dataclass(frozen=True, slots=True)
class NodeExecutionFilter:
    """Narrows a list of steps."""

    status: tuple[ExecutionStatus, ...] | None = None
    node_ids: tuple[UUID, ...] | None = None
    keys: tuple[str, ...] | None = None

    def conditions(self) -> Iterator[ColumnElement[bool]]:
        """The SQL conditions, which hold together."""
        if self.status is not None:
            yield NodeExecution.status.in_(self.status)
        if self.node_ids is not None:
            yield NodeExecution.node_id.in_(self.node_ids)
        if self.keys is not None:
            yield NodeExecution.key.in_(self.keys)


@dataclass(frozen=True, slots=True)
class ExecutionLogFilter:
    """Narrows a list of log entries."""

    min_level: LogLevel | None = None
    levels: tuple[LogLevel, ...] | None = None
    search: str | None = None
    """Text in the message, in upper or lower case."""
    since: datetime | None = None
    until: datetime | None = None
    """Exclusive."""
    node_execution_ids: tuple[UUID, ...] | None = None
    attempt: int | None = None
    from_sequence: int | None = None
    to_sequence: int | None = None
    """Inclusive, as `from_sequence` is."""

    def conditions(self) -> Iterator[ColumnElement[bool]]:
        """The SQL conditions, which hold together."""
        log = ExecutionLog
        if (levels := self._levels()) is not None:
            yield log.level.in_(levels)
        if self.search is not None:
            yield contains(log.message, self.search)
        if self.since is not None:
            yield log.timestamp >= self.since
        if self.until is not None:
            yield log.timestamp < self.until
        if self.node_execution_ids is not None:
            yield log.node_execution_id.in_(self.node_execution_ids)
        if self.attempt is not None:
            yield log.attempt == self.attempt
        if self.from_sequence is not None:
            yield log.sequence >= self.from_sequence
        if self.to_sequence is not None:
            yield log.sequence <= self.to_sequence

    def matches(self, entry: ExecutionLogRecord) -> bool:
        """Whether an entry meets all conditions but `search`, which only the database can tell."""
        return (
            ((levels := self._levels()) is None or entry.level in levels)
            and (self.since is None or entry.timestamp >= self.since)
            and (self.until is None or entry.timestamp < self.until)
            and (self.node_execution_ids is None or entry.node_execution_id in self.node_execution_ids)
            and (self.attempt is None or entry.attempt == self.attempt)
            and (self.from_sequence is None or entry.sequence >= self.from_sequence)
            and (self.to_sequence is None or entry.sequence <= self.to_sequence)
        )

    def _levels(self) -> list[LogLevel] | None:
        if self.min_level is None and self.levels is None:
            return None
        order = list(LogLevel)
        enough = order if self.min_level is None else order[order.index(self.min_level) :]
        return [level for level in enough if self.levels is None or level in self.levels]


@dataclass(frozen=True, slots=True)
class JsonText:
    """A JSON value that can be part of a key: equal if its canonical text is."""

    text: str
    value: Any = None

    def __hash__(self) -> int:
        return hash(self.text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, JsonText) and self.text == other.text
