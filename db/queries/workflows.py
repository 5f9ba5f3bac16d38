"""Reading definitions."""

from collections.abc import Sequence
from typing import TypeVar
from uuid import UUID

from sqlalchemy import ARRAY, Integer, Uuid, and_, bindparam, column, func, select

from db.filters import WorkflowFilter
from db.models import Edge, Node, Workflow
from db.paging import AnySelect, Order, Page, Slice, paged, sliced
from db.queries.per_parent import ById, each_by_id, ids_parameter
from db.reader import Reader
from db.records import WorkflowDependencyRecord, WorkflowNodeRecord, WorkflowRecord, json_text
from db.statement import Statement, shaped

T = TypeVar("T", WorkflowNodeRecord, WorkflowDependencyRecord)
Version = tuple[UUID, int]
"""A workflow's id and the number of one of its versions."""

NEWEST_FIRST = Order(Workflow.created_at, Workflow.id, descending=True)

WORKFLOWS = select(
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
    Node.id,
    Node.workflow_id,
    Node.version,
    Node.key,
    Node.name,
    Node.node_type,
    json_text(Node.config),
    json_text(Node.retry_config),
)
_DEPENDENCIES = select(Node.workflow_id, Node.version, Edge.source_node_id, Edge.target_node_id).join(
    Node, Node.id == Edge.source_node_id
)


_WORKFLOWS_BY_ID = ById(WORKFLOWS, Workflow.id)
_NODES_BY_ID = ById(_NODES, Node.id)
_VERSIONS = (
    func.unnest(ids_parameter(), bindparam("versions", type_=ARRAY(Integer())))
    .table_valued(column("workflow_id", Uuid()), column("version", Integer()))
    .render_derived(name="of")
)
_OF_VERSIONS = and_(Node.workflow_id == _VERSIONS.c.workflow_id, Node.version == _VERSIONS.c.version)
_NODES_OF_VERSIONS = Statement(_NODES.join(_VERSIONS, _OF_VERSIONS).order_by(Node.id))
_DEPENDENCIES_OF_VERSIONS = Statement(
    _DEPENDENCIES.join(_VERSIONS, _OF_VERSIONS).order_by(Edge.source_node_id, Edge.target_node_id)
)


@shaped
def _page(where: WorkflowFilter, page: Page) -> AnySelect:
    return paged(WORKFLOWS.where(*where.conditions()), NEWEST_FIRST, page)


@shaped
def _count(where: WorkflowFilter) -> AnySelect:
    return select(func.count().label("count_")).select_from(Workflow).where(*where.conditions())


async def workflows_by_id(reader: Reader, ids: Sequence[UUID]) -> list[WorkflowRecord | None]:
    """The definitions with these ids, in their order; None where there is none."""
    return await each_by_id(reader, _WORKFLOWS_BY_ID, ids, WorkflowRecord)


async def page_of_workflows(reader: Reader, where: WorkflowFilter, page: Page) -> Slice[WorkflowRecord]:
    """A page of the definitions, newest first."""
    return sliced(await reader.rows(_page(where, page), {**where.values, **page.values}, WorkflowRecord), page)


async def count_workflows(reader: Reader, where: WorkflowFilter) -> int:
    """The number of definitions."""
    number: int = await reader.value(_count(where), where.values)
    return number


async def counts_of_workflows(reader: Reader, filters: Sequence[WorkflowFilter]) -> list[int]:
    """The number of definitions that each filter selects."""
    return [await count_workflows(reader, where) for where in filters]


async def nodes_by_id(reader: Reader, ids: Sequence[UUID]) -> list[WorkflowNodeRecord | None]:
    """The nodes with these ids, in their order; None where there is none."""
    return await each_by_id(reader, _NODES_BY_ID, ids, WorkflowNodeRecord)


async def nodes_of_versions(reader: Reader, versions: Sequence[Version]) -> list[list[WorkflowNodeRecord]]:
    """The nodes of each version, in the order in which they were defined."""
    return await _of_versions(reader, _NODES_OF_VERSIONS, versions, WorkflowNodeRecord)


async def dependencies_of_versions(reader: Reader, versions: Sequence[Version]) -> list[list[WorkflowDependencyRecord]]:
    """The dependencies of each version."""
    return await _of_versions(reader, _DEPENDENCIES_OF_VERSIONS, versions, WorkflowDependencyRecord)


async def _of_versions(
    reader: Reader, statement: Statement, versions: Sequence[Version], record: type[T]
) -> list[list[T]]:
    found: dict[Version, list[T]] = {version: [] for version in versions}
    values = {"ids": [id_ for id_, _ in found], "versions": [number for _, number in found]}
    for row in await reader.rows(statement, values, record):
        found[row["workflow_id"], row["version"]].append(row)
    return [found[version] for version in versions]
