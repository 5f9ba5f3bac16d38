"""What mutations take. The fields are those that `db.commands` asks of what it is given."""

from datetime import datetime
from uuid import UUID

import strawberry

from graphql_api.bulk_inputs import bulk_input
from graphql_api.scalars import JSON
from graphql_api.types.enums import LogLevel, TriggerType


@strawberry.input
class WorkflowNodeInput:
    """A step of a definition; its name is by default its key."""

    key: str
    name: str | None = None
    node_type: str | None = None
    config: JSON | None = None
    retry_config: JSON | None = strawberry.field(
        default=None, description='For instance {"max_retries": 3, "delay": 1}, the delay in seconds.'
    )


@strawberry.input
class WorkflowDependencyInput:
    """A dependency, by node keys: the target starts after the source."""

    source_key: str
    target_key: str


@strawberry.input
class CreateWorkflowInput:
    """A new definition."""

    id: UUID | None = None
    namespace: str = "default"
    name: str
    description: str | None = None
    nodes: list[WorkflowNodeInput] = strawberry.field(default_factory=list)
    dependencies: list[WorkflowDependencyInput] = strawberry.field(default_factory=list)


@strawberry.input
class RegisterWorkflowInput:
    """A definition with the key under which it is found again."""

    namespace: str = "default"
    key: str
    name: str
    description: str | None = None
    nodes: list[WorkflowNodeInput] = strawberry.field(default_factory=list)
    dependencies: list[WorkflowDependencyInput] = strawberry.field(default_factory=list)


@strawberry.input
class CreateWorkflowExecutionInput:
    """A new run."""

    id: UUID | None = strawberry.field(default=None, description="A version 7 UUID, if the client makes it.")
    workflow_id: UUID
    workflow_version: int | None = strawberry.field(default=None, description="By default the latest.")
    trigger_type: TriggerType
    parent_node_execution_id: UUID | None = None
    retry_of_id: UUID | None = None
    input_data: JSON | None = None
    context: JSON | None = None
    metadata: JSON | None = None
    create_node_executions: bool = strawberry.field(
        default=False,
        description="Also make one PENDING node execution for each node, in dependency order.",
    )


@bulk_input
@strawberry.input(description="A nodeId or a name.")
class CreateNodeExecutionInput:
    """A new step."""

    id: UUID | None = None
    node_id: UUID | None = None
    name: str | None = None
    key: str | None = None
    parent_id: UUID | None = None
    execution_order: int
    input_data: JSON | None = None


@bulk_input
@strawberry.input
class LogEntryInput:
    """A new log entry; by default of now, and of its step's present attempt."""

    level: LogLevel
    message: str
    data: JSON | None = None
    timestamp: datetime | None = None
    node_execution_id: UUID | None = None
    attempt: int | None = None


@bulk_input
@strawberry.input
class StartNodeExecutionInput:
    """PENDING to RUNNING, in a RUNNING run."""

    id: UUID
    input_data: JSON | None = None
    at: datetime | None = None


@bulk_input
@strawberry.input
class CompleteNodeExecutionInput:
    """RUNNING to COMPLETED."""

    id: UUID
    output_data: JSON | None = None
    at: datetime | None = None


@bulk_input
@strawberry.input
class FailNodeExecutionInput:
    """RUNNING to FAILED."""

    id: UUID
    error_message: str
    at: datetime | None = None


@bulk_input
@strawberry.input
class CancelNodeExecutionInput:
    """PENDING or RUNNING to CANCELLED."""

    id: UUID
    reason: str | None = None
    at: datetime | None = None


@bulk_input
@strawberry.input
class SkipNodeExecutionInput:
    """PENDING to SKIPPED."""

    id: UUID
    reason: str | None = None
    at: datetime | None = None


@bulk_input
@strawberry.input
class RetryNodeExecutionInput:
    """FAILED to PENDING, in a RUNNING run."""

    id: UUID
    force: bool = False


@bulk_input
@strawberry.input(one_of=True)
class NodeTransitionInput:
    """One transition of one step."""

    start: StartNodeExecutionInput | None = strawberry.UNSET
    complete: CompleteNodeExecutionInput | None = strawberry.UNSET
    fail: FailNodeExecutionInput | None = strawberry.UNSET
    cancel: CancelNodeExecutionInput | None = strawberry.UNSET
    skip: SkipNodeExecutionInput | None = strawberry.UNSET
    retry: RetryNodeExecutionInput | None = strawberry.UNSET
