"""Reading runs."""

from collections.abc import Mapping, Sequence
from enum import Enum
from uuid import UUID

from sqlalchemy import ARRAY, Double, Uuid, any_, bindparam, extract, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from db.enums import ExecutionStatus
from db.filters import WorkflowExecutionFilter
from db.models import ExecutionCounter, ExecutionLog, NodeExecution, WorkflowExecution
from db.paging import Order, Page, Slice, paged, sliced
from db.queries.per_parent import counts_per_parent, slices_per_parent
from db.records import LogCounts, NodeStatusCounts, WorkflowExecutionRecord
from db.transaction import Executes

run = WorkflowExecution
DURATION = run.ended_at - run.started_at


class RunOrder(Enum):
    """What runs can be sorted by."""

    CREATED_AT = "created_at"
    STARTED_AT = "started_at"
    ENDED_AT = "ended_at"
    DURATION = "duration"


ORDERS: Mapping[tuple[RunOrder, bool], Order] = {
    (by, descending): Order(key, run.id, descending=descending, nullable=by is not RunOrder.CREATED_AT)
    for by, key in (
        (RunOrder.CREATED_AT, run.created_at),
        (RunOrder.STARTED_AT, run.started_at),
        (RunOrder.ENDED_AT, run.ended_at),
        (RunOrder.DURATION, DURATION),
    )
    for descending in (True, False)
}
"""The orders, by field and whether descending."""

NEWEST_FIRST = ORDERS[RunOrder.CREATED_AT, True]

RUNS = select(
    run.id,
    run.namespace,
    run.workflow_id,
    run.workflow_version,
    run.retry_of_id,
    run.parent_node_execution_id,
    run.status,
    run.trigger_type,
    run.revision,
    run.input_data,
    run.output_data,
    run.context,
    run.metadata_,
    run.error_message,
    run.created_at,
    run.updated_at,
    run.started_at,
    run.ended_at,
    extract("epoch", DURATION).cast(Double).label("duration_seconds"),
)
_RUNS_BY_ID = RUNS.where(run.id == any_(bindparam("ids", type_=ARRAY(Uuid()))))


async def runs_by_id(connection: Executes, ids: Sequence[UUID]) -> list[WorkflowExecutionRecord | None]:
    """The runs with these ids, in their order; None where there is none."""
    rows = await connection.execute(_RUNS_BY_ID, {"ids": list(ids)})
    found = {row.id: WorkflowExecutionRecord._make(row) for row in rows}
    return [found.get(id_) for id_ in ids]


async def matching_runs(
    connection: AsyncConnection, ids: Sequence[UUID], where: WorkflowExecutionFilter
) -> list[WorkflowExecutionRecord]:
    """Those of the runs with these ids that the filter selects, newest created first."""
    statement = RUNS.where(run.id.in_(ids), *where.conditions())
    rows = await connection.execute(statement.order_by(*NEWEST_FIRST.clauses(backwards=False)))
    return [WorkflowExecutionRecord._make(row) for row in rows]


async def page_of_runs(
    connection: AsyncConnection, where: WorkflowExecutionFilter, order: Order, page: Page
) -> Slice[WorkflowExecutionRecord]:
    """A page of the runs."""
    rows = await connection.execute(paged(RUNS.where(*where.certain()), order, page, where.ways()))
    return sliced([WorkflowExecutionRecord._make(row) for row in rows], page)


async def count_runs(connection: AsyncConnection, where: WorkflowExecutionFilter) -> int:
    """The number of runs."""
    statement = select(func.count()).select_from(run).where(*where.conditions())
    return (await connection.execute(statement)).scalar_one()


async def runs_of_workflows(
    connection: AsyncConnection, ids: Sequence[UUID], where: WorkflowExecutionFilter, order: Order, page: Page
) -> list[Slice[WorkflowExecutionRecord]]:
    """A page of the runs of each workflow."""
    statement = RUNS.where(*where.certain())
    return await slices_per_parent(
        connection, statement, run.workflow_id, ids, order, page, WorkflowExecutionRecord, where.ways()
    )


async def count_runs_of_workflows(
    connection: AsyncConnection, ids: Sequence[UUID], where: WorkflowExecutionFilter
) -> list[int]:
    """The number of runs of each workflow."""
    return await counts_per_parent(connection, select(run.id).where(*where.conditions()), run.workflow_id, ids)


async def child_runs_of_steps(
    connection: AsyncConnection, ids: Sequence[UUID], page: Page
) -> list[Slice[WorkflowExecutionRecord]]:
    """A page of the runs that each step started."""
    return await slices_per_parent(
        connection, RUNS, run.parent_node_execution_id, ids, NEWEST_FIRST, page, WorkflowExecutionRecord
    )


async def count_child_runs_of_steps(connection: AsyncConnection, ids: Sequence[UUID]) -> list[int]:
    """The number of runs that each step started."""
    return await counts_per_parent(connection, select(run.id), run.parent_node_execution_id, ids)


async def log_counts_of_runs(connection: AsyncConnection, ids: Sequence[UUID]) -> list[LogCounts]:
    """How many log entries each run has, by level: its counter row knows."""
    counter = ExecutionCounter
    statement = select(
        counter.workflow_execution_id,
        counter.last_sequence,
        counter.debug_count,
        counter.info_count,
        counter.warning_count,
        counter.error_count,
    ).where(counter.workflow_execution_id.in_(ids))
    found = {id_: LogCounts(*counts) for id_, *counts in await connection.execute(statement)}
    return [found.get(id_, LogCounts(0, 0, 0, 0, 0)) for id_ in ids]


async def log_counts_of_steps(connection: AsyncConnection, ids: Sequence[tuple[UUID, UUID]]) -> list[LogCounts]:
    """How many log entries each step has, by level; a key is the run's id and the step's."""
    log = ExecutionLog
    statement = (
        select(log.node_execution_id, log.level, func.count())
        .where(
            log.workflow_execution_id.in_({run_id for run_id, _ in ids}),
            log.node_execution_id.in_([step_id for _, step_id in ids]),
        )
        .group_by(log.node_execution_id, log.level)
    )
    found: dict[UUID | None, dict[str, int]] = {}
    for step_id, level, count in await connection.execute(statement):
        found.setdefault(step_id, {})[level.value] = count
    return [
        LogCounts(sum(counts.values()), *(counts.get(level, 0) for level in LogCounts._fields[1:]))
        for counts in (found.get(step_id, {}) for _, step_id in ids)
    ]


async def status_counts_of_runs(connection: AsyncConnection, ids: Sequence[UUID]) -> list[NodeStatusCounts]:
    """How many steps each run has, by status."""
    statement = (
        select(NodeExecution.workflow_execution_id, NodeExecution.status, func.count())
        .where(NodeExecution.workflow_execution_id.in_(ids))
        .group_by(NodeExecution.workflow_execution_id, NodeExecution.status)
    )
    found: dict[UUID, dict[str, int]] = {}
    for run_id, status, count in await connection.execute(statement):
        found.setdefault(run_id, {})[status.value] = count
    return [
        NodeStatusCounts(sum(counts.values()), *(counts.get(status.value, 0) for status in ExecutionStatus))
        for counts in (found.get(run_id, {}) for run_id in ids)
    ]
