"""Making definitions."""

from collections.abc import Sequence
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from db.definition import dependency_order
from db.digest import digest
from db.errors import InvalidInputError
from db.models import Edge, Node, Workflow
from db.session import mark_changed
from db.validation import check_batch, check_json, check_message, check_name, check_retry_config

MAX_NODES = 10_000
MAX_DEPENDENCIES = 100_000


class NewNode(Protocol):
    """A node of a new definition."""

    key: str
    name: str | None
    node_type: str | None
    config: Any
    retry_config: Any


class NewDependency(Protocol):
    """A dependency of a new definition, by node keys."""

    source_key: str
    target_key: str


async def create_workflow(
    session: AsyncSession,
    *,
    namespace: str,
    name: str,
    id: UUID | None = None,  # noqa: A002
    description: str | None = None,
    nodes: Sequence[NewNode] = (),
    dependencies: Sequence[NewDependency] = (),
) -> UUID:
    """Make a new definition, version 1, and give its id; with a client-made `id`, a repetition gives what is there.

    Raises:
        InvalidInputError: a value is not acceptable, keys repeat, the dependencies form a cycle, or `id` is taken
            by a definition with other arguments.
    """
    check_name(namespace, "namespace")
    check_name(name, "name")
    check_message(description, "description", may_be_empty=True)
    check_definition(nodes, dependencies)
    arguments = _digest(namespace, name, description, nodes, dependencies)
    if id is not None:
        statement = select(Workflow.creation_digest).where(Workflow.id == id)
        there = (await session.execute(statement)).one_or_none()
        if there is not None and there.creation_digest != arguments:
            raise InvalidInputError("id", f"workflow {id} exists, with other arguments")
        if there is not None:
            return id
    id = id or uuid7()  # noqa: A001
    await session.execute(
        insert(Workflow.__table__),  # type: ignore[arg-type]
        {
            "id": id,
            "namespace": namespace,
            "name": name,
            "description": description,
            "version": 1,
            "creation_digest": arguments,
        },
    )
    await _insert_definition(session, id, 1, nodes, dependencies)
    return id


async def register_workflow(
    session: AsyncSession,
    *,
    namespace: str,
    key: str,
    name: str,
    description: str | None = None,
    nodes: Sequence[NewNode] = (),
    dependencies: Sequence[NewDependency] = (),
) -> UUID:
    """Get or create the definition with a key, and give its id.

    An equal definition is what is there; a changed one becomes the next version, and the nodes of the old one
    stay for old runs. The order of nodes and of dependencies makes no difference. Two at once make one version.

    Raises:
        InvalidInputError: a value is not acceptable, keys repeat, or the dependencies form a cycle.
    """
    check_name(namespace, "namespace")
    check_name(key, "key")
    check_name(name, "name")
    check_message(description, "description", may_be_empty=True)
    check_definition(nodes, dependencies)
    arguments = _digest(namespace, name, description, nodes, dependencies)
    values = {"name": name, "description": description, "creation_digest": arguments}
    created = (
        postgresql_insert(Workflow.__table__)  # type: ignore[arg-type]
        .values(id=uuid7(), namespace=namespace, key=key, version=1, **values)
        .on_conflict_do_nothing(index_elements=["namespace", "key"])
        .returning(Workflow.id)
    )
    made: UUID | None = (await session.execute(created)).scalar_one_or_none()
    if made is not None:
        await _insert_definition(session, made, 1, nodes, dependencies)
        return made
    # Whoever else registers waits here, and then finds this version.
    latest = select(Workflow.id, Workflow.version, Workflow.creation_digest).where(
        Workflow.namespace == namespace, Workflow.key == key
    )
    there = (await session.execute(latest.with_for_update(key_share=True))).one()
    if there.creation_digest != arguments:
        version = there.version + 1
        await session.execute(
            update(Workflow.__table__)  # type: ignore[arg-type]
            .where(Workflow.id == there.id)
            .values(version=version, updated_at=func.clock_timestamp(), **values)
        )
        await _insert_definition(session, there.id, version, nodes, dependencies)
    found: UUID = there.id
    return found


def _digest(
    namespace: str,
    name: str,
    description: str | None,
    nodes: Sequence[NewNode],
    dependencies: Sequence[NewDependency],
) -> bytes:
    """The fingerprint of a definition, whatever the order of its parts."""
    steps = {node.key: [_name(node), node.node_type, node.config, node.retry_config] for node in nodes}
    edges = sorted((edge.source_key, edge.target_key) for edge in dependencies)
    return digest([namespace, name, description, steps, edges])


def _name(node: NewNode) -> str:
    return node.key if node.name is None else node.name


def check_definition(nodes: Sequence[NewNode], dependencies: Sequence[NewDependency]) -> None:
    """Refuse a definition that cannot be."""
    if nodes:
        check_batch(nodes, "nodes", limit=MAX_NODES)
    if dependencies:
        check_batch(dependencies, "dependencies", limit=MAX_DEPENDENCIES)
    keys: set[str] = set()
    for place, node in enumerate(nodes):
        path = f"nodes[{place}]"
        check_name(node.key, f"{path}.key")
        check_name(node.name, f"{path}.name")
        check_name(node.node_type, f"{path}.node_type")
        check_json(node.config, f"{path}.config")
        check_retry_config(node.retry_config, f"{path}.retry_config")
        if node.key in keys:
            raise InvalidInputError(f"{path}.key", f"the key {node.key!r} is used twice")
        keys.add(node.key)
    pairs: set[tuple[str, str]] = set()
    for place, dependency in enumerate(dependencies):
        pair = (dependency.source_key, dependency.target_key)
        for field, key in zip(("source_key", "target_key"), pair, strict=True):
            if key not in keys:
                raise InvalidInputError(f"dependencies[{place}].{field}", f"there is no node {key!r}")
        if pair in pairs:
            raise InvalidInputError(f"dependencies[{place}]", "this dependency is listed twice")
        pairs.add(pair)
    dependency_order(
        [node.key for node in nodes],
        [(edge.source_key, edge.target_key) for edge in dependencies],
        field="dependencies",
    )


async def _insert_definition(
    session: AsyncSession,
    workflow_id: UUID,
    version: int,
    nodes: Sequence[NewNode],
    dependencies: Sequence[NewDependency],
) -> None:
    mark_changed(session)
    ids = {node.key: uuid7() for node in nodes}  # ids ascend, so that nodes keep their order
    if nodes:
        await session.execute(
            insert(Node.__table__),  # type: ignore[arg-type]
            [
                {
                    "id": ids[node.key],
                    "workflow_id": workflow_id,
                    "version": version,
                    "key": node.key,
                    "name": _name(node),
                    "node_type": node.node_type,
                    "config": node.config,
                    "retry_config": node.retry_config,
                }
                for node in nodes
            ],
        )
    if dependencies:
        await session.execute(
            insert(Edge.__table__),  # type: ignore[arg-type]
            [{"source_node_id": ids[edge.source_key], "target_node_id": ids[edge.target_key]} for edge in dependencies],
        )
