"""The role that each field of the schema is for. A field that is not here is for nobody: the schema is refused."""

from collections.abc import Mapping
from typing import Final

from graphql import GraphQLInterfaceType, GraphQLObjectType, GraphQLSchema

from db.enums import Role

VIEWER, ENGINE, ADMIN = Role.VIEWER, Role.ENGINE, Role.ADMIN

FIELDS: Final[Mapping[str, Role]] = {
    "Query.viewer": VIEWER,
    "Query.workflow": VIEWER,
    "Query.workflows": VIEWER,
    "Query.workflowExecution": VIEWER,
    "Query.workflowExecutions": VIEWER,
    "Query.nodeExecution": VIEWER,
    "Query.workflowExecutionStats": VIEWER,
    "Mutation.createWorkflow": ENGINE,
    "Mutation.registerWorkflow": ENGINE,
    "Mutation.createWorkflowExecution": ENGINE,
    "Mutation.startWorkflowExecution": ENGINE,
    "Mutation.completeWorkflowExecution": ENGINE,
    "Mutation.failWorkflowExecution": ENGINE,
    "Mutation.cancelWorkflowExecution": ENGINE,
    "Mutation.heartbeat": ENGINE,
    "Mutation.deleteWorkflowExecution": ADMIN,
    "Mutation.createNodeExecutions": ENGINE,
    "Mutation.startNodeExecution": ENGINE,
    "Mutation.completeNodeExecution": ENGINE,
    "Mutation.failNodeExecution": ENGINE,
    "Mutation.cancelNodeExecution": ENGINE,
    "Mutation.skipNodeExecution": ENGINE,
    "Mutation.retryNodeExecution": ENGINE,
    "Mutation.transitionNodeExecutions": ENGINE,
    "Mutation.appendLogs": ENGINE,
    "Subscription.executionLogs": VIEWER,
    "Subscription.workflowExecutionChanged": VIEWER,
    "Subscription.workflowExecutionsChanged": VIEWER,
}
"""The ways in, one by one."""

TYPES: Final[Mapping[str, Role]] = dict.fromkeys(
    (
        "Viewer",
        "Workflow",
        "WorkflowConnection",
        "WorkflowDefinition",
        "WorkflowDependency",
        "WorkflowEdge",
        "WorkflowNode",
        "WorkflowExecution",
        "WorkflowExecutionConnection",
        "WorkflowExecutionEdge",
        "WorkflowExecutionChange",
        "WorkflowExecutionsChange",
        "WorkflowExecutionStats",
        "StatsBucketSummary",
        "StatsSummary",
        "StatusCount",
        "TriggerCount",
        "NodeExecution",
        "NodeExecutionAttempt",
        "NodeExecutionConnection",
        "NodeExecutionEdge",
        "NodeStatusCounts",
        "ExecutionLog",
        "ExecutionLogBatch",
        "ExecutionLogConnection",
        "ExecutionLogEdge",
        "LogCounts",
        "PageInfo",
        "Error",
        "NotFound",
        "InvalidTransition",
        "InvalidInput",
        "IdempotencyConflict",
        "AppendLogsPayload",
        "CreateNodeExecutionsPayload",
        "DeleteWorkflowExecutionPayload",
        "TransitionNodeExecutionsPayload",
    ),
    VIEWER,
)
"""What is behind them: whoever was let in sees it, secrets masked where the role asks for it."""

INTROSPECTION: Final = VIEWER
"""The role for `__schema`, `__type` and `__typename`."""


class FieldWithoutRoleError(LookupError):
    """A field of the schema has no role, so nobody could be let in or kept out."""

    def __init__(self, field: str) -> None:
        super().__init__(f"{field} has no required role: say in graphql_api/security/roles.py who it is for")


def required_role(type_name: str, field_name: str) -> Role:
    """The role that a field is for.

    Raises:
        FieldWithoutRoleError: it has none.
    """
    if field_name.startswith("__") or type_name.startswith("__"):
        return INTROSPECTION
    role = FIELDS.get(f"{type_name}.{field_name}") or TYPES.get(type_name)
    if role is None:
        raise FieldWithoutRoleError(f"{type_name}.{field_name}")
    return role


def check_roles(schema: GraphQLSchema) -> None:
    """Refuse a schema with a field that has no role.

    Raises:
        FieldWithoutRoleError: as it says.
    """
    for type_ in schema.type_map.values():
        if isinstance(type_, (GraphQLObjectType, GraphQLInterfaceType)):
            for name in type_.fields:
                required_role(type_.name, name)
