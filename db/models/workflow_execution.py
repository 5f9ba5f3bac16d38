"""WorkflowExecution: one run."""

from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import CheckConstraint, FetchedValue, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from db.enums import ExecutionStatus, TriggerType
from db.models.access_paths import access_paths
from db.models.model import JSON_COLUMN, Identified, Json, Model, TextEnum, one_of
from db.models.stateful import Stateful, status_constraints
from db.models.vacuum import GROWING, storage
from db.models.workflow import Workflow
from db.state_machine import WORKFLOW_EXECUTION, Action

if TYPE_CHECKING:
    from db.models.execution_log import ExecutionLog
    from db.models.node_execution import NodeExecution


class WorkflowExecution(Stateful, Identified, Model):
    """One run of a version of a definition."""

    __tablename__ = "workflow_executions"
    machine = WORKFLOW_EXECUTION

    workflow_id: Mapped[UUID] = mapped_column(ForeignKey("workflows.id", ondelete="CASCADE"))
    workflow_version: Mapped[int] = mapped_column(server_default=FetchedValue())
    namespace: Mapped[str] = mapped_column(server_default=FetchedValue())
    """The workflow's, copied, so that a list by namespace needs no join; a trigger looks both up."""
    retry_of_id: Mapped[UUID | None] = mapped_column(ForeignKey("workflow_executions.id", ondelete="SET NULL"))
    """The run that this one runs again: a finished run stays finished."""
    parent_node_execution_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("node_executions.id", ondelete="SET NULL", use_alter=True)
    )
    """The step of another run that started this one as a sub-workflow."""
    heartbeat_timeout_seconds: Mapped[int | None]
    """A RUNNING run of which nothing is heard for so long fails; None: it is waited for without limit."""
    trigger_type: Mapped[TriggerType] = mapped_column(TextEnum(TriggerType))
    input_data: Mapped[Json | None] = mapped_column(JSON_COLUMN)
    output_data: Mapped[Json | None] = mapped_column(JSON_COLUMN)
    context: Mapped[Json | None] = mapped_column(JSON_COLUMN)
    metadata_: Mapped[Json | None] = mapped_column("metadata", JSON_COLUMN)
    creation_digest: Mapped[bytes | None]
    """A fingerprint of the arguments it was made with, to tell a repetition from a contradiction."""

    workflow: Mapped[Workflow] = relationship(back_populates="executions")
    node_executions: Mapped[list["NodeExecution"]] = relationship(
        back_populates="workflow_execution",
        foreign_keys="NodeExecution.workflow_execution_id",
        order_by="(NodeExecution.execution_order, NodeExecution.id)",
        cascade="save-update, merge",
        passive_deletes="all",
    )
    logs: Mapped[list["ExecutionLog"]] = relationship(
        back_populates="workflow_execution",
        order_by="(ExecutionLog.timestamp, ExecutionLog.sequence)",
        cascade="save-update, merge",
        passive_deletes="all",
    )
    """In time order. A run can have a million entries: name the attributes you want when you refresh one."""

    __table_args__ = (
        *status_constraints(tuple(s for s in ExecutionStatus if s is not ExecutionStatus.SKIPPED)),
        one_of("trigger_type", tuple(TriggerType)),
        CheckConstraint("heartbeat_timeout_seconds >= 1", name="heartbeat_timeout_seconds"),
        Index(
            "ix_workflow_executions_watched",
            "id",
            postgresql_where="status = 'running' AND heartbeat_timeout_seconds IS NOT NULL",
        ),
        *access_paths(),
        storage(GROWING),
    )

    def start(self, *, at: datetime | None = None) -> None:
        """PENDING to RUNNING at the time `at` (by default now).

        Raises:
            InvalidTransitionError: a ValueError; the run is not PENDING.
            InvalidInputError: a ValueError; `at` is more than five minutes ahead.
        """
        self._transition(Action.START, at)

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
