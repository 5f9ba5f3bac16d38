"""Reading runs."""

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Label, Uuid, any_, bindparam, case, func, select
from sqlalchemy.orm import aliased

from db.enums import ExecutionStatus
from db.filters import WorkflowExecutionFilter
from db.models import ExecutionCounter, ExecutionLog, NodeExecution, Workflow, WorkflowExecution
from db.paging import AnySelect, Order, Page, Slice, paged, sliced
from db.queries.per_parent import ById, children, counted, counts_of_each, each_by_id, ids_parameter, slices_of_each
from db.queries.workflows import WORKFLOWS, workflows_by_id
from db.reader import Reader, Row
from db.records import (
    NO_LOGS,
    JoinedWorkflow,
    LogCounts,
    NodeStatusCounts,
    WorkflowExecutionRecord,
    json_text,
    seconds_between,
)
from db.statement import Statement, shaped
from db.wanted import Joined
from db.written import joins

run, counter, log = WorkflowExecution, ExecutionCounter, ExecutionLog


class RunOrder(Enum):
    """What runs can be sorted by."""

    CREATED_AT = "created_at"
    STARTED_AT = "started_at"
    ENDED_AT = "ended_at"
    DURATION = "duration"


_KEYS: Mapping[RunOrder, Callable[[Any], Any]] = {
    RunOrder.CREATED_AT: lambda of: of.created_at,
    RunOrder.STARTED_AT: lambda of: of.started_at,
    RunOrder.ENDED_AT: lambda of: of.ended_at,
    RunOrder.DURATION: lambda of: of.ended_at - of.started_at,
}
ORDERS: Mapping[tuple[RunOrder, bool], Order] = {
    (by, descending): Order(key(run), run.id, descending=descending, nullable=by is not RunOrder.CREATED_AT)
    for by, key in _KEYS.items()
    for descending in (True, False)
}
"""The orders, by field and whether descending."""
_FIELDS = {order: by for (by, _), order in ORDERS.items()}

NEWEST_FIRST = ORDERS[RunOrder.CREATED_AT, True]


def _columns(of: type[WorkflowExecution]) -> list[Any]:
    """What is read of runs."""
    return [
        of.id,
        of.namespace,
        of.workflow_id,
        of.workflow_version,
        of.retry_of_id,
        of.parent_node_execution_id,
        of.status,
        of.trigger_type,
        of.revision,
        json_text(of.input_data),
        json_text(of.output_data),
        json_text(of.context),
        json_text(of.metadata_, "metadata_"),
        of.error_message,
        of.created_at,
        of.updated_at,
        of.started_at,
        of.ended_at,
        seconds_between(of.started_at, of.ended_at),
    ]


RUNS = select(*_columns(run))
_LOG_COUNTS_OF_RUNS = select(
    counter.workflow_execution_id,
    counter.last_sequence,
    counter.debug_count,
    counter.info_count,
    counter.warning_count,
    counter.error_count,
)


def _joined(
    of: AnySelect, belongs: ColumnElement[bool], runs: type[WorkflowExecution], name: str, names: Sequence[str]
) -> Label[Any]:
    """The one row that belongs to a run, as a column: it is looked up for the runs of the answer only."""

    def subquery(selected: ColumnElement[Any]) -> Any:
        return of.with_only_columns(selected).where(belongs).correlate(runs).scalar_subquery()

    columns = list(of.selected_columns)
    column: Label[Any] = subquery(func.row(*columns)).label(name)
    joins(column, dict(zip(names, columns, strict=True)), subquery)
    return column


_WORKFLOW_COLUMNS: Sequence[Any] = WORKFLOWS.selected_columns.keys()


def _joined_log_counts(runs: type[WorkflowExecution]) -> Label[Any]:
    names = ("", *LogCounts._fields)
    return _joined(_LOG_COUNTS_OF_RUNS, counter.workflow_execution_id == runs.id, runs, "joined_log_counts", names)


_RUNS = RUNS.add_columns(
    _joined(WORKFLOWS, Workflow.id == run.workflow_id, run, "joined_workflow", _WORKFLOW_COLUMNS),
    _joined_log_counts(run),
)
"""Runs, and what belongs to them."""

_RUNS_BY_ID = ById(_RUNS, run.id)
_NAMESPACES = Statement(select(run.id, run.namespace).where(run.id == any_(ids_parameter())))
_LOG_COUNTS = Statement(_LOG_COUNTS_OF_RUNS.where(counter.workflow_execution_id == any_(ids_parameter())))
_LOG_COUNTS_OF_STEPS = Statement(
    select(log.node_execution_id, log.level, func.count().label("count_"))
    .where(
        log.workflow_execution_id == any_(bindparam("runs", type_=ARRAY(Uuid()))),
        log.node_execution_id == any_(ids_parameter()),
    )
    .group_by(log.node_execution_id, log.level)
)
_STATUS_COUNTS = Statement(
    select(NodeExecution.workflow_execution_id, NodeExecution.status, func.count().label("count_"))
    .where(NodeExecution.workflow_execution_id == any_(ids_parameter()))
    .group_by(NodeExecution.workflow_execution_id, NodeExecution.status)
)


@shaped
def _matching(where: WorkflowExecutionFilter) -> AnySelect:
    statement = RUNS.where(run.id == any_(ids_parameter()), *where.conditions())
    return statement.order_by(*NEWEST_FIRST.clauses(backwards=False))


@shaped
def _page(where: WorkflowExecutionFilter, order: Order, page: Page) -> AnySelect:
    # Definitions are joined to the runs of the page only. Looked up for each run, one was searched among all: if there
    # are but a few hundred, the planner takes that for cheaper than an index.
    rows = select(*WorkflowExecution.__table__.c).where(*where.certain())
    found = paged(rows, order, page, where.ways()).subquery("found")
    of = aliased(WorkflowExecution, found)
    keys = [_KEYS[_FIELDS[order]](of), of.id]
    return (
        select(
            *_columns(of),
            _beside(list(WORKFLOWS.selected_columns), "joined_workflow", _WORKFLOW_COLUMNS),
            _joined_log_counts(of),
        )
        .outerjoin(Workflow, Workflow.id == of.workflow_id)
        .order_by(*order.again(keys, backwards=page.backwards))
    )


def _beside(columns: Sequence[Any], name: str, names: Sequence[str]) -> Label[Any]:
    """What is joined to the runs, as a column; the first one of its columns is its key."""

    def if_any(selected: ColumnElement[Any]) -> Any:
        return case((columns[0].is_not(None), selected))

    column: Label[Any] = if_any(func.row(*columns)).label(name)
    joins(column, dict(zip(names, columns, strict=True)), if_any)
    return column


@shaped
def _count(where: WorkflowExecutionFilter) -> AnySelect:
    return select(func.count().label("count_")).select_from(run).where(*where.conditions())


@shaped
def _of_workflows(where: WorkflowExecutionFilter, order: Order, page: Page) -> AnySelect:
    return children(_RUNS.where(*where.certain()), run.workflow_id, order, page, where.ways())


@shaped
def _count_of_workflows(where: WorkflowExecutionFilter) -> AnySelect:
    return counted(select(run.id).where(*where.conditions()), run.workflow_id)


@shaped
def _of_steps(where: WorkflowExecutionFilter, page: Page) -> AnySelect:
    return children(_RUNS.where(*where.certain()), run.parent_node_execution_id, NEWEST_FIRST, page)


@shaped
def _count_of_steps(where: WorkflowExecutionFilter) -> AnySelect:
    return counted(select(run.id).where(*where.certain()), run.parent_node_execution_id)


async def runs_by_id(reader: Reader, ids: Sequence[UUID]) -> list[WorkflowExecutionRecord | None]:
    """The runs with these ids, in their order; None where there is none."""
    return await each_by_id(reader, _RUNS_BY_ID, ids, WorkflowExecutionRecord)


async def matching_runs(
    reader: Reader, ids: Sequence[UUID], where: WorkflowExecutionFilter
) -> list[WorkflowExecutionRecord]:
    """Those of the runs with these ids that the filter selects, newest created first."""
    return await reader.rows(_matching(where), {"ids": ids, **where.values}, WorkflowExecutionRecord)


async def page_of_runs(
    reader: Reader, where: WorkflowExecutionFilter, order: Order, page: Page
) -> Slice[WorkflowExecutionRecord]:
    """A page of the runs."""
    values = {**where.values, **page.values}
    return sliced(await reader.rows(_page(where, order, page), values, WorkflowExecutionRecord), page)


async def count_runs(reader: Reader, where: WorkflowExecutionFilter) -> int:
    """The number of runs."""
    number: int = await reader.value(_count(where), where.values)
    return number


async def counts_of_runs(reader: Reader, filters: Sequence[WorkflowExecutionFilter]) -> list[int]:
    """The number of runs that each filter selects."""
    return [await count_runs(reader, where) for where in filters]


async def runs_of_workflows(
    reader: Reader, ids: Sequence[UUID], where: WorkflowExecutionFilter, order: Order, page: Page
) -> list[Slice[WorkflowExecutionRecord]]:
    """A page of the runs of each workflow."""
    statement = _of_workflows(where, order, page)
    return await slices_of_each(reader, statement, ids, where.values, page, WorkflowExecutionRecord)


async def count_runs_of_workflows(reader: Reader, ids: Sequence[UUID], where: WorkflowExecutionFilter) -> list[int]:
    """The number of runs of each workflow."""
    return await counts_of_each(reader, _count_of_workflows(where), ids, where.values)


async def child_runs_of_steps(
    reader: Reader, ids: Sequence[UUID], where: WorkflowExecutionFilter, page: Page
) -> list[Slice[WorkflowExecutionRecord]]:
    """A page of the runs that each step started."""
    return await slices_of_each(reader, _of_steps(where, page), ids, where.values, page, WorkflowExecutionRecord)


async def count_child_runs_of_steps(reader: Reader, ids: Sequence[UUID], where: WorkflowExecutionFilter) -> list[int]:
    """The number of runs that each step started."""
    return await counts_of_each(reader, _count_of_steps(where), ids, where.values)


async def namespaces_of_runs(reader: Reader, ids: Sequence[UUID]) -> dict[UUID, str]:
    """The namespace of each of these runs that there is."""
    return {row.id: row.namespace for row in await reader.rows(_NAMESPACES, {"ids": ids}, Row)}


async def log_counts_of_runs(reader: Reader, ids: Sequence[UUID]) -> list[LogCounts]:
    """How many log entries each run has, by level: its counter row knows."""
    found = {id_: LogCounts(*counts) for id_, *counts in await reader.rows(_LOG_COUNTS, {"ids": ids}, Row)}
    return [found.get(id_, NO_LOGS) for id_ in ids]


async def log_counts_of_steps(reader: Reader, ids: Sequence[tuple[UUID, UUID]]) -> list[LogCounts]:
    """How many log entries each step has, by level; a key is the run's id and the step's."""
    values = {"runs": list({run_id for run_id, _ in ids}), "ids": [step_id for _, step_id in ids]}
    found: dict[UUID | None, dict[str, int]] = {}
    for step_id, level, count in await reader.rows(_LOG_COUNTS_OF_STEPS, values, Row):
        found.setdefault(step_id, {})[level] = count
    return [
        LogCounts(sum(counts.values()), *(counts.get(level, 0) for level in LogCounts._fields[1:]))
        for counts in (found.get(step_id, {}) for _, step_id in ids)
    ]


async def status_counts_of_runs(reader: Reader, ids: Sequence[UUID]) -> list[NodeStatusCounts]:
    """How many steps each run has, by status."""
    found: dict[UUID, dict[str, int]] = {}
    for run_id, status, count in await reader.rows(_STATUS_COUNTS, {"ids": ids}, Row):
        found.setdefault(run_id, {})[status] = count
    return [
        NodeStatusCounts(sum(counts.values()), *(counts.get(status.value, 0) for status in ExecutionStatus))
        for counts in (found.get(run_id, {}) for run_id in ids)
    ]


def _workflow(values: tuple[Any, ...] | None) -> JoinedWorkflow | None:
    return None if values is None else JoinedWorkflow(zip(_WORKFLOW_COLUMNS, values, strict=True))


def _log_counts(values: tuple[Any, ...] | None) -> LogCounts:
    return NO_LOGS if values is None else LogCounts(*values[1:])


JOINED: Mapping[str, Joined] = {
    "joined_workflow": Joined("workflow_id", workflows_by_id, _workflow),
    "joined_log_counts": Joined("id", log_counts_of_runs, _log_counts),
}
"""What can be read together with runs, by the column in which it stands."""
