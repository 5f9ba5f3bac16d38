"""Mutations of runs."""

from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry

from db.commands.heartbeats import record_heartbeats
from db.commands.workflow_executions import (
    cancel_workflow_execution,
    complete_workflow_execution,
    create_workflow_execution,
    delete_workflow_execution,
    fail_workflow_execution,
    start_workflow_execution,
)
from db.errors import NotFoundError
from db.queries.workflow_executions import runs_by_id
from db.reader import Reader
from db.transaction import Transaction
from graphql_api.context import Info
from graphql_api.mutations.command import giving_id, of_id, run, seen, workflow_execution
from graphql_api.scalars import JSON
from graphql_api.types.inputs import CreateWorkflowExecutionInput
from graphql_api.types.results import (
    DeleteWorkflowExecutionPayload,
    DeleteWorkflowExecutionResult,
    WorkflowExecutionResult,
    refusal,
)


@strawberry.type
class WorkflowExecutionMutations:
    """What engines report of runs."""

    @strawberry.mutation
    async def create_workflow_execution(
        self,
        info: Info,
        input: CreateWorkflowExecutionInput,  # noqa: A002 - the contract's name
        idempotency_key: str | None = None,
    ) -> WorkflowExecutionResult:
        """Make a PENDING run."""
        work = giving_id(lambda session: create_workflow_execution(session, **vars(input)))
        return await run(info, idempotency_key, input, work, workflow_execution)

    @strawberry.mutation
    async def start_workflow_execution(
        self,
        info: Info,
        id: UUID,  # noqa: A002 - the contract's name
        at: datetime | None = None,
        heartbeat_timeout_seconds: int | None = None,
        idempotency_key: str | None = None,
    ) -> WorkflowExecutionResult:
        """PENDING to RUNNING. With a heartbeat timeout, the run fails when nothing is heard of it for so long."""
        work = of_id(
            id,
            lambda session: start_workflow_execution(
                session, id, at=at, heartbeat_timeout_seconds=heartbeat_timeout_seconds
            ),
        )
        return await run(info, idempotency_key, [id, at, heartbeat_timeout_seconds], work, workflow_execution)

    @strawberry.mutation
    async def complete_workflow_execution(
        self,
        info: Info,
        id: UUID,  # noqa: A002 - the contract's name
        output_data: JSON | None = None,
        at: datetime | None = None,
        idempotency_key: str | None = None,
    ) -> WorkflowExecutionResult:
        """RUNNING to COMPLETED. Refused while a step is RUNNING; PENDING steps become SKIPPED."""
        work = of_id(id, lambda session: complete_workflow_execution(session, id, output_data=output_data, at=at))
        return await run(info, idempotency_key, [id, output_data, at], work, workflow_execution)

    @strawberry.mutation
    async def fail_workflow_execution(
        self,
        info: Info,
        id: UUID,  # noqa: A002 - the contract's name
        error_message: str,
        at: datetime | None = None,
        idempotency_key: str | None = None,
    ) -> WorkflowExecutionResult:
        """RUNNING to FAILED; unfinished steps become CANCELLED."""
        work = of_id(id, lambda session: fail_workflow_execution(session, id, error_message=error_message, at=at))
        return await run(info, idempotency_key, [id, error_message, at], work, workflow_execution)

    @strawberry.mutation
    async def cancel_workflow_execution(
        self,
        info: Info,
        id: UUID,  # noqa: A002 - the contract's name
        reason: str | None = None,
        at: datetime | None = None,
        idempotency_key: str | None = None,
    ) -> WorkflowExecutionResult:
        """PENDING or RUNNING to CANCELLED, and unfinished steps with it."""
        work = of_id(id, lambda session: cancel_workflow_execution(session, id, reason=reason, at=at))
        return await run(info, idempotency_key, [id, reason, at], work, workflow_execution)

    @strawberry.mutation(description="Also how an engine learns that a run was cancelled.")
    async def heartbeat(self, info: Info, workflow_execution_ids: list[UUID]) -> list[WorkflowExecutionResult]:
        """Say that the engine of these runs lives."""
        ids = workflow_execution_ids

        async def work(session: Transaction) -> None:
            await record_heartbeats(session, ids)

        async def present(reader: Reader, _: None) -> list[Any]:
            found = await seen(reader, await runs_by_id(reader, ids))
            return [
                refusal(NotFoundError("Workflow execution", id_)) if record is None else record
                for id_, record in zip(ids, found, strict=True)
            ]

        result = await run(info, None, ids, work, present)
        return result if isinstance(result, list) else [result]

    @strawberry.mutation
    async def delete_workflow_execution(
        self,
        info: Info,
        id: UUID,  # noqa: A002 - the contract's name
        idempotency_key: str | None = None,
    ) -> DeleteWorkflowExecutionResult:
        """Remove a run with its steps, attempts and log entries, whatever its state."""
        work = of_id(id, lambda session: delete_workflow_execution(session, id))

        async def present(_: Reader, deleted: str) -> DeleteWorkflowExecutionPayload:
            return DeleteWorkflowExecutionPayload(id=UUID(deleted))

        return await run(info, idempotency_key, id, work, present)
