"""What lists can be narrowed by. All parts hold together; None means absent, an empty tuple matches nothing.

The SQL conditions depend on a filter's `shape` alone, so that a statement can be kept; its `values` are parameters.
"""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    DateTime,
    Integer,
    Interval,
    Text,
    Uuid,
    and_,
    any_,
    bindparam,
    exists,
    or_,
    select,
    true,
)
from sqlalchemy.orm import aliased
from sqlalchemy.types import TypeEngine

from db.enums import ExecutionStatus, LogLevel, TriggerType
from db.json import write_json
from db.models import ExecutionCounter, ExecutionLog, NodeExecution, Workflow, WorkflowExecution
from db.models.model import JSON_COLUMN
from db.paging import Way
from db.records import ExecutionLogRecord
from db.search import Patterns, contains, has_prefix, ids_with_prefix, pattern, shown_contains

_TEXT, _UUID, _INSTANT = Text(), Uuid(), DateTime(timezone=True)


def among(column: Any, name: str, given: tuple[Any, ...], type_: TypeEngine[Any]) -> ColumnElement[bool]:
    """Whether the column holds one of the values. Of a single one an index gives the order; of several it does not."""
    if len(given) == 1:
        return column == bindparam(name, type_=type_)  # type: ignore[no-any-return]
    return column == any_(bindparam(name, type_=ARRAY(type_)))  # type: ignore[no-any-return]


def _value(given: Any) -> Any:
    """A value as a parameter: `among` compares with one, or with a list."""
    if isinstance(given, tuple):
        return given[0] if len(given) == 1 else list(given)
    return given


def _shape(given: Any) -> Hashable:
    """What a condition depends on."""
    if isinstance(given, tuple):
        return "one" if len(given) == 1 else "many"
    return given if given is None or isinstance(given, bool) else "given"


@dataclass(frozen=True, slots=True)
class WorkflowFilter:
    """Narrows a list of definitions."""

    namespaces: tuple[str, ...] | None = None
    search: str | None = None
    """Text in the name or the key."""
    within: tuple[str, ...] | None = None
    """The namespaces that exist for who asks; None: all."""

    @property
    def shape(self) -> Hashable:
        """What the conditions depend on."""
        return (_shape(self.namespaces), _shape(self.search), _shape(self.within))

    @property
    def values(self) -> dict[str, Any]:
        """The parameters of the conditions."""
        given = (("namespaces", self.namespaces), ("within", self.within))
        values = {name: _value(value) for name, value in given if value is not None}
        if self.search is not None:
            values["pattern"] = pattern(self.search)
        return values

    def conditions(self) -> Iterator[ColumnElement[bool]]:
        """The SQL conditions, which hold together."""
        if self.within is not None:
            yield among(Workflow.namespace, "within", self.within, _TEXT)
        if self.namespaces is not None:
            yield among(Workflow.namespace, "namespaces", self.namespaces, _TEXT)
        if self.search is not None:
            yield or_(contains(Workflow.name), contains(Workflow.key))


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
    within: tuple[str, ...] | None = None
    """The namespaces that exist for who asks; None: all."""
    masked: Patterns | None = None
    """What is masked in the text that is searched."""

    @property
    def shape(self) -> Hashable:
        """What the conditions and the ways depend on."""
        shape = (*[_shape(getattr(self, name)) for name in self.__slots__], self.masked)
        return shape if self.search is None else (*shape, ids_with_prefix(self.search) is not None)

    @property
    def values(self) -> dict[str, Any]:
        """The parameters of the conditions and the ways."""
        given = ((name, getattr(self, name)) for name in self.__slots__)
        values = {name: _value(value) for name, value in given if value is not None}
        if self.min_duration_seconds is not None:
            values["min_duration_seconds"] = timedelta(seconds=self.min_duration_seconds)
        if self.metadata is not None:
            values["metadata"] = write_json(self.metadata.value)
        if self.search is not None:
            values["pattern"] = pattern(self.search)
            values["first_id"], values["last_id"] = ids_with_prefix(self.search) or (None, None)
        return values

    def certain(self) -> Iterator[ColumnElement[bool]]:
        """The SQL conditions, which hold together, and with one of the ways."""
        run = WorkflowExecution
        if self.within is not None:
            yield among(run.namespace, "within", self.within, _TEXT)
        if self.namespaces is not None:
            yield among(run.namespace, "namespaces", self.namespaces, _TEXT)
        if self.workflow_ids is not None:
            yield among(run.workflow_id, "workflow_ids", self.workflow_ids, _UUID)
        if self.retry_of_ids is not None:
            yield among(run.retry_of_id, "retry_of_ids", self.retry_of_ids, _UUID)
            if self.within is not None:
                original = aliased(WorkflowExecution)
                seen = among(original.namespace, "within", self.within, _TEXT)
                yield select(original.id).where(original.id == run.retry_of_id, seen).exists()
        if self.status is not None:
            yield among(run.status, "status", self.status, _TEXT)
        if self.trigger_type is not None:
            yield among(run.trigger_type, "trigger_type", self.trigger_type, _TEXT)
        if self.created_since is not None:
            yield run.created_at >= bindparam("created_since", type_=_INSTANT)
        if self.created_until is not None:
            yield run.created_at < bindparam("created_until", type_=_INSTANT)
        if self.min_duration_seconds is not None:
            yield run.ended_at - run.started_at >= bindparam("min_duration_seconds", type_=Interval())
        if self.has_errors is not None:
            counter = ExecutionCounter
            erring = select(counter).where(counter.workflow_execution_id == run.id, counter.error_count > 0).exists()
            yield erring if self.has_errors else ~erring
        if self.metadata is not None:
            yield run.metadata_.contains(bindparam("metadata", type_=JSON_COLUMN))

    def ways(self) -> list[Way]:
        """The ways to match what is searched for, of which one is enough."""
        if self.search is None:
            return [Way(true())]
        run = WorkflowExecution
        named = select(Workflow.id).where(contains(Workflow.name)).subquery("named")
        ways = [
            Way(and_(run.error_message.is_not(None), shown_contains(run.error_message, self.masked))),
            Way(run.workflow_id == named.c.id, of_each=named),
        ]
        if ids_with_prefix(self.search) is not None:
            ways.append(Way(has_prefix(run.id)))
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

    @property
    def shape(self) -> Hashable:
        """What the conditions depend on."""
        return (_shape(self.status), _shape(self.node_ids), _shape(self.keys))

    @property
    def values(self) -> dict[str, Any]:
        """The parameters of the conditions."""
        given = (("status", self.status), ("node_ids", self.node_ids), ("keys", self.keys))
        return {name: _value(value) for name, value in given if value is not None}

    def conditions(self) -> Iterator[ColumnElement[bool]]:
        """The SQL conditions, which hold together."""
        if self.status is not None:
            yield among(NodeExecution.status, "status", self.status, _TEXT)
        if self.node_ids is not None:
            yield among(NodeExecution.node_id, "node_ids", self.node_ids, _UUID)
        if self.keys is not None:
            yield among(NodeExecution.key, "keys", self.keys, _TEXT)


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
    masked: Patterns | None = None
    """What is masked in the text that is searched."""

    @property
    def shape(self) -> Hashable:
        """What the conditions depend on."""
        given = (self._levels(), *(getattr(self, name) for name in _LOG_VALUES))
        return (*[_shape(value) for value in given], self.masked)

    @property
    def values(self) -> dict[str, Any]:
        """The parameters of the conditions."""
        given = ((name, getattr(self, name)) for name in _LOG_VALUES)
        values = {name: _value(value) for name, value in given if value is not None}
        if (levels := self._levels()) is not None:
            values["levels"] = _value(levels)
        if self.search is not None:
            values["pattern"] = pattern(self.search)
        return values

    def conditions(self) -> Iterator[ColumnElement[bool]]:
        """The SQL conditions, which hold together."""
        log = ExecutionLog
        if (levels := self._levels()) is not None:
            yield among(log.level, "levels", levels, _TEXT)
        if self.search is not None:
            yield shown_contains(log.message, self.masked)
        if self.since is not None:
            yield log.timestamp >= bindparam("since", type_=_INSTANT)
        if self.until is not None:
            yield log.timestamp < bindparam("until", type_=_INSTANT)
        if self.node_execution_ids is not None:
            yield among(log.node_execution_id, "node_execution_ids", self.node_execution_ids, _UUID)
        if self.attempt is not None:
            yield log.attempt == bindparam("attempt", type_=Integer())
        if self.from_sequence is not None:
            yield log.sequence >= bindparam("from_sequence", type_=Integer())
        if self.to_sequence is not None:
            yield log.sequence <= bindparam("to_sequence", type_=Integer())

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

    def _levels(self) -> tuple[LogLevel, ...] | None:
        if self.min_level is None and self.levels is None:
            return None
        order = list(LogLevel)
        enough = order if self.min_level is None else order[order.index(self.min_level) :]
        return tuple([level for level in enough if self.levels is None or level in self.levels])


_LOG_VALUES = ("search", "since", "until", "node_execution_ids", "attempt", "from_sequence", "to_sequence")


@dataclass(frozen=True, slots=True)
class JsonText:
    """A JSON value that can be part of a key: equal if its canonical text is."""

    text: str
    value: Any = None

    def __hash__(self) -> int:
        return hash(self.text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, JsonText) and self.text == other.text
