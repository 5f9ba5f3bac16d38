"""What mutations give: the entity as it is now, or a refusal that says why."""

from typing import Annotated
from uuid import UUID

import strawberry

from db.errors import ExecgraphError, IdempotencyConflictError, InvalidInputError, InvalidTransitionError, NotFoundError
from graphql_api.names import camel_case_path
from graphql_api.types.enums import ExecutionStatus
from graphql_api.types.node_execution import NodeExecution
from graphql_api.types.workflow import Workflow
from graphql_api.types.workflow_execution import WorkflowExecution


@strawberry.interface
class Error:
    """A refusal."""

    message: str


@strawberry.type
class NotFound(Error):
    """What the call is about does not exist."""

    id: UUID


@strawberry.type
class InvalidTransition(Error):
    """The state machine refuses; `allowed` are the statuses from which the action is allowed."""

    id: UUID
    from_: ExecutionStatus = strawberry.field(name="from")
    attempted: str
    allowed: list[ExecutionStatus]


@strawberry.type
class InvalidInput(Error):
    """A value is not acceptable; `field` is the path to it."""

    field: str


@strawberry.type
class IdempotencyConflict(Error):
    """The key was used before, with other arguments."""

    key: str


@strawberry.type
class CreateNodeExecutionsPayload:
    """The steps, in the order of the input."""

    node_executions: list[NodeExecution]


@strawberry.type
class AppendLogsPayload:
    """The numbers that the entries got."""

    count: int
    first_sequence: int
    last_sequence: int


@strawberry.type
class DeleteWorkflowExecutionPayload:
    """The run that is gone."""

    id: UUID


WorkflowResult = Annotated[Workflow | NotFound | InvalidInput | IdempotencyConflict, strawberry.union("WorkflowResult")]
WorkflowExecutionResult = Annotated[
    WorkflowExecution | NotFound | InvalidTransition | InvalidInput | IdempotencyConflict,
    strawberry.union("WorkflowExecutionResult"),
]
NodeExecutionResult = Annotated[
    NodeExecution | NotFound | InvalidTransition | InvalidInput | IdempotencyConflict,
    strawberry.union("NodeExecutionResult"),
]
CreateNodeExecutionsResult = Annotated[
    CreateNodeExecutionsPayload | NotFound | InvalidTransition | InvalidInput | IdempotencyConflict,
    strawberry.union("CreateNodeExecutionsResult"),
]
AppendLogsResult = Annotated[
    AppendLogsPayload | NotFound | InvalidInput | IdempotencyConflict, strawberry.union("AppendLogsResult")
]
DeleteWorkflowExecutionResult = Annotated[
    DeleteWorkflowExecutionPayload | NotFound | InvalidInput | IdempotencyConflict,
    strawberry.union("DeleteWorkflowExecutionResult"),
]


@strawberry.type(description="One result for each item, in order.")
class TransitionNodeExecutionsPayload:
    """What became of each transition."""

    results: list[NodeExecutionResult]


TransitionNodeExecutionsResult = Annotated[
    TransitionNodeExecutionsPayload | InvalidInput | IdempotencyConflict,
    strawberry.union("TransitionNodeExecutionsResult"),
]

Refusal = NotFound | InvalidTransition | InvalidInput | IdempotencyConflict


def refusal(error: ExecgraphError) -> Refusal:
    """The typed refusal for what `db` raised; raises it again if it is none."""
    match error:
        case NotFoundError():
            return NotFound(message=str(error), id=error.id)
        case InvalidTransitionError():
            return InvalidTransition(
                message=str(error),
                id=error.id,
                from_=error.from_,
                attempted=error.attempted,
                allowed=list(error.allowed),
            )
        case InvalidInputError():
            field = camel_case_path(error.field)
            return InvalidInput(message=f"{field} {error}", field=field)
        case IdempotencyConflictError():
            return IdempotencyConflict(message=str(error), key=error.key)
    raise error
