"""ExecutionLog and its connection."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry

from db.paging import Position
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
from graphql_api.connections import Asked, Connection, Count, connections
from graphql_api.context import Info, if_any
from graphql_api.executor import batched, reads
from graphql_api.paging import Cursors
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
    @reads("workflow_execution_id")
    def id(parent: strawberry.Parent[ExecutionLogRecord]) -> strawberry.ID:
        """The run's id and the sequence."""
        return strawberry.ID(f"{parent.workflow_execution_id}:{parent.sequence}")

    @strawberry.field
    @reads("workflow_execution_id")
    @batched
    @staticmethod
    async def workflow_execution(entries: Sequence[ExecutionLogRecord], info: Info) -> list[LazyRun]:
        """The run."""
        return await info.context.load(runs_by_id, [entry.workflow_execution_id for entry in entries])

    @strawberry.field
    @reads("node_execution_id")
    @batched
    @staticmethod
    async def node_execution(entries: Sequence[ExecutionLogRecord], info: Info) -> list[LazyStep | None]:
        """The step that wrote it, if any."""
        return await if_any(info, steps_by_id, [entry.node_execution_id for entry in entries])


@strawberry.type
class ExecutionLogConnection(Connection[ExecutionLog]):
    """A page of log entries."""

    slice: strawberry.Private[LogSlice]

    @strawberry.field(description="The run's last sequence when this was read: where a subscription takes over.")
    @reads("last_sequence")
    def last_sequence(self) -> int:
        """Read in the same snapshot as the entries."""
        return self.slice.last_sequence


async def log_connections(
    info: Info, owners: Sequence[tuple[UUID, UUID | None]], given: ExecutionLogFilter | None, asked: Asked
) -> list[ExecutionLogConnection]:
    """The entries of runs, or of steps of runs, by sequence."""
    where = log_filter(given, info.context)
    read: Any
    count: Any
    keys: Sequence[Any]
    if owners[0][1] is None:
        read, count, keys = logs_of_runs, count_logs_of_runs, [run_id for run_id, _ in owners]
    else:
        read, count, keys = logs_of_steps, count_logs_of_steps, owners
    lists = [
        (key, Cursors(("logs", run_id, step_id), int, _position, with_id=False), Count(count, key, (where,)))
        for key, (run_id, step_id) in zip(keys, owners, strict=True)
    ]
    return await connections(info, asked, lists, read, (where,), ExecutionLogConnection)


def _position(entry: ExecutionLogRecord) -> Position:
    return (entry.sequence,)
