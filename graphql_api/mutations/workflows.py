"""Mutations of definitions."""

import strawberry

from db.commands.workflows import create_workflow
from graphql_api.context import Info
from graphql_api.mutations.command import workflow_command
from graphql_api.types.inputs import CreateWorkflowInput
from graphql_api.types.results import WorkflowResult


@strawberry.type
class WorkflowMutations:
    """What engines report of definitions."""

    @strawberry.mutation
    async def create_workflow(self, info: Info, input: CreateWorkflowInput) -> WorkflowResult:  # noqa: A002
        """Make a new definition, with its nodes and their dependencies."""
        return await workflow_command(
            info,
            lambda session: create_workflow(
                session,
                id=input.id,
                namespace=input.namespace,
                name=input.name,
                description=input.description,
                nodes=input.nodes,
                dependencies=input.dependencies,
            ),
        )
