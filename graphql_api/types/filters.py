"""Filters and orders: parts AND together, null means absent, an empty list matches nothing."""

from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import orjson
import strawberry

from db import filters
from db.paging import Order
from db.queries.workflow_executions import NEWEST_FIRST, ORDERS, RunOrder
from db.search import Patterns
from db.validation import MAX_INT32, MAX_NAME_LENGTH, check_json, check_text
from graphql_api.context import Context
from graphql_api.errors import BadUserInputError
from graphql_api.scalars import JSON
from graphql_api.types.enums import ExecutionStatus, LogLevel, OrderDirection, TriggerType

T = TypeVar("T")

MAX_FILTER_ITEMS = 1_000


@strawberry.input
class WorkflowExecutionFilter:
    """Narrows a list of runs."""

    namespaces: list[str] | None = None
    workflow_ids: list[UUID] | None = None
    retry_of_ids: list[UUID] | None = None
    status: list[ExecutionStatus] | None = None
    trigger_type: list[TriggerType] | None = None
    created_since: datetime | None = None
    created_until: datetime | None = None
    min_duration_seconds: float | None = None
    has_errors: bool | None = strawberry.field(default=None, description="Whether there is at least one ERROR entry.")
    search: str | None = strawberry.field(
        default=None, description="Id prefix, or text in the workflow's name or the error message."
    )
    metadata: JSON | None = strawberry.field(default=None, description="Containment.")


@strawberry.input
class WorkflowExecutionOrder:
    """How runs are sorted. A null comes last either way, then the id decides."""

    field: RunOrder
    direction: OrderDirection = OrderDirection.DESC


@strawberry.input
class NodeExecutionFilter:
    """Narrows a list of steps."""

    status: list[ExecutionStatus] | None = None
    node_ids: list[UUID] | None = None
    keys: list[str] | None = None


@strawberry.input
class ExecutionLogFilter:
    """Narrows a list of log entries."""

    min_level: LogLevel | None = None
    levels: list[LogLevel] | None = None
    search: str | None = strawberry.field(default=None, description="Case-insensitive text in the message.")
    since: datetime | None = None
    until: datetime | None = None
    node_execution_ids: list[UUID] | None = None
    attempt: int | None = None
    from_sequence: int | None = strawberry.field(default=None, description="Inclusive.")
    to_sequence: int | None = None


def workflow_filter(namespaces: list[str] | None, search: str | None, context: Context) -> filters.WorkflowFilter:
    """Read the filter of a list of definitions, as far as they exist for who asks."""
    return filters.WorkflowFilter(_items(namespaces, "namespaces"), _text(search, "search"), _within(context))


def run_filter(given: WorkflowExecutionFilter | None, context: Context) -> filters.WorkflowExecutionFilter:
    """Read the filter of a list of runs, as far as they exist for who asks.

    Raises:
        BadUserInputError, InvalidInputError: a value is not acceptable, or would be compared with a secret.
    """
    if given is None:
        return filters.WorkflowExecutionFilter(within=_within(context))
    masking = context.masking
    if masking is not None and (key := masking.secret_key(given.metadata)) is not None:
        raise BadUserInputError(f"`metadata` cannot be filtered by {key!r}: what it holds is masked")
    minimum = given.min_duration_seconds
    if minimum is not None and not 0 <= minimum <= MAX_INT32:
        raise BadUserInputError(f"`minDurationSeconds` must be from 0 to {MAX_INT32}")
    return filters.WorkflowExecutionFilter(
        namespaces=_items(given.namespaces, "namespaces"),
        workflow_ids=_items(given.workflow_ids, "workflowIds"),
        retry_of_ids=_items(given.retry_of_ids, "retryOfIds"),
        status=_items(given.status, "status"),
        trigger_type=_items(given.trigger_type, "triggerType"),
        created_since=given.created_since,
        created_until=given.created_until,
        min_duration_seconds=minimum,
        has_errors=given.has_errors,
        search=_text(given.search, "search"),
        metadata=_json(given.metadata, "metadata"),
        within=_within(context),
        masked=_masked(given.search, context),
    )


def run_order(given: WorkflowExecutionOrder | None) -> Order:
    """Read the order of a list of runs; by default the newest comes first."""
    if given is None:
        return NEWEST_FIRST
    return ORDERS[given.field, given.direction is OrderDirection.DESC]


def step_filter(given: NodeExecutionFilter | None) -> filters.NodeExecutionFilter:
    """Read the filter of a list of steps. Raises BadUserInputError, InvalidInputError."""
    if given is None:
        return filters.NodeExecutionFilter()
    return filters.NodeExecutionFilter(
        status=_items(given.status, "status"),
        node_ids=_items(given.node_ids, "nodeIds"),
        keys=_items(given.keys, "keys"),
    )


def log_filter(given: ExecutionLogFilter | None, context: Context) -> filters.ExecutionLogFilter:
    """Read the filter of a list of log entries. Raises BadUserInputError, InvalidInputError."""
    if given is None:
        return filters.ExecutionLogFilter()
    return filters.ExecutionLogFilter(
        min_level=given.min_level,
        levels=_items(given.levels, "levels"),
        search=_text(given.search, "search"),
        since=given.since,
        until=given.until,
        node_execution_ids=_items(given.node_execution_ids, "nodeExecutionIds"),
        attempt=given.attempt,
        from_sequence=given.from_sequence,
        to_sequence=given.to_sequence,
        masked=_masked(given.search, context),
    )


def _within(context: Context) -> tuple[str, ...] | None:
    """The namespaces that exist for who asks; None: all."""
    namespaces = context.access.namespaces
    return None if namespaces is None else tuple(sorted(namespaces))


def _masked(search: str | None, context: Context) -> Patterns | None:
    """What a search does not look into, if it is for somebody from whom it is masked."""
    masking = context.masking
    return None if search is None or masking is None else masking.secrets.patterns


def _items(values: list[T] | None, name: str) -> tuple[T, ...] | None:
    if values is None:
        return None
    if len(values) > MAX_FILTER_ITEMS:
        raise BadUserInputError(f"`{name}` has {len(values)} items; at most {MAX_FILTER_ITEMS} are allowed")
    for value in values:
        if isinstance(value, str):
            check_text(value, name, limit=MAX_NAME_LENGTH, may_be_empty=True)
    return tuple(values)


def _text(value: str | None, name: str) -> str | None:
    check_text(value, name, limit=MAX_NAME_LENGTH, may_be_empty=True)
    return value


def _json(value: Any, name: str) -> filters.JsonText | None:
    if value is None:
        return None
    check_json(value, name)
    return filters.JsonText(orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode(), value)
