"""All runs as plain Python rows, and what a list of them is by the contract: filtered and sorted one by one."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID


@dataclass
class RunRow:
    """A run with what it is filtered and sorted by."""

    id: UUID
    workflow_id: UUID
    workflow_name: str
    namespace: str
    status: str
    trigger_type: str
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    error_message: str | None
    metadata: Any
    errors: int

    @property
    def duration(self) -> timedelta | None:
        return None if self.started_at is None or self.ended_at is None else self.ended_at - self.started_at


def matches(row: RunRow, where: dict[str, Any]) -> bool:
    """Whether a run is selected by a filter as clients write it."""
    return all(_PARTS[name](row, value) for name, value in where.items() if value is not None)


def _found(row: RunRow, search: str) -> bool:
    texts = (row.workflow_name, row.error_message or "")
    return any(search.casefold() in text.casefold() for text in texts) or (
        search != "" and str(row.id).startswith(search.lower())
    )


def contains(whole: Any, part: Any) -> bool:
    """JSON containment, as PostgreSQL defines it."""
    if isinstance(whole, dict) and isinstance(part, dict):
        return all(name in whole and contains(whole[name], value) for name, value in part.items())
    if isinstance(whole, list):
        if isinstance(part, list):
            return all(any(_within(each, value) for each in whole) for value in part)
        return not isinstance(part, dict) and any(_same(each, part) for each in whole)
    return _same(whole, part)


def _within(whole: Any, part: Any) -> bool:
    """Containment below the top, where a list does not contain a mere value."""
    return isinstance(whole, list) is isinstance(part, list) and contains(whole, part)


def _same(left: Any, right: Any) -> bool:
    return type(left) is type(right) and left == right


_PARTS = {
    "namespaces": lambda row, value: row.namespace in value,
    "workflowIds": lambda row, value: str(row.workflow_id) in value,
    "status": lambda row, value: row.status.upper() in value,
    "triggerType": lambda row, value: row.trigger_type.upper() in value,
    "createdSince": lambda row, value: row.created_at >= datetime.fromisoformat(value),
    "createdUntil": lambda row, value: row.created_at < datetime.fromisoformat(value),
    "minDurationSeconds": lambda row, value: row.duration is not None and row.duration >= timedelta(seconds=value),
    "hasErrors": lambda row, value: (row.errors > 0) is value,
    "search": _found,
    "metadata": lambda row, value: row.metadata is not None and contains(row.metadata, value),
}

_KEYS = {
    "CREATED_AT": lambda row: row.created_at,
    "STARTED_AT": lambda row: row.started_at,
    "ENDED_AT": lambda row: row.ended_at,
    "DURATION": lambda row: row.duration,
}


def in_order(rows: list[RunRow], field: str, direction: str) -> list[UUID]:
    """The ids, sorted: a NULL key last in both directions, then the id decides."""
    key, descending = _KEYS[field], direction == "DESC"
    keyed = [row for row in rows if key(row) is not None]
    unkeyed = [row for row in rows if key(row) is None]
    keyed.sort(key=lambda row: (key(row), row.id), reverse=descending)
    unkeyed.sort(key=lambda row: row.id, reverse=descending)
    return [row.id for row in (*keyed, *unkeyed)]
