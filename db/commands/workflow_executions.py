"""Making runs and moving them through their states, their steps with them."""

from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Update, bindparam, insert, select, text, update
from uuid_utils.compat import uuid7

from db.commands.counters import lock_counters, take_revisions
from db.commands.locks import LockedRun, lock_run
from db.commands.node_creation import insert_steps_of_definition
from db.digest import digest
from db.enums import ExecutionStatus, TriggerType
from db.errors import InvalidInputError, NotFoundError
from db.models import NodeExecution, Workflow, WorkflowExecution
from db.scope import sees
from db.state_machine import (
    RUNNING,
    UNFINISHED,
    UNFINISHED_STEPS_BECOME,
    WORKFLOW_EXECUTION,
    Action,
    Decision,
    decide,
    refusal,
)
from db.transaction import Transaction, touch
from db.validation import check_integer, check_json, check_message


async def create_workflow_execution(
    session: Transaction,
    *,
    workflow_id: UUID,
    trigger_type: TriggerType,
    id: UUID | None = None,  # noqa: A002
    workflow_version: int | None = None,
    parent_node_execution_id: UUID | None = None,
    retry_of_id: UUID | None = None,
    input_data: Any = None,
    context: Any = None,
    metadata: Any = None,
    create_node_executions: bool = False,
) -> UUID:
    """Make a PENDING run and give its id; with a client-made `id`, a repetition gives what is there.

    Args:
        session: the transaction to work in.
        workflow_id: the definition.
        trigger_type: what made it begin.
        id: a version 7 UUID, if the client makes it.
        workflow_version: by default the latest.
        parent_node_execution_id: the step of another run that starts this one.
        retry_of_id: the run that this one runs again.
        input_data: any JSON value, as are `context` and `metadata`.
        context: what the run works with.
        metadata: what lists can be filtered by.
        create_node_executions: also make a PENDING step for each node, in dependency order.

    Raises:
        NotFoundError: no such workflow or parent.
        InvalidInputError: a value is not acceptable, or `id` is taken by a run with other arguments.
    """
    check_json(input_data, "input_data")
    check_json(context, "context")
    check_json(metadata, "metadata")
    references = [workflow_id, workflow_version, parent_node_execution_id, retry_of_id]
    arguments = digest([references, trigger_type, input_data, context, metadata, create_node_executions])
    if id is not None and id.version != 7:  # noqa: PLR2004 - the UUID version that the contract asks for
        raise InvalidInputError("id", "must be a version 7 UUID")
    if id is not None and await _is_there(session, id, arguments):
        return id
    version, namespace = await _version_of(session, workflow_id, workflow_version)
    if parent_node_execution_id is not None and not await _exists(session, _STEP, parent_node_execution_id):
        raise NotFoundError("Node execution", parent_node_execution_id)
    if retry_of_id is not None and not await _exists(session, _RUN, retry_of_id):
        raise InvalidInputError("retry_of_id", f"workflow execution {retry_of_id} does not exist")
    id = id or uuid7()  # noqa: A001
    await session.execute(
        _CREATE,
        {
            "id": id,
            "workflow_id": workflow_id,
            "workflow_version": version,
            "namespace": namespace,
            "retry_of_id": retry_of_id,
            "parent_node_execution_id": parent_node_execution_id,
            "trigger_type": trigger_type,
            "input_data": input_data,
            "context": context,
            "metadata": metadata,
            "status": ExecutionStatus.PENDING,
            "revision": 1,
            "creation_digest": arguments,
        },
    )
    touch(session, id)
    if create_node_executions:
        await insert_steps_of_definition(session, id, workflow_id, version)
    return id


_CREATE = insert(WorkflowExecution.__table__).values(  # type: ignore[arg-type]
    {
        name: bindparam(name)
        for name in (
            "id",
            "workflow_id",
            "workflow_version",
            "namespace",
            "retry_of_id",
            "parent_node_execution_id",
            "trigger_type",
            "input_data",
            "context",
            "metadata",
            "status",
            "revision",
            "creation_digest",
        )
    }
)


async def _is_there(session: Transaction, id: UUID, arguments: bytes) -> bool:  # noqa: A002
    row = (await session.execute(_CREATION, {"id": id})).one_or_none()
    if row is not None and row.creation_digest != arguments:
        raise InvalidInputError("id", f"workflow execution {id} exists, with other arguments")
    return row is not None


_CREATION = select(WorkflowExecution.creation_digest).where(WorkflowExecution.id == bindparam("id"))


async def _version_of(session: Transaction, workflow_id: UUID, version: int | None) -> tuple[int, str]:
    row = (await session.execute(_WORKFLOW, {"id": workflow_id})).one_or_none()
    if row is None or not sees(session, row.namespace):
        raise NotFoundError("Workflow", workflow_id)
    check_integer(version, "workflow_version", at_least=1)
    if version is not None and version > row.version:
        raise InvalidInputError("workflow_version", f"the latest version is {row.version}")
    return version or row.version, row.namespace


_WORKFLOW = select(Workflow.version, Workflow.namespace).where(Workflow.id == bindparam("id"))
_RUN = select(WorkflowExecution.namespace).where(WorkflowExecution.id == bindparam("id"))
_STEP = (
    select(WorkflowExecution.namespace)
    .join(NodeExecution, NodeExecution.workflow_execution_id == WorkflowExecution.id)
    .where(NodeExecution.id == bindparam("id"))
)


async def _exists(session: Transaction, statement: Select[Any], id: UUID) -> bool:  # noqa: A002
    row = (await session.execute(statement, {"id": id})).one_or_none()
    return row is not None and sees(session, row.namespace)


async def start_workflow_execution(
    session: Transaction,
    id: UUID,  # noqa: A002
    *,
    at: datetime | None = None,
    heartbeat_timeout_seconds: int | None = None,
) -> None:
    """PENDING to RUNNING.

    Args:
        session: the transaction to work in.
        id: the run.
        at: the engine's time, by default now.
        heartbeat_timeout_seconds: fail the run when nothing is heard of it for so long.

    Raises:
        NotFoundError: no such run.
        InvalidTransitionError: the run is not PENDING.
        InvalidInputError: a value is not acceptable.
    """
    check_integer(heartbeat_timeout_seconds, "heartbeat_timeout_seconds", at_least=1)
    run = await lock_run(session, id)
    decision = decide(WORKFLOW_EXECUTION, Action.START, run, at=at)
    values = {"heartbeat_timeout_seconds": heartbeat_timeout_seconds}
    await _save(session, run, decision, values, await take_revisions(session, id, 1))


async def complete_workflow_execution(
    session: Transaction,
    id: UUID,  # noqa: A002
    *,
    output_data: Any = None,
    at: datetime | None = None,
) -> None:
    """RUNNING to COMPLETED; PENDING steps become SKIPPED, and a RUNNING one is a reason to refuse.

    Raises:
        NotFoundError: no such run.
        InvalidTransitionError: the run is not RUNNING, or one of its steps is.
        InvalidInputError: a value is not acceptable.
    """
    check_json(output_data, "output_data")
    await _finish(session, id, Action.COMPLETE, at, {"output_data": output_data})


async def fail_workflow_execution(
    session: Transaction,
    id: UUID,  # noqa: A002
    *,
    error_message: str,
    at: datetime | None = None,
) -> None:
    """RUNNING to FAILED; unfinished steps become CANCELLED. Raises as `complete_workflow_execution` does."""
    check_message(error_message, "error_message")
    await _finish(session, id, Action.FAIL, at, {"error_message": error_message})


async def cancel_workflow_execution(
    session: Transaction,
    id: UUID,  # noqa: A002
    *,
    reason: str | None = None,
    at: datetime | None = None,
) -> None:
    """PENDING or RUNNING to CANCELLED; unfinished steps with it. Raises as `complete_workflow_execution` does."""
    check_message(reason, "reason", may_be_empty=True)
    await _finish(session, id, Action.CANCEL, at, {"error_message": reason})


async def _finish(
    session: Transaction,
    id: UUID,  # noqa: A002
    action: Action,
    at: datetime | None,
    values: dict[str, Any],
) -> None:
    run = await lock_run(session, id)
    decision = decide(WORKFLOW_EXECUTION, action, run, at=at)
    steps = (await session.execute(_UNFINISHED, {"id": id})).all()
    if action is Action.COMPLETE and (running := [step for step in steps if step.status is RUNNING]):
        because = f"{len(running)} of its steps are running, such as {running[0].id}"
        raise refusal(WORKFLOW_EXECUTION, action, run, because)
    # The run's own revision is the last, so that whoever has seen it has seen the end.
    revision = await take_revisions(session, id, len(steps) + 1)
    if steps:
        parameters = {
            "ids": [step.id for step in steps],
            "status": UNFINISHED_STEPS_BECOME[action].value,
            "at": decision.ended_at,
            "before": revision - len(steps) - 1,
        }
        await session.execute(_FINISH_STEPS, parameters)
    await _save(session, run, decision, values, revision)


_step = NodeExecution.__table__
_UNFINISHED = (
    select(_step.c.id, _step.c.status)
    .where(_step.c.workflow_execution_id == bindparam("id"), _step.c.status.in_(UNFINISHED))
    .order_by(_step.c.id)
    .with_for_update(key_share=True)
)

# A step that an engine's clock started later than the run's end ends no earlier than it began.
_FINISH_STEPS = text(
    """
    UPDATE node_executions SET
        status = :status,
        ended_at = greatest(CAST(:at AS timestamptz), last_transition_at),
        last_transition_at = greatest(CAST(:at AS timestamptz), last_transition_at),
        updated_at = clock_timestamp(),
        revision = :before + step.place
    FROM unnest(CAST(:ids AS uuid[])) WITH ORDINALITY AS step (id, place)
    WHERE node_executions.id = step.id
    """
)


async def _save(
    session: Transaction, run: LockedRun, decision: Decision, values: dict[str, Any], revision: int
) -> None:
    decided = {
        "status": decision.status,
        "started_at": decision.started_at,
        "ended_at": decision.ended_at,
        "last_transition_at": decision.last_transition_at,
        "revision": revision,
        **values,
    }
    await session.execute(_update(tuple(decided)), {"run": run.id, **decided})
    touch(session, run.id)


@cache
def _update(columns: tuple[str, ...]) -> Update:
    table = WorkflowExecution.__table__
    return update(table).where(table.c.id == bindparam("run")).values({name: bindparam(name) for name in columns})  # type: ignore[arg-type]


async def delete_workflow_execution(session: Transaction, id: UUID) -> None:  # noqa: A002
    """Remove a run with its steps, attempts and log entries, whatever its state. Raises NotFoundError.

    The entries, of which there may be millions, go first, while others may still read and even append; the rest
    goes with the run in a moment. Nobody sees the run half gone, and only its own transitions wait.
    """
    await lock_run(session, id)
    await session.execute(_DELETE_ENTRIES, {"id": id})
    await _lock_to_delete(session, id)
    await session.execute(_DELETE, {"id": id})
    touch(session, id)


_DELETE_ENTRIES = text("DELETE FROM execution_logs WHERE workflow_execution_id = :id")
_DELETE = text("DELETE FROM workflow_executions WHERE id = :id")


async def _lock_to_delete(session: Transaction, id: UUID) -> None:  # noqa: A002
    """Take what a deletion takes, in the one order: of the runs that lose a parent by it, too."""
    referring = list((await session.execute(_LOCK_REFERRING, {"id": id})).scalars())
    await session.execute(_LOCK_TO_DELETE, {"id": id})
    await lock_counters(session, [id, *referring])
    for referring_id in referring:
        touch(session, referring_id)


_LOCK_TO_DELETE = _RUN.with_for_update()
_LOCK_REFERRING = text(
    """
    SELECT id FROM workflow_executions WHERE id IN (
        SELECT id FROM workflow_executions WHERE retry_of_id = :id
        UNION
        SELECT child.id FROM workflow_executions AS child
        JOIN node_executions AS step ON step.id = child.parent_node_execution_id
        WHERE step.workflow_execution_id = :id
    )
    ORDER BY id FOR NO KEY UPDATE
    """
)
