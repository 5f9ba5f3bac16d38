"""Mutations of logs."""

from uuid import UUID

import strawberry
from sqlalchemy.ext.asyncio import AsyncSession

from db.commands.execution_logs import append_logs
from graphql_api.context import Info
from graphql_api.mutations.command import run
from graphql_api.types.inputs import LogEntryInput
from graphql_api.types.results import AppendLogsPayload, AppendLogsResult


@strawberry.type
class ExecutionLogMutations:
    """What engines report of logs."""

    @strawberry.mutation
    async def append_logs(
        self, info: Info, workflow_execution_id: UUID, entries: list[LogEntryInput]
    ) -> AppendLogsResult:
        """Append entries, in order and without a gap, all or none; also after the run has ended."""

        async def work(session: AsyncSession) -> AppendLogsPayload:
            first, last = await append_logs(session, workflow_execution_id, entries)
            return AppendLogsPayload(count=len(entries), first_sequence=first, last_sequence=last)

        return await run(info, work)
