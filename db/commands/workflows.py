"""Making definitions."""

from collections.abc import Sequence
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import bindparam, select, text
from uuid_utils.compat import uuid7

from db.definition import dependency_order
from db.digest import digest
from db.errors import InvalidInputError
from db.json import write_json
from db.models import Workflow
from db.scope import check_namespace
from db.transaction import Transaction, mark_changed
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
    session: Transaction,
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
    check_namespace(session, namespace)
    check_name(name, "name")
    check_message(description, "description", may_be_empty=True)
    check_definition(nodes, dependencies)
    arguments = _digest(namespace, name, description, nodes, dependencies)
    if id is not None:
        there = (await session.execute(_CREATION, {"id": id})).one_or_none()
        if there is not None and there.creation_digest != arguments:
            raise InvalidInputError("id", f"workflow {id} exists, with other arguments")
        if there is not None:
            return id
    id = id or uuid7()  # noqa: A001
    await session.execute(
        _CREATE,
        {"id": id, "namespace": namespace, "name": name, "description": description, "creation_digest": arguments},
    )
    await _insert_definition(session, id, 1, nodes, dependencies)
    return id


_CREATION = select(Workflow.creation_digest).where(Workflow.id == bindparam("id"))
_CREATE = text(
    """
    INSERT INTO workflows (id, namespace, name, description, version, creation_digest)
    VALUES (:id, :namespace, :name, :description, 1, :creation_digest)
    """
)


async def register_workflow(
    session: Transaction,
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
    check_namespace(session, namespace)
    check_name(key, "key")
    check_name(name, "name")
    check_message(description, "description", may_be_empty=True)
    check_definition(nodes, dependencies)
    arguments = _digest(namespace, name, description, nodes, dependencies)
    values = {"name": name, "description": description, "creation_digest": arguments}
    parameters = {"id": uuid7(), "namespace": namespace, "key": key, **values}
    made: UUID | None = (await session.execute(_REGISTER, parameters)).scalar_one_or_none()
    if made is not None:
        await _insert_definition(session, made, 1, nodes, dependencies)
        return made
    # Whoever else registers waits here, and then finds this version.
    there = (await session.execute(_LATEST, {"namespace": namespace, "key": key})).one()
    if there.creation_digest != arguments:
        version = there.version + 1
        await session.execute(_NEXT_VERSION, {"id": there.id, "version": version, **values})
        await _insert_definition(session, there.id, version, nodes, dependencies)
    found: UUID = there.id
    return found


_REGISTER = text(
    """
    INSERT INTO workflows (id, namespace, key, name, description, version, creation_digest)
    VALUES (:id, :namespace, :key, :name, :description, 1, :creation_digest)
    ON CONFLICT (namespace, key) DO NOTHING RETURNING id
    """
)
_LATEST = text(
    """
    SELECT id, version, creation_digest FROM workflows WHERE namespace = :namespace AND key = :key
    FOR NO KEY UPDATE
    """
)
_NEXT_VERSION = text(
    """
    UPDATE workflows SET name = :name, description = :description, version = :version,
        creation_digest = :creation_digest, updated_at = clock_timestamp()
    WHERE id = :id
    """
)


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
    session: Transaction,
    workflow_id: UUID,
    version: int,
    nodes: Sequence[NewNode],
    dependencies: Sequence[NewDependency],
) -> None:
    mark_changed(session)
    ids = {node.key: uuid7() for node in nodes}  # ids ascend, so that nodes keep their order
    if nodes:
        parameters = {
            "workflow": workflow_id,
            "version": version,
            "ids": list(ids.values()),
            "keys": list(ids),
            "names": [_name(node) for node in nodes],
            "types": [node.node_type for node in nodes],
            "configs": [None if node.config is None else write_json(node.config) for node in nodes],
            "retries": [None if node.retry_config is None else write_json(node.retry_config) for node in nodes],
        }
        await session.execute(_INSERT_NODES, parameters)
    if dependencies:
        sources = [ids[edge.source_key] for edge in dependencies]
        targets = [ids[edge.target_key] for edge in dependencies]
        await session.execute(_INSERT_EDGES, {"sources": sources, "targets": targets})


_INSERT_NODES = text(
    """
    INSERT INTO nodes (id, workflow_id, version, key, name, node_type, config, retry_config)
    SELECT id, :workflow, :version, key, name, type, CAST(config AS jsonb), CAST(retry_config AS jsonb)
    FROM unnest(CAST(:ids AS uuid[]), CAST(:keys AS text[]), CAST(:names AS text[]), CAST(:types AS text[]),
        CAST(:configs AS text[]), CAST(:retries AS text[])) AS node (id, key, name, type, config, retry_config)
    """
)
_INSERT_EDGES = text(
    """
    INSERT INTO edges (source_node_id, target_node_id)
    SELECT * FROM unnest(CAST(:sources AS uuid[]), CAST(:targets AS uuid[]))
    """
)
