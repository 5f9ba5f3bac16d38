"""The locks on a run and its steps, and the rows that they give."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db.enums import ExecutionStatus
from db.errors import NotFoundError
from db.models import Node, NodeExecution, WorkflowExecution


class LockedRun(NamedTuple):
    """A run as it is and stays until the transaction ends."""

    id: UUID
    status: ExecutionStatus
    started_at: datetime | None
    last_transition_at: datetime | None
    workflow_id: UUID
    workflow_version: int


@dataclass(slots=True)
class LockedStep:
    """A step as it stays until the transaction ends, but for what this transaction makes of it."""

    id: UUID
    workflow_execution_id: UUID
    status: ExecutionStatus
    started_at: datetime | None
    ended_at: datetime | None
    last_transition_at: datetime | None
    error_message: str | None
    retry_count: int
    max_retries: int
    revision: int = 0
    values: dict[str, Any] = field(default_factory=dict)
    """Further columns that this transaction changes."""


_RUN = select(
    WorkflowExecution.id,
    WorkflowExecution.status,
    WorkflowExecution.started_at,
    WorkflowExecution.last_transition_at,
    WorkflowExecution.workflow_id,
    WorkflowExecution.workflow_version,
)


async def lock_run(session: AsyncSession, id: UUID) -> LockedRun:  # noqa: A002
    """Lock a run FOR NO KEY UPDATE, to transition it or to add steps to it. Raises NotFoundError."""
    statement = _RUN.where(WorkflowExecution.id == id).with_for_update(key_share=True)
    return _found((await session.execute(statement)).one_or_none(), id)


async def lock_run_to_append(session: AsyncSession, id: UUID) -> None:  # noqa: A002
    """Lock a run FOR KEY SHARE, which only its deletion waits for. Raises NotFoundError."""
    statement = select(WorkflowExecution.id).where(WorkflowExecution.id == id)
    statement = statement.with_for_update(read=True, key_share=True)
    if (await session.execute(statement)).one_or_none() is None:
        raise NotFoundError("Workflow execution", id)


async def lock_run_of_step(session: AsyncSession, step_id: UUID, *, hold_status: bool) -> LockedRun:
    """Lock the run of a step: FOR NO KEY UPDATE where its status must not change meanwhile, else FOR KEY SHARE.

    Raises:
        NotFoundError: there is no such step.
    """
    statement = _RUN.join(NodeExecution, NodeExecution.workflow_execution_id == WorkflowExecution.id)
    statement = statement.where(NodeExecution.id == step_id)
    statement = statement.with_for_update(read=not hold_status, key_share=True, of=WorkflowExecution)
    row = (await session.execute(statement)).one_or_none()
    if row is None:
        raise NotFoundError("Node execution", step_id)
    return LockedRun._make(row)


async def lock_runs_of_steps(
    session: AsyncSession, step_ids: Collection[UUID], *, hold_status: bool
) -> dict[UUID, LockedRun]:
    """Lock the runs of these steps, as `lock_run_of_step` does, by id, and give them by id."""
    runs = select(NodeExecution.workflow_execution_id).where(NodeExecution.id.in_(step_ids))
    statement = _RUN.where(WorkflowExecution.id.in_(runs)).order_by(WorkflowExecution.id)
    statement = statement.with_for_update(read=not hold_status, key_share=True)
    return {row.id: LockedRun._make(row) for row in await session.execute(statement)}


async def lock_step(session: AsyncSession, id: UUID, run_id: UUID) -> LockedStep:  # noqa: A002
    """Lock a step FOR NO KEY UPDATE, after its run. Raises NotFoundError."""
    steps = await lock_steps(session, [id], [run_id])
    if id not in steps:
        raise NotFoundError("Node execution", id)
    return steps[id]


async def lock_steps(session: AsyncSession, ids: Collection[UUID], run_ids: Collection[UUID]) -> dict[UUID, LockedStep]:
    """Lock those of the steps that are of these runs FOR NO KEY UPDATE, by id, after the runs; give them by id."""
    statement = _STEP.where(NodeExecution.id.in_(ids), NodeExecution.workflow_execution_id.in_(run_ids))
    statement = statement.order_by(NodeExecution.id)
    rows = await session.execute(statement.with_for_update(key_share=True, of=NodeExecution))
    return {row[0]: _step(*row) for row in rows}


def _step(*columns: Any) -> LockedStep:
    *state, retry_config = columns
    state.append(Node(retry_config=retry_config).max_retries)
    return LockedStep(*state)


_STEP = select(
    NodeExecution.id,
    NodeExecution.workflow_execution_id,
    NodeExecution.status,
    NodeExecution.started_at,
    NodeExecution.ended_at,
    NodeExecution.last_transition_at,
    NodeExecution.error_message,
    NodeExecution.retry_count,
    Node.retry_config,
).outerjoin(Node, Node.id == NodeExecution.node_id)


def _found(row: object, id: UUID) -> LockedRun:  # noqa: A002
    if row is None:
        raise NotFoundError("Workflow execution", id)
    return LockedRun._make(row)  # type: ignore[arg-type]
