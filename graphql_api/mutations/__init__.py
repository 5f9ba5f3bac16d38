"""The mutation root. Each mutation is one command in one transaction; expected refusals are typed results."""

import strawberry

from graphql_api.mutations.execution_logs import ExecutionLogMutations
from graphql_api.mutations.node_executions import NodeExecutionMutations
from graphql_api.mutations.workflow_executions import WorkflowExecutionMutations
from graphql_api.mutations.workflows import WorkflowMutations


@strawberry.type
class Mutation(WorkflowMutations, WorkflowExecutionMutations, NodeExecutionMutations, ExecutionLogMutations):
    """What engines report."""
