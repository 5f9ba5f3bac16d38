"""WorkflowExecution: a run."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry

from db.paging import Position
from db.queries.node_executions import count_steps_of_runs, steps_by_id, steps_of_runs
from db.queries.workflow_executions import RunOrder, log_counts_of_runs, runs_by_id, status_counts_of_runs
from db.queries.workflows import workflows_by_id
from db.records import NodeExecutionRecord, RunOfRow, WorkflowExecutionRecord
from graphql_api.connections import Asked, Connection, Count, connections
from graphql_api.context import Info, if_any
from graphql_api.executor import batched, by_class, reads
from graphql_api.paging import MAX_LONG_PAGE_SIZE, Cursors
from graphql_api.scalars import JSON
from graphql_api.types.counts import LogCounts, NodeStatusCounts
from graphql_api.types.enums import ExecutionStatus, OrderDirection, TriggerType
from graphql_api.types.execution_log import ExecutionLogConnection, log_connections
from graphql_api.types.filters import ExecutionLogFilter, NodeExecutionFilter, WorkflowExecutionOrder, step_filter
from graphql_api.types.masked import masked_json, masked_text
from graphql_api.types.workflow import Workflow, WorkflowDefinition

if TYPE_CHECKING:
    from graphql_api.types.node_execution import NodeExecution

LazyStep = Annotated["NodeExecution", strawberry.lazy("graphql_api.types.node_execution")]
LazyRun = Annotated["WorkflowExecution", strawberry.lazy("graphql_api.types.workflow_execution")]


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
    @by_class
    def is_type_of(cls, value: object, _info: Any) -> bool:
        """Tell the members of a union apart."""
        return isinstance(value, WorkflowExecutionRecord | RunOfRow)

    @strawberry.field
    @reads("workflow_id", "joined_workflow")
    @batched
    @staticmethod
    async def workflow(runs: Sequence[WorkflowExecutionRecord], info: Info) -> list[Workflow]:
        """The definition as it is now."""
        return await info.context.load(workflows_by_id, [run.workflow_id for run in runs])

    @strawberry.field(description="The definition as it was when the run was created.")
    @staticmethod
    @reads("workflow_id", "workflow_version")
    def definition(parent: strawberry.Parent[WorkflowExecutionRecord]) -> WorkflowDefinition:
        """The version that the run is of."""
        return WorkflowDefinition(workflow_id=parent.workflow_id, version=parent.workflow_version)

    @strawberry.field
    @batched
    @staticmethod
    async def node_executions(
        runs: Sequence[WorkflowExecutionRecord],
        info: Info,
        filter: NodeExecutionFilter | None = None,  # noqa: A002 - the contract's name
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> list[Connection[LazyStep]]:
        """The steps, by execution order."""
        where = step_filter(filter)
        lists = [
            (
                run.id,
                Cursors(("nodeExecutions", run.id), int, _step_position),
                Count(count_steps_of_runs, run.id, (where,)),
            )
            for run in runs
        ]
        asked = Asked(first, after, last, before, MAX_LONG_PAGE_SIZE)
        return await connections(info, asked, lists, steps_of_runs, (where,))

    @strawberry.field
    @batched
    @staticmethod
    async def logs(
        runs: Sequence[WorkflowExecutionRecord],
        info: Info,
        filter: ExecutionLogFilter | None = None,  # noqa: A002 - the contract's name
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> list[ExecutionLogConnection]:
        """The log entries, by sequence."""
        asked = Asked(first, after, last, before, MAX_LONG_PAGE_SIZE)
        return await log_connections(info, [(run.id, None) for run in runs], filter, asked)

    @strawberry.field
    @reads("joined_log_counts")
    @batched
    @staticmethod
    async def log_counts(runs: Sequence[WorkflowExecutionRecord], info: Info) -> list[LogCounts]:
        """How many log entries there are of each level."""
        return await info.context.load(log_counts_of_runs, [run.id for run in runs])

    @strawberry.field
    @batched
    @staticmethod
    async def node_status_counts(runs: Sequence[WorkflowExecutionRecord], info: Info) -> list[NodeStatusCounts]:
        """How many steps there are in each status."""
        return await info.context.load(status_counts_of_runs, [run.id for run in runs])

    @strawberry.field(description="The step of another run that started this one (a sub-workflow), if any.")
    @reads("parent_node_execution_id")
    @batched
    @staticmethod
    async def parent(runs: Sequence[WorkflowExecutionRecord], info: Info) -> list[LazyStep | None]:
        """The step that started this run."""
        return await if_any(info, steps_by_id, [run.parent_node_execution_id for run in runs])

    @strawberry.field(description="The run that this one runs again, if any. A finished run stays finished.")
    @reads("retry_of_id")
    @batched
    @staticmethod
    async def retry_of(runs: Sequence[WorkflowExecutionRecord], info: Info) -> list[LazyRun | None]:
        """The run that this one runs again."""
        return await if_any(info, runs_by_id, [run.retry_of_id for run in runs])


def run_cursors(of: tuple[object, ...], order_by: WorkflowExecutionOrder | None) -> Cursors:
    """The cursors of a list of runs in an order."""
    field = RunOrder.CREATED_AT if order_by is None else order_by.field
    direction = OrderDirection.DESC if order_by is None else order_by.direction
    key = timedelta if field is RunOrder.DURATION else datetime
    return Cursors((*of, field.name, direction.name), key, _RUN_POSITIONS[field])


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
