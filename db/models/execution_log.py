"""ExecutionLog and ExecutionCounter: the entries of a run, and the row that numbers them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, FetchedValue, ForeignKey, ForeignKeyConstraint, Index, func
from sqlalchemy.orm import Mapped, mapped_column, relationship

from db.enums import LogLevel
from db.models.model import JSON_COLUMN, Json, Model, TextEnum, one_of
from db.models.node_execution import NodeExecution
from db.models.vacuum import APPENDED, COUNTERS, storage
from db.models.workflow_execution import WorkflowExecution


class ExecutionLog(Model):
    """One log entry. `sequence` numbers the entries of a run 1, 2, 3, ... without a gap, in commit order."""

    __tablename__ = "execution_logs"

    workflow_execution_id: Mapped[UUID] = mapped_column(
        ForeignKey("workflow_executions.id", ondelete="CASCADE"), primary_key=True
    )
    sequence: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, server_default=FetchedValue())
    """A trigger takes the next number where none was allocated."""
    node_execution_id: Mapped[UUID | None]
    attempt: Mapped[int | None]
    """The try of the step that wrote it; by default the step's present one."""
    level: Mapped[LogLevel] = mapped_column(TextEnum(LogLevel))
    message: Mapped[str]
    data: Mapped[Json | None] = mapped_column(JSON_COLUMN)
    timestamp: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())

    workflow_execution: Mapped[WorkflowExecution] = relationship(back_populates="logs")
    node_execution: Mapped[NodeExecution | None] = relationship(
        back_populates="logs",
        primaryjoin="foreign(ExecutionLog.node_execution_id) == NodeExecution.id",
        viewonly=True,
    )

    __table_args__ = (
        one_of("level", tuple(LogLevel)),
        CheckConstraint("message <> ''", name="message"),
        # An entry's step belongs to the same run. Without a cascade: entries go only with their whole run,
        # so that no hole can appear.
        ForeignKeyConstraint(
            ["workflow_execution_id", "node_execution_id"],
            ["node_executions.workflow_execution_id", "node_executions.id"],
        ),
        Index(
            "ix_execution_logs_node",
            "workflow_execution_id",
            "node_execution_id",
            "sequence",
            postgresql_where="node_execution_id IS NOT NULL",
        ),
        Index(
            "ix_execution_logs_problems",
            "workflow_execution_id",
            "sequence",
            postgresql_where="level IN ('warning', 'error')",
        ),
        Index("ix_execution_logs_errors", "workflow_execution_id", "sequence", postgresql_where="level = 'error'"),
        storage(APPENDED),
    )

    @property
    def id(self) -> str:
        """The run and the number: what identifies an entry, and needs no column of its own."""
        return f"{self.workflow_execution_id}:{self.sequence}"


class ExecutionCounter(Model):
    """What a run has had so far. Every writer of the run's entries and changes updates this row last.

    A row of its own, so that an append never waits for a transition of the run, and so that commit order is
    sequence order within the run.
    """

    __tablename__ = "execution_counters"

    workflow_execution_id: Mapped[UUID] = mapped_column(
        ForeignKey("workflow_executions.id", ondelete="CASCADE"), primary_key=True
    )
    revision: Mapped[int] = mapped_column(server_default="1")
    last_sequence: Mapped[int] = mapped_column(server_default="0")
    debug_count: Mapped[int] = mapped_column(server_default="0")
    info_count: Mapped[int] = mapped_column(server_default="0")
    warning_count: Mapped[int] = mapped_column(server_default="0")
    error_count: Mapped[int] = mapped_column(server_default="0")
    last_append_at: Mapped[datetime | None]
    last_report_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    """When anything was last heard of the run: a change, an entry or a heartbeat."""

    __table_args__ = (
        # The runs with errors.
        Index("ix_execution_counters_erring", "workflow_execution_id", postgresql_where="error_count > 0"),
        storage(COUNTERS),
    )
