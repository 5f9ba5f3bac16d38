"""Reading definitions."""

from collections.abc import Sequence
from typing import TypeVar
from uuid import UUID

from sqlalchemy import func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from db.filters import WorkflowFilter
from db.models import Edge, Node, Workflow
from db.paging import AnySelect, Order, Page, Slice, paged, sliced
from db.records import WorkflowDependencyRecord, WorkflowNodeRecord, WorkflowRecord
from db.transaction import Executes

T = TypeVar("T", WorkflowNodeRecord, WorkflowDependencyRecord)
Version = tuple[UUID, int]
"""A workflow's id and the number of one of its versions."""

NEWEST_FIRST = Order(Workflow.created_at, Workflow.id, descending=True)

_WORKFLOWS = select(
    Workflow.id,
    Workflow.namespace,
    Workflow.key,
    Workflow.version,
    Workflow.name,
    Workflow.description,
    Workflow.created_at,
    Workflow.updated_at,
)
_NODES = select(
    Node.id, Node.workflow_id, Node.version, Node.key, Node.name, Node.node_type, Node.config, Node.retry_config
)
_DEPENDENCIES = select(Node.workflow_id, Node.version, Edge.source_node_id, Edge.target_node_id).join(
    Node, Node.id == Edge.source_node_id
)


async def workflows_by_id(connection: Executes, ids: Sequence[UUID]) -> list[WorkflowRecord | None]:
    """The definitions with these ids, in their order; None where there is none."""
    rows = await connection.execute(_WORKFLOWS.where(Workflow.id.in_(ids)))
    found = {row.id: WorkflowRecord._make(row) for row in rows}
    return [found.get(id_) for id_ in ids]


async def page_of_workflows(connection: AsyncConnection, where: WorkflowFilter, page: Page) -> Slice[WorkflowRecord]:
    """A page of the definitions, newest first."""
    rows = await connection.execute(paged(_WORKFLOWS.where(*where.conditions()), NEWEST_FIRST, page))
    return sliced([WorkflowRecord._make(row) for row in rows], page)


async def count_workflows(connection: AsyncConnection, where: WorkflowFilter) -> int:
    """The number of definitions."""
    statement = select(func.count()).select_from(Workflow).where(*where.conditions())
    return (await connection.execute(statement)).scalar_one()


async def nodes_by_id(connection: AsyncConnection, ids: Sequence[UUID]) -> list[WorkflowNodeRecord | None]:
    """The nodes with these ids, in their order; None where there is none."""
    rows = await connection.execute(_NODES.where(Node.id.in_(ids)))
    found = {row.id: WorkflowNodeRecord._make(row) for row in rows}
    return [found.get(id_) for id_ in ids]


async def nodes_of_versions(connection: AsyncConnection, versions: Sequence[Version]) -> list[list[WorkflowNodeRecord]]:
    """The nodes of each version, in the order in which they were defined."""
    return await _of_versions(connection, _NODES.order_by(Node.id), versions, WorkflowNodeRecord)


async def dependencies_of_versions(
    connection: AsyncConnection, versions: Sequence[Version]
) -> list[list[WorkflowDependencyRecord]]:
    """The dependencies of each version."""
    statement = _DEPENDENCIES.order_by(Edge.source_node_id, Edge.target_node_id)
    return await _of_versions(connection, statement, versions, WorkflowDependencyRecord)


async def _of_versions(
    connection: AsyncConnection, statement: AnySelect, versions: Sequence[Version], make: type[T]
) -> list[list[T]]:
    rows = await connection.execute(statement.where(tuple_(Node.workflow_id, Node.version).in_(versions)))
    found: dict[Version, list[T]] = {version: [] for version in versions}
    for row in rows:
        found[row.workflow_id, row.version].append(make._make(row))
    return [found[version] for version in versions]
