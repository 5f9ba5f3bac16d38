"""Mutations of runs."""

from datetime import datetime
from uuid import UUID

import strawberry

from db.commands.workflow_executions import (
    cancel_workflow_execution,
    complete_workflow_execution,
    create_workflow_execution,
    fail_workflow_execution,
    start_workflow_execution,
)
from graphql_api.context import Info
from graphql_api.mutations.command import run_command
from graphql_api.scalars import JSON
from graphql_api.types.inputs import CreateWorkflowExecutionInput
from graphql_api.types.results import WorkflowExecutionResult


@strawberry.type
class WorkflowExecutionMutations:
    """What engines report of runs."""

    @strawberry.mutation
    async def create_workflow_execution(
        self,
        info: Info,
        input: CreateWorkflowExecutionInput,  # noqa: A002 - the contract's name
    ) -> WorkflowExecutionResult:
        """Make a PENDING run."""
        return await run_command(
            info,
            lambda session: create_workflow_execution(
                session,
                id=input.id,
                workflow_id=input.workflow_id,
                workflow_version=input.workflow_version,
                trigger_type=input.trigger_type,
                parent_node_execution_id=input.parent_node_execution_id,
                retry_of_id=input.retry_of_id,
                input_data=input.input_data,
                context=input.context,
                metadata=input.metadata,
                create_node_executions=input.create_node_executions,
            ),
        )

    @strawberry.mutation
    async def start_workflow_execution(
        self,
        info: Info,
        id: UUID,  # noqa: A002 - the contract's name
        at: datetime | None = None,
    ) -> WorkflowExecutionResult:
        """PENDING to RUNNING."""
        return await run_command(info, lambda session: start_workflow_execution(session, id, at=at), id)

    @strawberry.mutation
    async def complete_workflow_execution(
        self,
        info: Info,
        id: UUID,  # noqa: A002 - the contract's name
        output_data: JSON | None = None,
        at: datetime | None = None,
    ) -> WorkflowExecutionResult:
        """RUNNING to COMPLETED. Refused while a step is RUNNING; PENDING steps become SKIPPED."""
        return await run_command(
            info, lambda session: complete_workflow_execution(session, id, output_data=output_data, at=at), id
        )

    @strawberry.mutation
    async def fail_workflow_execution(
        self,
        info: Info,
        id: UUID,  # noqa: A002 - the contract's name
        error_message: str,
        at: datetime | None = None,
    ) -> WorkflowExecutionResult:
        """RUNNING to FAILED; unfinished steps become CANCELLED."""
        return await run_command(
            info, lambda session: fail_workflow_execution(session, id, error_message=error_message, at=at), id
        )

    @strawberry.mutation
    async def cancel_workflow_execution(
        self,
        info: Info,
        id: UUID,  # noqa: A002 - the contract's name
        reason: str | None = None,
        at: datetime | None = None,
    ) -> WorkflowExecutionResult:
        """PENDING or RUNNING to CANCELLED, and unfinished steps with it."""
        return await run_command(info, lambda session: cancel_workflow_execution(session, id, reason=reason, at=at), id)
