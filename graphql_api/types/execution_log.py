"""ExecutionLog and its connection."""

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry

from db.queries.execution_logs import (
    LogSlice,
    count_logs_of_runs,
    count_logs_of_steps,
    logs_of_runs,
    logs_of_steps,
)
from db.queries.node_executions import steps_by_id
from db.queries.workflow_executions import runs_by_id
from db.records import ExecutionLogRecord
from graphql_api.context import Info
from graphql_api.paging import MAX_LONG_PAGE_SIZE, Connection, Cursors, page_of
from graphql_api.scalars import JSON
from graphql_api.types.enums import LogLevel
from graphql_api.types.filters import ExecutionLogFilter, log_filter
from graphql_api.types.masked import masked_json, masked_text

if TYPE_CHECKING:
    from graphql_api.types.node_execution import NodeExecution
    from graphql_api.types.workflow_execution import WorkflowExecution

LazyRun = Annotated["WorkflowExecution", strawberry.lazy("graphql_api.types.workflow_execution")]
LazyStep = Annotated["NodeExecution", strawberry.lazy("graphql_api.types.node_execution")]


@strawberry.type
class ExecutionLog:
    """A log entry; resolved from an ExecutionLogRecord."""

    sequence: int = strawberry.field(description="1, 2, 3, ... within the run, without a gap.")
    level: LogLevel
    message: str = masked_text("message", nullable=False)
    data: JSON | None = masked_json("data")
    timestamp: datetime
    attempt: int | None
    workflow_execution_id: UUID
    node_execution_id: UUID | None

    @strawberry.field
    @staticmethod
    def id(parent: strawberry.Parent[ExecutionLogRecord]) -> strawberry.ID:
        """The run's id and the sequence."""
        return strawberry.ID(f"{parent.workflow_execution_id}:{parent.sequence}")

    @strawberry.field
    @staticmethod
    async def workflow_execution(parent: strawberry.Parent[ExecutionLogRecord], info: Info) -> LazyRun:
        """The run."""
        return await info.context.load(runs_by_id, parent.workflow_execution_id)

    @strawberry.field
    @staticmethod
    async def node_execution(parent: strawberry.Parent[ExecutionLogRecord], info: Info) -> LazyStep | None:
        """The step that wrote it, if any."""
        if parent.node_execution_id is None:
            return None
        return await info.context.load(steps_by_id, parent.node_execution_id)


@strawberry.type
class ExecutionLogConnection(Connection[ExecutionLog]):
    """A page of log entries."""

    slice: strawberry.Private[LogSlice]

    @strawberry.field(description="The run's last sequence when this was read: where a subscription takes over.")
    def last_sequence(self) -> int:
        """Read in the same snapshot as the entries."""
        return self.slice.last_sequence


async def log_connection(
    info: Info,
    run_id: UUID,
    step_id: UUID | None,
    given: ExecutionLogFilter | None,
    first: int | None,
    after: str | None,
    last: int | None,
    before: str | None,
) -> ExecutionLogConnection:
    """The entries of a run, or of one of its steps, by sequence."""
    where = log_filter(given)
    cursors = Cursors(f"logs {run_id} {step_id}", int, lambda row: (row.sequence,), with_id=False)
    page = page_of(cursors, first, after, last, before, MAX_LONG_PAGE_SIZE)
    load = info.context.load
    if step_id is None:
        found = await load(logs_of_runs, run_id, where, page)
        count = partial(load, count_logs_of_runs, run_id, where)
    else:
        found = await load(logs_of_steps, (run_id, step_id), where, page)
        count = partial(load, count_logs_of_steps, (run_id, step_id), where)
    return ExecutionLogConnection(slice=found, page=page, cursors=cursors, count=count)
