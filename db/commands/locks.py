"""The locks on a run and its steps, and the rows that they give."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ARRAY, Select, Uuid, any_, bindparam, select

from db.enums import ExecutionStatus
from db.errors import NotFoundError
from db.models import Node, NodeExecution, WorkflowExecution
from db.models.node import max_retries
from db.scope import sees
from db.transaction import Transaction


class LockedRun(NamedTuple):
    """A run as it is and stays until the transaction ends."""

    id: UUID
    status: ExecutionStatus
    started_at: datetime | None
    last_transition_at: datetime | None
    workflow_id: UUID
    workflow_version: int
    namespace: str


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
    retry_config: Mapping[str, Any] | None
    revision: int = 0
    values: dict[str, Any] = field(default_factory=dict)
    """Further columns that this transaction changes."""

    @property
    def max_retries(self) -> int:
        """How often it may be retried without force."""
        return max_retries(self.retry_config)


# Statements are made once: making one takes longer than executing it.
_run = WorkflowExecution.__table__
_step = NodeExecution.__table__
_node = Node.__table__
_ID = bindparam("id", type_=Uuid())
_IDS = bindparam("ids", type_=ARRAY(Uuid()))
_RUNS = bindparam("runs", type_=ARRAY(Uuid()))

_RUN = select(*(_run.c[name] for name in LockedRun._fields))
_RUN_BY_ID = _RUN.where(_run.c.id == _ID).with_for_update(key_share=True)
_RUN_TO_APPEND = select(_run.c.namespace).where(_run.c.id == _ID).with_for_update(read=True, key_share=True)
_RUNS_OF_STEPS = _RUN.where(
    _run.c.id.in_(select(_step.c.workflow_execution_id).where(_step.c.id == any_(_IDS)))
).order_by(_run.c.id)
_STEPS = (
    select(
        _step.c.id,
        _step.c.workflow_execution_id,
        _step.c.status,
        _step.c.started_at,
        _step.c.ended_at,
        _step.c.last_transition_at,
        _step.c.error_message,
        _step.c.retry_count,
        _node.c.retry_config,
    )
    .select_from(_step.outerjoin(_node, _node.c.id == _step.c.node_id))
    .where(_step.c.id == any_(_IDS), _step.c.workflow_execution_id == any_(_RUNS))
    .order_by(_step.c.id)
    .with_for_update(key_share=True, of=_step)
)


def _run_of_steps(*, hold_status: bool) -> Select[Any]:
    return _RUNS_OF_STEPS.with_for_update(read=not hold_status, key_share=True)


_RUNS_OF_STEPS_BY_HOLD = {hold_status: _run_of_steps(hold_status=hold_status) for hold_status in (True, False)}


async def lock_run(session: Transaction, id: UUID) -> LockedRun:  # noqa: A002
    """Lock a run FOR NO KEY UPDATE, to transition it or to add steps to it. Raises NotFoundError."""
    row = (await session.execute(_RUN_BY_ID, {"id": id})).one_or_none()
    if row is None or not sees(session, row.namespace):
        raise NotFoundError("Workflow execution", id)
    return LockedRun._make(row)


async def lock_run_to_append(session: Transaction, id: UUID) -> None:  # noqa: A002
    """Lock a run FOR KEY SHARE, which only its deletion waits for. Raises NotFoundError."""
    row = (await session.execute(_RUN_TO_APPEND, {"id": id})).one_or_none()
    if row is None or not sees(session, row.namespace):
        raise NotFoundError("Workflow execution", id)


async def lock_runs_of_steps(
    session: Transaction, step_ids: Collection[UUID], *, hold_status: bool
) -> dict[UUID, LockedRun]:
    """Lock the runs of these steps, by id, and give them by id.

    FOR NO KEY UPDATE where their status must not change meanwhile, else FOR KEY SHARE.
    """
    rows = await session.execute(_RUNS_OF_STEPS_BY_HOLD[hold_status], {"ids": list(step_ids)})
    return {row.id: LockedRun._make(row) for row in rows if sees(session, row.namespace)}


async def lock_steps(session: Transaction, ids: Collection[UUID], run_ids: Collection[UUID]) -> dict[UUID, LockedStep]:
    """Lock those of the steps that are of these runs FOR NO KEY UPDATE, by id, after the runs; give them by id."""
    rows = await session.execute(_STEPS, {"ids": list(ids), "runs": list(run_ids)})
    return {row[0]: LockedStep(*row) for row in rows}
