"""WorkflowExecution: a run."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry

from db.paging import Position
from db.queries.node_executions import count_steps_of_runs, steps_by_id, steps_of_runs
from db.queries.workflow_executions import RunOrder, log_counts_of_runs, runs_by_id, status_counts_of_runs
from db.queries.workflows import workflows_by_id
from db.records import NodeExecutionRecord, WorkflowExecutionRecord
from graphql_api.context import Info
from graphql_api.paging import MAX_LONG_PAGE_SIZE, Connection, Cursors, page_of
from graphql_api.scalars import JSON
from graphql_api.types.counts import LogCounts, NodeStatusCounts
from graphql_api.types.enums import ExecutionStatus, OrderDirection, TriggerType
from graphql_api.types.execution_log import ExecutionLogConnection, log_connection
from graphql_api.types.filters import ExecutionLogFilter, NodeExecutionFilter, WorkflowExecutionOrder, step_filter
from graphql_api.types.masked import masked_json, masked_text
from graphql_api.types.workflow import Workflow, WorkflowDefinition

if TYPE_CHECKING:
    from graphql_api.types.node_execution import NodeExecution

LazyStep = Annotated["NodeExecution", strawberry.lazy("graphql_api.types.node_execution")]


@strawberry.type
class WorkflowExecution:
    """A run; resolved from a WorkflowExecutionRecord."""

    id: UUID
    namespace: str
    status: ExecutionStatus
    trigger_type: TriggerType
    workflow_id: UUID
    workflow_version: int
    revision: int = strawberry.field(description="Counts the changes of the run and its steps, in commit order.")
    input_data: JSON | None = masked_json("input_data")
    output_data: JSON | None = masked_json("output_data")
    context: JSON | None = masked_json("context")
    metadata_: JSON | None = masked_json("metadata_", name="metadata")
    error_message: str | None = masked_text("error_message")
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    duration_seconds: float | None = strawberry.field(description="Seconds from start to end; null until ended.")

    @classmethod
    def is_type_of(cls, value: object, _info: Any) -> bool:
        """Tell the members of a union apart."""
        return isinstance(value, WorkflowExecutionRecord)

    @strawberry.field
    @staticmethod
    async def workflow(parent: strawberry.Parent[WorkflowExecutionRecord], info: Info) -> Workflow:
        """The definition as it is now."""
        return await info.context.load(workflows_by_id, parent.workflow_id)

    @strawberry.field(description="The definition as it was when the run was created.")
    @staticmethod
    def definition(parent: strawberry.Parent[WorkflowExecutionRecord]) -> WorkflowDefinition:
        """The version that the run is of."""
        return WorkflowDefinition(workflow_id=parent.workflow_id, version=parent.workflow_version)

    @strawberry.field
    @staticmethod
    async def node_executions(
        parent: strawberry.Parent[WorkflowExecutionRecord],
        info: Info,
        filter: NodeExecutionFilter | None = None,  # noqa: A002 - the contract's name
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[LazyStep]:
        """The steps, by execution order."""
        where = step_filter(filter)
        cursors = Cursors(f"nodeExecutions {parent.id}", int, _step_position)
        page = page_of(cursors, first, after, last, before, MAX_LONG_PAGE_SIZE)
        found = await info.context.load(steps_of_runs, parent.id, where, page)
        return Connection(
            slice=found,
            page=page,
            cursors=cursors,
            count=lambda: info.context.load(count_steps_of_runs, parent.id, where),
        )

    @strawberry.field
    @staticmethod
    async def logs(
        parent: strawberry.Parent[WorkflowExecutionRecord],
        info: Info,
        filter: ExecutionLogFilter | None = None,  # noqa: A002 - the contract's name
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> ExecutionLogConnection:
        """The log entries, by sequence."""
        return await log_connection(info, parent.id, None, filter, first, after, last, before)

    @strawberry.field
    @staticmethod
    async def log_counts(parent: strawberry.Parent[WorkflowExecutionRecord], info: Info) -> LogCounts:
        """How many log entries there are of each level."""
        return await info.context.load(log_counts_of_runs, parent.id)

    @strawberry.field
    @staticmethod
    async def node_status_counts(parent: strawberry.Parent[WorkflowExecutionRecord], info: Info) -> NodeStatusCounts:
        """How many steps there are in each status."""
        return await info.context.load(status_counts_of_runs, parent.id)

    @strawberry.field(description="The step of another run that started this one (a sub-workflow), if any.")
    @staticmethod
    async def parent(parent: strawberry.Parent[WorkflowExecutionRecord], info: Info) -> LazyStep | None:
        """The step that started this run."""
        if parent.parent_node_execution_id is None:
            return None
        return await info.context.load(steps_by_id, parent.parent_node_execution_id)

    @strawberry.field(description="The run that this one runs again, if any. A finished run stays finished.")
    @staticmethod
    async def retry_of(
        parent: strawberry.Parent[WorkflowExecutionRecord], info: Info
    ) -> Annotated["WorkflowExecution", strawberry.lazy("graphql_api.types.workflow_execution")] | None:
        """The run that this one runs again."""
        if parent.retry_of_id is None:
            return None
        return await info.context.load(runs_by_id, parent.retry_of_id)


def run_cursors(of: str, order_by: WorkflowExecutionOrder | None) -> Cursors:
    """The cursors of a list of runs in an order."""
    field = RunOrder.CREATED_AT if order_by is None else order_by.field
    direction = OrderDirection.DESC if order_by is None else order_by.direction
    key = timedelta if field is RunOrder.DURATION else datetime
    return Cursors(f"{of} {field.name} {direction.name}", key, _RUN_POSITIONS[field])


def _duration(run: WorkflowExecutionRecord) -> Position:
    if run.started_at is None or run.ended_at is None:
        return None, run.id
    return run.ended_at - run.started_at, run.id


_RUN_POSITIONS = {
    RunOrder.CREATED_AT: lambda run: (run.created_at, run.id),
    RunOrder.STARTED_AT: lambda run: (run.started_at, run.id),
    RunOrder.ENDED_AT: lambda run: (run.ended_at, run.id),
    RunOrder.DURATION: _duration,
}


def _step_position(step: NodeExecutionRecord) -> Position:
    return step.execution_order, step.id
