"""Mutations of logs."""

from typing import Any
from uuid import UUID

import strawberry

from db.commands.execution_logs import append_logs
from db.reader import Reader
from db.transaction import Transaction
from graphql_api.bulk_inputs import BulkArguments
from graphql_api.context import Info
from graphql_api.mutations.command import run, workflow_execution
from graphql_api.observability.metrics import LOG_ENTRIES
from graphql_api.types.inputs import LogEntryInput
from graphql_api.types.results import AppendLogsPayload, AppendLogsResult


@strawberry.type
class ExecutionLogMutations:
    """What engines report of logs."""

    @strawberry.mutation(extensions=[BulkArguments()])
    async def append_logs(
        self,
        info: Info,
        workflow_execution_id: UUID,
        entries: list[LogEntryInput],
        idempotency_key: str | None = None,
    ) -> AppendLogsResult:
        """Append entries, in order and without a gap, all or none; also after the run has ended."""
        appended_now = False

        async def work(session: Transaction) -> dict[str, Any]:
            nonlocal appended_now
            appended = await append_logs(session, workflow_execution_id, entries)
            appended_now = True
            return {"count": len(entries), **appended._asdict()}

        async def present(reader: Reader, numbers: dict[str, Any]) -> AppendLogsPayload:
            if not appended_now:
                await workflow_execution(reader, str(workflow_execution_id))  # refused if it was deleted since
            return AppendLogsPayload(**numbers)

        result = await run(info, idempotency_key, [workflow_execution_id, entries], work, present)
        if appended_now and isinstance(result, AppendLogsPayload):
            LOG_ENTRIES.inc(result.count)
        return result
