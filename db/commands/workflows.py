"""Making definitions."""

from collections.abc import Sequence
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from db.definition import dependency_order
from db.errors import InvalidInputError
from db.models import Edge, Node, Workflow
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
    """Make a new definition, version 1, and give its id.

    Raises:
        InvalidInputError: a value is not acceptable, keys repeat, or the dependencies form a cycle.
    """
    check_name(namespace, "namespace")
    check_name(name, "name")
    check_message(description, "description", may_be_empty=True)
    check_definition(nodes, dependencies)
    id = id or uuid7()  # noqa: A001
    row = {"id": id, "namespace": namespace, "name": name, "description": description, "version": 1}
    await session.execute(insert(Workflow), row)
    await _insert_definition(session, id, 1, nodes, dependencies)
    return id


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
    ids = {node.key: uuid7() for node in nodes}  # ids ascend, so that nodes keep their order
    if nodes:
        await session.execute(
            insert(Node),
            [
                {
                    "id": ids[node.key],
                    "workflow_id": workflow_id,
                    "version": version,
                    "key": node.key,
                    "name": node.key if node.name is None else node.name,
                    "node_type": node.node_type,
                    "config": node.config,
                    "retry_config": node.retry_config,
                }
                for node in nodes
            ],
        )
    if dependencies:
        await session.execute(
            insert(Edge),
            [{"source_node_id": ids[edge.source_key], "target_node_id": ids[edge.target_key]} for edge in dependencies],
        )
