"""The subscription root. A subscriber is behind in the table, never in a queue: it reads from where it is."""

import strawberry

from graphql_api.subscriptions.execution_logs import ExecutionLogSubscriptions
from graphql_api.subscriptions.workflow_executions import WorkflowExecutionSubscriptions


@strawberry.type
class Subscription(ExecutionLogSubscriptions, WorkflowExecutionSubscriptions):
    """What can be followed live."""
