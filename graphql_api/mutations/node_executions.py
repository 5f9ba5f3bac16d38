"""Mutations of steps."""

from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry

from db.commands.node_creation import create_node_executions
from db.commands.node_executions import (
    cancel_node_execution,
    complete_node_execution,
    fail_node_execution,
    retry_node_execution,
    skip_node_execution,
    start_node_execution,
)
from db.commands.node_transitions import transition_node_executions
from db.errors import NotFoundError
from db.queries.node_executions import steps_by_id
from db.reader import Reader
from db.transaction import Transaction
from graphql_api.bulk_inputs import BulkArguments
from graphql_api.context import Info
from graphql_api.mutations.audit import audit_transitions
from graphql_api.mutations.command import node_execution, of_id, run, seen
from graphql_api.mutations.outcomes import present_outcomes, read_transition, remember_outcome
from graphql_api.scalars import JSON
from graphql_api.types.inputs import CreateNodeExecutionInput, NodeTransitionInput
from graphql_api.types.results import (
    CreateNodeExecutionsPayload,
    CreateNodeExecutionsResult,
    NodeExecutionResult,
    TransitionNodeExecutionsPayload,
    TransitionNodeExecutionsResult,
)


@strawberry.type
class NodeExecutionMutations:
    """What engines report of steps."""

    @strawberry.mutation(extensions=[BulkArguments()])
    async def create_node_executions(
        self,
        info: Info,
        workflow_execution_id: UUID,
        node_executions: list[CreateNodeExecutionInput],
        idempotency_key: str | None = None,
    ) -> CreateNodeExecutionsResult:
        """Make PENDING steps, all or none."""

        async def work(session: Transaction) -> list[str]:
            ids = await create_node_executions(session, workflow_execution_id, node_executions)
            return [str(id_) for id_ in ids]

        async def present(reader: Reader, ids: list[str]) -> CreateNodeExecutionsPayload:
            steps = [
                step
                for step in await seen(reader, await steps_by_id(reader, [UUID(id_) for id_ in ids]))
                if step is not None
            ]
            if len(steps) < len(ids):
                raise NotFoundError("Workflow execution", workflow_execution_id)
            return CreateNodeExecutionsPayload(node_executions=steps)

        return await run(info, idempotency_key, [workflow_execution_id, node_executions], work, present)

    @strawberry.mutation
    async def start_node_execution(
        self,
        info: Info,
        id: UUID,  # noqa: A002 - the contract's name
        input_data: JSON | None = None,
        at: datetime | None = None,
        idempotency_key: str | None = None,
    ) -> NodeExecutionResult:
        """PENDING to RUNNING, in a RUNNING run."""
        work = of_id(id, lambda session: start_node_execution(session, id, input_data=input_data, at=at))
        return await run(info, idempotency_key, [id, input_data, at], work, node_execution)

    @strawberry.mutation
    async def complete_node_execution(
        self,
        info: Info,
        id: UUID,  # noqa: A002 - the contract's name
        output_data: JSON | None = None,
        at: datetime | None = None,
        idempotency_key: str | None = None,
    ) -> NodeExecutionResult:
        """RUNNING to COMPLETED."""
        work = of_id(id, lambda session: complete_node_execution(session, id, output_data=output_data, at=at))
        return await run(info, idempotency_key, [id, output_data, at], work, node_execution)

    @strawberry.mutation
    async def fail_node_execution(
        self,
        info: Info,
        id: UUID,  # noqa: A002 - the contract's name
        error_message: str,
        at: datetime | None = None,
        idempotency_key: str | None = None,
    ) -> NodeExecutionResult:
        """RUNNING to FAILED."""
        work = of_id(id, lambda session: fail_node_execution(session, id, error_message=error_message, at=at))
        return await run(info, idempotency_key, [id, error_message, at], work, node_execution)

    @strawberry.mutation
    async def cancel_node_execution(
        self,
        info: Info,
        id: UUID,  # noqa: A002 - the contract's name
        reason: str | None = None,
        at: datetime | None = None,
        idempotency_key: str | None = None,
    ) -> NodeExecutionResult:
        """PENDING or RUNNING to CANCELLED."""
        work = of_id(id, lambda session: cancel_node_execution(session, id, reason=reason, at=at))
        return await run(info, idempotency_key, [id, reason, at], work, node_execution)

    @strawberry.mutation
    async def skip_node_execution(
        self,
        info: Info,
        id: UUID,  # noqa: A002 - the contract's name
        reason: str | None = None,
        at: datetime | None = None,
        idempotency_key: str | None = None,
    ) -> NodeExecutionResult:
        """PENDING to SKIPPED."""
        work = of_id(id, lambda session: skip_node_execution(session, id, reason=reason, at=at))
        return await run(info, idempotency_key, [id, reason, at], work, node_execution)

    @strawberry.mutation(description="`force` ignores max_retries, nothing else.")
    async def retry_node_execution(
        self,
        info: Info,
        id: UUID,  # noqa: A002 - the contract's name
        force: bool = False,
        idempotency_key: str | None = None,
    ) -> NodeExecutionResult:
        """FAILED to PENDING, in a RUNNING run; the try that failed is kept."""
        work = of_id(id, lambda session: retry_node_execution(session, id, force=force))
        return await run(info, idempotency_key, [id, force], work, node_execution)

    @strawberry.mutation(extensions=[BulkArguments()])
    async def transition_node_executions(
        self, info: Info, transitions: list[NodeTransitionInput], idempotency_key: str | None = None
    ) -> TransitionNodeExecutionsResult:
        """Do many transitions in order, each for itself; an id may recur."""
        asked = [read_transition(transition) for transition in transitions]

        async def work(session: Transaction) -> list[Any]:
            return [remember_outcome(outcome) for outcome in await transition_node_executions(session, asked)]

        result = await run(info, idempotency_key, asked, work, present_outcomes)
        if isinstance(result, TransitionNodeExecutionsPayload):
            audit_transitions(info.context.access, asked, result.results)
        return result
