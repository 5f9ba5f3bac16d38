"""Node and Edge: the steps of one version of a definition, and what depends on what."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, FetchedValue, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship
from uuid_utils.compat import uuid7

from db.models.model import Identified, Model
from db.models.workflow import Workflow


class Node(Identified, Model):
    """One step of one version of a definition. Names may repeat; keys may not."""

    __tablename__ = "nodes"

    workflow_id: Mapped[UUID] = mapped_column(ForeignKey("workflows.id", ondelete="CASCADE"))
    version: Mapped[int] = mapped_column(server_default=FetchedValue())
    """The definition's version; by default the workflow's present one, which a trigger looks up."""
    key: Mapped[str]
    name: Mapped[str]
    node_type: Mapped[str | None]
    config: Mapped[dict[str, Any] | None]
    retry_config: Mapped[dict[str, Any] | None]
    """For instance `{"max_retries": 3, "delay": 1}`, the delay in seconds. Missing max_retries: 0."""

    workflow: Mapped[Workflow] = relationship(back_populates="nodes")

    __table_args__ = (
        UniqueConstraint("workflow_id", "version", "key"),
        CheckConstraint(
            "jsonb_typeof(retry_config) = 'object'"
            " AND coalesce(jsonb_typeof(retry_config -> 'max_retries'), 'number') = 'number'",
            name="retry_config",
        ),
    )

    def __init__(self, **values: Any) -> None:
        values.setdefault("id", uuid7())
        values.setdefault("key", str(values["id"]))
        super().__init__(**values)

    @property
    def max_retries(self) -> int:
        """How often a step of this node may be retried without force."""
        return max_retries(self.retry_config)


def max_retries(retry_config: Mapping[str, Any] | None) -> int:
    """How many retries a retry configuration allows."""
    return int((retry_config or {}).get("max_retries", 0))


class Edge(Model):
    """A dependency: the target starts after the source. Both are of one version; there is no cycle."""

    __tablename__ = "edges"

    source_node_id: Mapped[UUID] = mapped_column(ForeignKey("nodes.id", ondelete="CASCADE"), primary_key=True)
    target_node_id: Mapped[UUID] = mapped_column(ForeignKey("nodes.id", ondelete="CASCADE"), primary_key=True)

    __table_args__ = (
        CheckConstraint("source_node_id <> target_node_id", name="no_self_loop"),
        Index("ix_edges_target_node_id", "target_node_id"),
    )
