"""Mutations of definitions."""

import strawberry

from db.commands.workflows import create_workflow, register_workflow
from graphql_api.context import Info
from graphql_api.mutations.command import giving_id, run, workflow
from graphql_api.types.inputs import CreateWorkflowInput, RegisterWorkflowInput
from graphql_api.types.results import WorkflowResult


@strawberry.type
class WorkflowMutations:
    """What engines report of definitions."""

    @strawberry.mutation
    async def create_workflow(
        self,
        info: Info,
        input: CreateWorkflowInput,  # noqa: A002 - the contract's name
        idempotency_key: str | None = None,
    ) -> WorkflowResult:
        """Make a new definition, with its nodes and their dependencies."""
        work = giving_id(lambda session: create_workflow(session, **vars(input)))
        return await run(info, idempotency_key, input, work, workflow)

    @strawberry.mutation(
        description="Get or create by key: the same definition returns what is there; a changed one becomes the next"
        " version."
    )
    async def register_workflow(
        self,
        info: Info,
        input: RegisterWorkflowInput,  # noqa: A002 - the contract's name
        idempotency_key: str | None = None,
    ) -> WorkflowResult:
        """Get or create a definition by its key."""
        work = giving_id(lambda session: register_workflow(session, **vars(input)))
        return await run(info, idempotency_key, input, work, workflow)
