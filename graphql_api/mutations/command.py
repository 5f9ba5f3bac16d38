"""How a mutation runs a command: in one transaction, with the entity read back in the same one."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from db.errors import ExecgraphError
from db.queries.node_executions import steps_by_id
from db.queries.workflow_executions import runs_by_id
from db.queries.workflows import workflows_by_id
from graphql_api.context import Info
from graphql_api.types.results import refusal

Work = Callable[[AsyncSession], Awaitable[Any]]
Read = Callable[[AsyncConnection, Sequence[UUID]], Awaitable[Sequence[Any]]]


async def run(info: Info, work: Work) -> Any:
    """Do the work and give what it gives, or the typed refusal."""
    try:
        return await info.context.database.run(work)
    except ExecgraphError as error:
        return refusal(error)


async def _then_read(info: Info, read: Read, command: Work, id: UUID | None) -> Any:  # noqa: A002
    async def work(session: AsyncSession) -> Any:
        made = await command(session)
        return (await read(await session.connection(), [id or made]))[0]

    return await run(info, work)


async def workflow_command(info: Info, command: Work) -> Any:
    """Run a command that gives a definition's id, and give the definition as it is then."""
    return await _then_read(info, workflows_by_id, command, None)


async def run_command(info: Info, command: Work, id: UUID | None = None) -> Any:  # noqa: A002
    """Run a command on a run (or one that gives its id), and give the run as it is then."""
    return await _then_read(info, runs_by_id, command, id)


async def step_command(info: Info, command: Work, id: UUID) -> Any:  # noqa: A002
    """Run a command on a step, and give the step as it is then."""
    return await _then_read(info, steps_by_id, command, id)
