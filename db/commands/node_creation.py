"""Making steps: those that an engine makes up, and those of a definition."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, any_, bindparam, select, text
from uuid_utils.compat import uuid7

from db.commands.counters import take_revisions
from db.commands.locks import LockedRun, lock_run
from db.definition import dependency_order
from db.digest import digest
from db.errors import InvalidInputError, InvalidTransitionError
from db.json import write_json
from db.models import Edge, Node, NodeExecution
from db.state_machine import RUN_STATUSES_FOR_NEW_STEPS
from db.transaction import Transaction, touch
from db.validation import check_batch, check_integer, check_json, check_name


class NewStep(Protocol):
    """A step to be made: of a node, or with a name of its own."""

    id: UUID | None
    node_id: UUID | None
    name: str | None
    key: str | None
    parent_id: UUID | None
    execution_order: int
    input_data: Any


async def create_node_executions(session: Transaction, run_id: UUID, steps: Sequence[NewStep]) -> list[UUID]:
    """Make PENDING steps in a PENDING or RUNNING run, all or none, and give their ids in order.

    A step whose `id` or `key` is there already, with the same arguments, is what is there.

    Raises:
        NotFoundError: no such run.
        InvalidTransitionError: the run has ended, and not all of the steps are there.
        InvalidInputError: a value is not acceptable; the path names the step.
    """
    check_batch(steps, "node_executions")
    _check_each(steps)
    run = await lock_run(session, run_id)
    there = await _find(session, run_id, steps)
    ids: list[UUID] = []
    made: dict[UUID, NewStep] = {}
    for step in steps:
        known = there.get(step.id) or there.get(step.key)
        step_id = uuid7() if known is None and step.id is None else _same(known, step, run_id)
        ids.append(step_id)
        if known is None:
            made[step_id] = step
    if made and run.status not in RUN_STATUSES_FOR_NEW_STEPS:
        raise InvalidTransitionError(
            f"Cannot create node executions: the execution is in status {run.status.value}",
            id=run.id,
            from_=run.status,
            attempted="create",
            allowed=RUN_STATUSES_FOR_NEW_STEPS,
        )
    await _check_nodes(session, run, steps)
    await _check_parents(session, run_id, steps, made)
    if made:
        await _insert(session, run_id, made)
    return ids


def _check_each(steps: Sequence[NewStep]) -> None:
    ids: set[UUID] = set()
    keys: set[str] = set()
    for place, step in enumerate(steps):
        path = f"node_executions[{place}]"
        if step.node_id is None and step.name is None:
            raise InvalidInputError(path, "needs a node or a name")
        try:
            check_name(step.name, "name")
            check_name(step.key, "key")
            check_integer(step.execution_order, "execution_order", at_least=0)
            check_json(step.input_data, "input_data")
            if step.id in ids:
                raise InvalidInputError("id", "is used twice in this call")
            if step.key in keys:
                raise InvalidInputError("key", "is used twice in this call")
        except InvalidInputError as error:
            raise error.within(path) from None
        if step.id is not None:
            ids.add(step.id)
        if step.key is not None:
            keys.add(step.key)


async def _check_nodes(session: Transaction, run: LockedRun, steps: Sequence[NewStep]) -> None:
    asked = {step.node_id for step in steps if step.node_id is not None}
    if not asked:
        return
    parameters = {"ids": list(asked), "workflow": run.workflow_id, "version": run.workflow_version}
    found = set((await session.execute(_NODES_AMONG, parameters)).scalars())
    for place, step in enumerate(steps):
        if step.node_id is not None and step.node_id not in found:
            raise InvalidInputError(
                f"node_executions[{place}].node_id",
                f"{step.node_id} is no node of version {run.workflow_version} of the run's workflow",
            )


_NODES = select(Node.id).where(Node.workflow_id == bindparam("workflow"), Node.version == bindparam("version"))
_NODES_AMONG = _NODES.where(Node.id == any_(bindparam("ids", type_=ARRAY(Uuid()))))


async def _find(session: Transaction, run_id: UUID, steps: Sequence[NewStep]) -> dict[UUID | str | None, Any]:
    """The steps that are there already, by id and by key."""
    ids = [step.id for step in steps if step.id is not None]
    keys = [step.key for step in steps if step.key is not None]
    if not ids and not keys:
        return {}
    rows = (await session.execute(_FIND, {"run": run_id, "ids": ids, "keys": keys})).all()
    found: dict[UUID | str | None, Any] = {row.id: row for row in rows}
    found.update({row.key: row for row in rows if row.key is not None and row.workflow_execution_id == run_id})
    return found


_FIND = text(
    """
    SELECT id, key, workflow_execution_id, creation_digest FROM node_executions
    WHERE id = ANY(CAST(:ids AS uuid[]))
    UNION
    SELECT id, key, workflow_execution_id, creation_digest FROM node_executions
    WHERE workflow_execution_id = :run AND key = ANY(CAST(:keys AS text[]))
    """
)


def _same(known: Any, step: NewStep, run_id: UUID) -> UUID:
    """The id of the step; refuse if what is there was made with other arguments."""
    if known is None:
        assert step.id is not None
        return step.id
    if step.id is not None and (known.id != step.id or known.workflow_execution_id != run_id):
        field = "id" if known.id == step.id else "key"
        raise InvalidInputError(field, f"node execution {known.id} exists, with other arguments")
    if known.creation_digest != _digest(step):
        field = "key" if step.id is None else "id"
        raise InvalidInputError(field, f"node execution {known.id} exists, with other arguments")
    found: UUID = known.id
    return found


def _digest(step: NewStep) -> bytes:
    return digest([step.node_id, step.name, step.key, step.parent_id, step.execution_order, step.input_data])


async def _check_parents(
    session: Transaction, run_id: UUID, steps: Sequence[NewStep], made: dict[UUID, NewStep]
) -> None:
    asked = {step.parent_id for step in steps if step.parent_id is not None}
    if not asked:
        return
    parameters = {"ids": list(asked - made.keys()), "run": run_id}
    found = set((await session.execute(_STEPS_AMONG, parameters)).scalars()) | made.keys()
    for place, step in enumerate(steps):
        if step.parent_id is not None and step.parent_id not in found:
            raise InvalidInputError(f"node_executions[{place}].parent_id", f"{step.parent_id} is no step of this run")
    inside = [(step.parent_id, step_id) for step_id, step in made.items() if step.parent_id in made]
    dependency_order(list(made), inside, field="node_executions")


_STEPS_AMONG = select(NodeExecution.id).where(
    NodeExecution.id == any_(bindparam("ids", type_=ARRAY(Uuid()))),
    NodeExecution.workflow_execution_id == bindparam("run"),
)


async def _insert(session: Transaction, run_id: UUID, made: dict[UUID, NewStep]) -> None:
    last = await take_revisions(session, run_id, len(made))
    steps = list(made.values())
    parameters = {
        "run": run_id,
        "before": last - len(made),
        "ids": list(made),
        "nodes": [step.node_id for step in steps],
        "parents": [step.parent_id for step in steps],
        "keys": [step.key for step in steps],
        "names": [step.name for step in steps],
        "orders": [step.execution_order for step in steps],
        "inputs": [None if step.input_data is None else write_json(step.input_data) for step in steps],
        "digests": [_digest(step) for step in steps],
    }
    await session.execute(_INSERT, parameters)
    touch(session, run_id)


_INSERT = text(
    """
    INSERT INTO node_executions (id, workflow_execution_id, node_id, parent_id, key, name, execution_order,
        input_data, creation_digest, status, revision)
    SELECT id, :run, node_id, parent_id, key, name, execution_order,
        CAST(input_data AS jsonb), digest, 'pending', :before + place
    FROM unnest(CAST(:ids AS uuid[]), CAST(:nodes AS uuid[]), CAST(:parents AS uuid[]), CAST(:keys AS text[]),
        CAST(:names AS text[]), CAST(:orders AS integer[]), CAST(:inputs AS text[]), CAST(:digests AS bytea[]))
        WITH ORDINALITY AS step (id, node_id, parent_id, key, name, execution_order, input_data, digest, place)
    """
)


class _StepOfNode(NamedTuple):
    """A step for a node of the definition."""

    node_id: UUID
    execution_order: int
    id: UUID | None = None
    name: str | None = None
    key: str | None = None
    parent_id: UUID | None = None
    input_data: Any = None


async def insert_steps_of_definition(session: Transaction, run_id: UUID, workflow_id: UUID, version: int) -> None:
    """Make one PENDING step for each node of a version, numbered from 1 in dependency order."""
    parameters = {"workflow": workflow_id, "version": version}
    nodes = (await session.execute(_NODES_IN_ORDER, parameters)).scalars().all()
    edges = (await session.execute(_EDGES, parameters)).all()
    ordered = dependency_order(nodes, [tuple(edge) for edge in edges], field="dependencies")
    steps = {uuid7(): _StepOfNode(node_id, place) for place, node_id in enumerate(ordered, start=1)}
    if steps:
        await _insert(session, run_id, steps)  # type: ignore[arg-type]


_NODES_IN_ORDER = _NODES.order_by(Node.id)
_EDGES = (
    select(Edge.source_node_id, Edge.target_node_id)
    .join(Node, Node.id == Edge.source_node_id)
    .where(Node.workflow_id == bindparam("workflow"), Node.version == bindparam("version"))
)
