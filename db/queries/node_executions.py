"""Reading steps and their tries."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ARRAY, Double, Numeric, Uuid, and_, any_, bindparam, extract, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from db.filters import NodeExecutionFilter
from db.models import Node, NodeExecution, NodeExecutionAttempt
from db.paging import Order, Page, Slice
from db.queries.per_parent import counts_per_parent, slices_per_parent
from db.records import NodeExecutionAttemptRecord, NodeExecutionRecord
from db.state_machine import NODE_EXECUTION, Action
from db.transaction import Executes

step = NodeExecution
attempt = NodeExecutionAttempt

IN_ORDER = Order(step.execution_order, step.id)
BY_REVISION = Order(step.revision)

STEPS = select(
    step.id,
    step.workflow_execution_id,
    step.node_id,
    step.parent_id,
    step.key,
    func.coalesce(step.name, Node.name).label("name"),
    step.status,
    step.execution_order,
    step.revision,
    step.retry_count,
    and_(
        step.status.in_(NODE_EXECUTION[Action.RETRY].sources),
        # A model may say 2.5, which means 2 here as it does there.
        step.retry_count < func.coalesce(func.trunc(Node.retry_config["max_retries"].astext.cast(Numeric)), 0),
    ).label("can_retry"),
    step.input_data,
    step.output_data,
    step.error_message,
    step.created_at,
    step.updated_at,
    step.started_at,
    step.ended_at,
    extract("epoch", step.ended_at - step.started_at).cast(Double).label("duration_seconds"),
).outerjoin(Node, Node.id == step.node_id)
_STEPS_BY_ID = STEPS.where(step.id == any_(bindparam("ids", type_=ARRAY(Uuid()))))


async def steps_by_id(connection: Executes, ids: Sequence[UUID]) -> list[NodeExecutionRecord | None]:
    """The steps with these ids, in their order; None where there is none."""
    rows = await connection.execute(_STEPS_BY_ID, {"ids": list(ids)})
    found = {row.id: NodeExecutionRecord._make(row) for row in rows}
    return [found.get(id_) for id_ in ids]


async def steps_of_runs(
    connection: AsyncConnection, ids: Sequence[UUID], where: NodeExecutionFilter, page: Page
) -> list[Slice[NodeExecutionRecord]]:
    """A page of the steps of each run, by execution order."""
    statement = STEPS.where(*where.conditions())
    return await slices_per_parent(
        connection, statement, step.workflow_execution_id, ids, IN_ORDER, page, NodeExecutionRecord
    )


async def count_steps_of_runs(
    connection: AsyncConnection, ids: Sequence[UUID], where: NodeExecutionFilter
) -> list[int]:
    """The number of steps of each run."""
    statement = select(step.id).where(*where.conditions())
    return await counts_per_parent(connection, statement, step.workflow_execution_id, ids)


async def attempts_of_steps(connection: AsyncConnection, ids: Sequence[UUID]) -> list[list[NodeExecutionAttemptRecord]]:
    """The tries of each step, the first one first."""
    statement = (
        select(
            attempt.node_execution_id,
            attempt.attempt,
            attempt.status,
            attempt.started_at,
            attempt.ended_at,
            attempt.error_message,
            extract("epoch", attempt.ended_at - attempt.started_at).cast(Double).label("duration_seconds"),
        )
        .where(attempt.node_execution_id.in_(ids))
        .order_by(attempt.attempt)
    )
    found: dict[UUID, list[NodeExecutionAttemptRecord]] = {id_: [] for id_ in ids}
    for row in await connection.execute(statement):
        found[row.node_execution_id].append(NodeExecutionAttemptRecord._make(row))
    return [found[id_] for id_ in ids]
