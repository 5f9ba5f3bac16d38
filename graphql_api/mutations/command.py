"""How a mutation runs a command: in one transaction, once for each idempotency key, and read back in the same one."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID

from db.commands.idempotency import Call, once
from db.digest import digest
from db.errors import ExecgraphError, NotFoundError
from db.queries.node_executions import steps_by_id
from db.queries.workflow_executions import runs_by_id
from db.queries.workflows import workflows_by_id
from db.reader import Reader
from db.scope import limit_scope, scope, sees
from db.transaction import Transaction
from db.validation import check_text
from graphql_api.context import Info
from graphql_api.mutations.audit import audit
from graphql_api.types.results import refusal

MAX_KEY_LENGTH = 255

Work = Callable[[Transaction], Awaitable[Any]]
"""Does the work and gives what is remembered of it: an id, or a JSON value."""
Present = Callable[[Reader, Any], Awaitable[Any]]
"""Makes of what is remembered what the client gets, from the state as it is now."""


async def run(info: Info, key: str | None, arguments: Any, work: Work, present: Present) -> Any:
    """Do the work once for each key, and give what `present` makes of it, or the typed refusal.

    Args:
        info: of the mutation.
        key: the idempotency key, if any.
        arguments: the coerced arguments, which a repetition has to share.
        work: what to do.
        present: how to answer.
    """
    try:
        check_text(key, "idempotency_key", limit=MAX_KEY_LENGTH)
        access = info.context.access
        call = None if key is None else _call(access.caller, info.field_name, key, arguments)

        async def transaction(session: Transaction) -> Any:
            limit_scope(session, access.namespaces)
            result = await (work(session) if call is None else once(session, call, lambda: work(session)))
            return await present(await session.reader(), result)

        result = await info.context.database.run_command(transaction)
    except ExecgraphError as error:
        return refusal(error)
    audit(access, info.field_name, result)
    return result


def _call(caller: str, mutation: str, key: str, arguments: Any) -> Call | None:
    try:
        return Call(caller, mutation, key, digest(arguments))
    except TypeError:  # they hold what cannot be stored, which the work refuses
        return None


def _entity(what: str, read: Callable[[Reader, Sequence[UUID]], Awaitable[Sequence[Any]]]) -> Present:
    async def present(reader: Reader, id: str) -> Any:  # noqa: A002
        (found,) = await seen(reader, await read(reader, [UUID(id)]))
        if found is None:
            raise NotFoundError(what, UUID(id))
        return found

    return present


async def seen(reader: Reader, records: Sequence[Any]) -> list[Any]:
    """The records, and None for those that lie in namespaces that do not exist for the transaction."""
    if scope(reader) is None:
        return list(records)
    steps = [record for record in records if record is not None and not hasattr(record, "namespace")]
    runs = await runs_by_id(reader, [step.workflow_execution_id for step in steps]) if steps else []
    namespaces = {step.id: run.namespace for step, run in zip(steps, runs, strict=True) if run is not None}
    return [
        None
        if record is None or not sees(reader, getattr(record, "namespace", None) or namespaces[record.id])
        else record
        for record in records
    ]


workflow = _entity("Workflow", workflows_by_id)
"""Answer with the definition as it is now."""
workflow_execution = _entity("Workflow execution", runs_by_id)
"""Answer with the run as it is now."""
node_execution = _entity("Node execution", steps_by_id)
"""Answer with the step as it is now."""


def giving_id(command: Callable[[Transaction], Awaitable[UUID]]) -> Work:
    """Remember the id that a command gives."""

    async def work(session: Transaction) -> str:
        return str(await command(session))

    return work


def of_id(id: UUID, command: Callable[[Transaction], Awaitable[None]]) -> Work:  # noqa: A002
    """Remember the id that a command works on."""

    async def work(session: Transaction) -> str:
        await command(session)
        return str(id)

    return work
