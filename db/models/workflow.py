"""Workflow: a definition, of which there may be several versions."""

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import CheckConstraint, Index, func
from sqlalchemy.orm import Mapped, mapped_column, relationship

from db.models.model import Identified, Model

if TYPE_CHECKING:
    from db.models.node import Node
    from db.models.workflow_execution import WorkflowExecution


class Workflow(Identified, Model):
    """A definition. `version` counts its changes; the nodes of older versions stay for older runs."""

    __tablename__ = "workflows"

    namespace: Mapped[str] = mapped_column(default="default", server_default="default")
    key: Mapped[str | None]
    """The name under which an engine registers it, unique in the namespace; None: nobody registers it again."""
    version: Mapped[int] = mapped_column(default=1, server_default="1")
    name: Mapped[str]
    description: Mapped[str | None]
    creation_digest: Mapped[bytes | None]
    """A fingerprint of the arguments it was made with, to tell a repetition from a contradiction."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp(), onupdate=func.clock_timestamp())

    nodes: Mapped[list["Node"]] = relationship(
        back_populates="workflow", order_by="Node.id", cascade="save-update, merge", passive_deletes="all"
    )
    """The nodes of all versions."""
    executions: Mapped[list["WorkflowExecution"]] = relationship(
        back_populates="workflow",
        order_by="WorkflowExecution.created_at",
        cascade="save-update, merge",
        passive_deletes="all",
    )

    __table_args__ = (
        CheckConstraint("version >= 1", name="version"),
        CheckConstraint("namespace <> ''", name="namespace"),
        Index("uq_workflows_namespace_key", "namespace", "key", unique=True),
        Index("ix_workflows_created_at_id", "created_at", "id"),
        Index("ix_workflows_namespace_created_at_id", "namespace", "created_at", "id"),
    )
