"""Mutations of steps."""

from datetime import datetime
from uuid import UUID

import strawberry
from sqlalchemy.ext.asyncio import AsyncSession

from db.commands.node_executions import (
    cancel_node_execution,
    complete_node_execution,
    create_node_executions,
    fail_node_execution,
    retry_node_execution,
    skip_node_execution,
    start_node_execution,
)
from db.queries.node_executions import steps_by_id
from graphql_api.context import Info
from graphql_api.mutations.command import run, step_command
from graphql_api.scalars import JSON
from graphql_api.types.inputs import CreateNodeExecutionInput
from graphql_api.types.results import (
    CreateNodeExecutionsPayload,
    CreateNodeExecutionsResult,
    NodeExecutionResult,
)


@strawberry.type
class NodeExecutionMutations:
    """What engines report of steps."""

    @strawberry.mutation
    async def create_node_executions(
        self, info: Info, workflow_execution_id: UUID, node_executions: list[CreateNodeExecutionInput]
    ) -> CreateNodeExecutionsResult:
        """Make PENDING steps, all or none."""

        async def work(session: AsyncSession) -> CreateNodeExecutionsPayload:
            ids = await create_node_executions(session, workflow_execution_id, node_executions)
            steps = await steps_by_id(await session.connection(), ids)
            return CreateNodeExecutionsPayload(node_executions=steps)  # type: ignore[arg-type]

        return await run(info, work)

    @strawberry.mutation
    async def start_node_execution(
        self,
        info: Info,
        id: UUID,  # noqa: A002 - the contract's name
        input_data: JSON | None = None,
        at: datetime | None = None,
    ) -> NodeExecutionResult:
        """PENDING to RUNNING, in a RUNNING run."""
        return await step_command(
            info, lambda session: start_node_execution(session, id, input_data=input_data, at=at), id
        )

    @strawberry.mutation
    async def complete_node_execution(
        self,
        info: Info,
        id: UUID,  # noqa: A002 - the contract's name
        output_data: JSON | None = None,
        at: datetime | None = None,
    ) -> NodeExecutionResult:
        """RUNNING to COMPLETED."""
        return await step_command(
            info, lambda session: complete_node_execution(session, id, output_data=output_data, at=at), id
        )

    @strawberry.mutation
    async def fail_node_execution(
        self,
        info: Info,
        id: UUID,  # noqa: A002 - the contract's name
        error_message: str,
        at: datetime | None = None,
    ) -> NodeExecutionResult:
        """RUNNING to FAILED."""
        return await step_command(
            info, lambda session: fail_node_execution(session, id, error_message=error_message, at=at), id
        )

    @strawberry.mutation
    async def cancel_node_execution(
        self,
        info: Info,
        id: UUID,  # noqa: A002 - the contract's name
        reason: str | None = None,
        at: datetime | None = None,
    ) -> NodeExecutionResult:
        """PENDING or RUNNING to CANCELLED."""
        return await step_command(info, lambda session: cancel_node_execution(session, id, reason=reason, at=at), id)

    @strawberry.mutation
    async def skip_node_execution(
        self,
        info: Info,
        id: UUID,  # noqa: A002 - the contract's name
        reason: str | None = None,
        at: datetime | None = None,
    ) -> NodeExecutionResult:
        """PENDING to SKIPPED."""
        return await step_command(info, lambda session: skip_node_execution(session, id, reason=reason, at=at), id)

    @strawberry.mutation(description="`force` ignores max_retries, nothing else.")
    async def retry_node_execution(
        self,
        info: Info,
        id: UUID,  # noqa: A002 - the contract's name
        force: bool = False,
    ) -> NodeExecutionResult:
        """FAILED to PENDING, in a RUNNING run; the try that failed is kept."""
        return await step_command(info, lambda session: retry_node_execution(session, id, force=force), id)
