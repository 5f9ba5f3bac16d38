"""NodeExecution and NodeExecutionAttempt: one step of a run, and each try of it."""

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, event
from sqlalchemy.orm import Mapped, mapped_column, reconstructor, relationship

from db.enums import ExecutionStatus
from db.models.model import JSON_COLUMN, Identified, Json, Model, TextEnum
from db.models.node import Node
from db.models.stateful import Stateful, status_constraints
from db.models.vacuum import BUSY, GROWING, storage
from db.models.workflow_execution import WorkflowExecution
from db.state_machine import NODE_EXECUTION, Action, refusal

if TYPE_CHECKING:
    from db.models.execution_log import ExecutionLog


class NodeExecution(Stateful, Identified, Model):
    """One step of a run. A node may run several times in one run, and a step need not have a node."""

    __tablename__ = "node_executions"
    machine = NODE_EXECUTION

    workflow_execution_id: Mapped[UUID] = mapped_column(ForeignKey("workflow_executions.id", ondelete="CASCADE"))
    node_id: Mapped[UUID | None] = mapped_column(ForeignKey("nodes.id"))
    parent_id: Mapped[UUID | None]
    """The step of the same run that this one is part of (a loop, a group, a map)."""
    key: Mapped[str | None]
    """The engine's own name for the step, unique in the run."""
    name: Mapped[str | None]
    execution_order: Mapped[int]
    retry_count: Mapped[int] = mapped_column(default=0, server_default="0")
    input_data: Mapped[Json | None] = mapped_column(JSON_COLUMN)
    output_data: Mapped[Json | None] = mapped_column(JSON_COLUMN)
    creation_digest: Mapped[bytes | None]
    """A fingerprint of the arguments it was made with, to tell a repetition from a contradiction."""

    workflow_execution: Mapped[WorkflowExecution] = relationship(
        back_populates="node_executions", foreign_keys=[workflow_execution_id]
    )
    node: Mapped[Node | None] = relationship()
    attempts: Mapped[list["NodeExecutionAttempt"]] = relationship(
        order_by="NodeExecutionAttempt.attempt", viewonly=True
    )
    logs: Mapped[list["ExecutionLog"]] = relationship(
        back_populates="node_execution",
        order_by="(ExecutionLog.timestamp, ExecutionLog.sequence)",
        viewonly=True,
    )

    __table_args__ = (
        *status_constraints(tuple(ExecutionStatus)),
        CheckConstraint("node_id IS NOT NULL OR name IS NOT NULL", name="named"),
        CheckConstraint("retry_count >= 0", name="retry_count"),
        # Without a cascade: steps go only with their whole run, and what they point at goes with them.
        ForeignKeyConstraint(
            ["workflow_execution_id", "parent_id"],
            ["node_executions.workflow_execution_id", "node_executions.id"],
        ),
        UniqueConstraint("workflow_execution_id", "id"),
        Index(
            "ix_node_executions_workflow_execution_id_execution_order_id",
            "workflow_execution_id",
            "execution_order",
            "id",
        ),
        Index("ix_node_executions_workflow_execution_id_revision", "workflow_execution_id", "revision"),
        Index(
            "uq_node_executions_workflow_execution_id_key",
            "workflow_execution_id",
            "key",
            unique=True,
            postgresql_where="key IS NOT NULL",
        ),
        Index(
            "ix_node_executions_workflow_execution_id_parent_id",
            "workflow_execution_id",
            "parent_id",
            postgresql_where="parent_id IS NOT NULL",
        ),
        Index("ix_node_executions_node_id", "node_id", postgresql_where="node_id IS NOT NULL"),
        storage(GROWING),
    )

    def __init__(self, **values: Any) -> None:
        values.setdefault("retry_count", 0)
        super().__init__(**values)
        self.prepare()

    @reconstructor
    def prepare(self) -> None:
        """Set up what is not a column, for a new step and for one that was read."""
        self.unsaved_attempts: list[dict[str, Any]] = []
        """Tries that ended since the last flush and that the row no longer shows; the session saves them."""

    @property
    def attempt(self) -> int:
        """The number of the present try, from 1."""
        return self.retry_count + 1

    @property
    def can_retry(self) -> bool:
        """Whether `retry` would be allowed without force. Needs `node` loaded."""
        allowed = self.node.max_retries if self.node is not None else 0
        return self.status in self.machine[Action.RETRY].sources and self.retry_count < allowed

    def start(self, input_data: Json | None = None, *, at: datetime | None = None) -> None:
        """PENDING to RUNNING at the time `at` (by default now), replacing the input where one is given.

        Raises:
            InvalidTransitionError: a ValueError; the step is not PENDING.
            InvalidInputError: a ValueError; `at` is before the previous try's end or over five minutes ahead.
        """
        self._transition(Action.START, at)
        if input_data is not None:
            self.input_data = input_data

    def complete(self, output_data: Json | None = None, *, at: datetime | None = None) -> None:
        """RUNNING to COMPLETED, with what came out. Raises as `start` does."""
        self._transition(Action.COMPLETE, at)
        self.output_data = output_data

    def fail(self, error_message: str, *, at: datetime | None = None) -> None:
        """RUNNING to FAILED, with the reason. Raises as `start` does."""
        self._transition(Action.FAIL, at)
        self.error_message = error_message

    def cancel(self, reason: str | None = None, *, at: datetime | None = None) -> None:
        """PENDING or RUNNING to CANCELLED; the reason is kept as the error message. Raises as `start` does."""
        self._transition(Action.CANCEL, at)
        self.error_message = reason

    def skip(self, reason: str | None = None, *, at: datetime | None = None) -> None:
        """PENDING to SKIPPED; the reason is kept as the error message. Raises as `start` does."""
        self._transition(Action.SKIP, at)
        self.error_message = reason

    def retry(self, *, force: bool = False) -> None:
        """FAILED to PENDING with one more retry; the try that failed is kept. Needs `node` loaded.

        Args:
            force: ignore the node's max_retries, and nothing else.

        Raises:
            InvalidTransitionError: a ValueError; the step is not FAILED, or has no retries left.
        """
        ended = {
            "node_execution_id": self.id,
            "attempt": self.attempt,
            "status": self.status,
            "started_at": self.started_at,
            "ended_at": self.ended_at,
            "error_message": self.error_message,
        }
        if self.status in self.machine[Action.RETRY].sources and not force and not self.can_retry:
            raise refusal(self.machine, Action.RETRY, self, "no retries left")
        self._transition(Action.RETRY, None)
        self.unsaved_attempts.append(ended)
        self.retry_count += 1
        self.error_message = None
        self.output_data = None


@event.listens_for(NodeExecution, "expire")
def forget_unsaved_attempts(step: NodeExecution, attributes: Collection[str] | None) -> None:
    """A step that is rolled back or read again has not ended those tries."""
    if attributes is None or "status" in attributes:
        step.unsaved_attempts.clear()


class NodeExecutionAttempt(Model):
    """One try of a step, from its start on. A trigger keeps the present one equal to its step."""

    __tablename__ = "node_execution_attempts"

    node_execution_id: Mapped[UUID] = mapped_column(
        ForeignKey("node_executions.id", ondelete="CASCADE"), primary_key=True
    )
    attempt: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    status: Mapped[ExecutionStatus] = mapped_column(TextEnum(ExecutionStatus))
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    error_message: Mapped[str | None]

    __table_args__ = (
        *status_constraints(
            tuple(s for s in ExecutionStatus if s not in (ExecutionStatus.PENDING, ExecutionStatus.SKIPPED))
        ),
        CheckConstraint("attempt >= 1", name="attempt"),
        storage(BUSY),
    )
