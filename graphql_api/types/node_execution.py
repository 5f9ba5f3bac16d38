"""NodeExecution: a step of a run."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry

from db.queries.node_executions import attempts_of_steps
from db.queries.workflow_executions import (
    child_runs_of_steps,
    count_child_runs_of_steps,
    log_counts_of_steps,
    runs_by_id,
)
from db.queries.workflows import nodes_by_id
from db.records import NodeExecutionRecord
from graphql_api.connections import Asked, Connection, Count, connections
from graphql_api.context import Info, if_any
from graphql_api.executor import batched, by_class, reads
from graphql_api.paging import MAX_LONG_PAGE_SIZE
from graphql_api.scalars import JSON
from graphql_api.types.counts import LogCounts
from graphql_api.types.enums import ExecutionStatus
from graphql_api.types.execution_log import ExecutionLogConnection, log_connections
from graphql_api.types.filters import ExecutionLogFilter, run_filter
from graphql_api.types.masked import masked_json, masked_text
from graphql_api.types.workflow import WorkflowNode
from graphql_api.types.workflow_execution import WorkflowExecution, run_cursors


@strawberry.type
class NodeExecutionAttempt:
    """One try of a step, from its start on."""

    attempt: int
    status: ExecutionStatus
    started_at: datetime | None
    ended_at: datetime | None
    duration_seconds: float | None
    error_message: str | None = masked_text("error_message")


@strawberry.type
class NodeExecution:
    """A step; resolved from a NodeExecutionRecord."""

    id: UUID
    status: ExecutionStatus
    execution_order: int
    workflow_execution_id: UUID
    node_id: UUID | None = strawberry.field(
        description="The step's definition; null for a step that the engine made up while running."
    )
    name: str = strawberry.field(description="Falls back to the node's.")
    key: str | None = strawberry.field(
        description="The engine's own name for this step, unique in the run: how it finds its step again."
    )
    parent_id: UUID | None = strawberry.field(
        description="The step of the same run that this one is part of (a loop, a group, a map)."
    )
    revision: int = strawberry.field(description="The run's revision at this step's last change.")
    input_data: JSON | None = masked_json("input_data")
    output_data: JSON | None = masked_json("output_data")
    error_message: str | None = masked_text("error_message")
    retry_count: int
    can_retry: bool
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    duration_seconds: float | None

    @classmethod
    @by_class
    def is_type_of(cls, value: object, _info: Any) -> bool:
        """Tell the members of a union apart."""
        return isinstance(value, NodeExecutionRecord)

    @strawberry.field
    @batched
    @staticmethod
    async def workflow_execution(steps: Sequence[NodeExecutionRecord], info: Info) -> list[WorkflowExecution]:
        """The run."""
        return await info.context.load(runs_by_id, [step.workflow_execution_id for step in steps])

    @strawberry.field
    @reads("node_id")
    @batched
    @staticmethod
    async def node(steps: Sequence[NodeExecutionRecord], info: Info) -> list[WorkflowNode | None]:
        """The step's definition, if it has one."""
        return await if_any(info, nodes_by_id, [step.node_id for step in steps])

    @strawberry.field
    @batched
    @staticmethod
    async def attempts(steps: Sequence[NodeExecutionRecord], info: Info) -> list[list[NodeExecutionAttempt]]:
        """The tries, the first one first: retrying never erases what happened."""
        return await info.context.load(attempts_of_steps, [step.id for step in steps])

    @strawberry.field
    @batched
    @staticmethod
    async def logs(
        steps: Sequence[NodeExecutionRecord],
        info: Info,
        filter: ExecutionLogFilter | None = None,  # noqa: A002 - the contract's name
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> list[ExecutionLogConnection]:
        """The step's log entries, by sequence."""
        asked = Asked(first, after, last, before, MAX_LONG_PAGE_SIZE)
        owners = [(step["workflow_execution_id"], step["id"]) for step in steps]  # a fifth of what attributes take
        return await log_connections(info, owners, filter, asked)

    @strawberry.field
    @batched
    @staticmethod
    async def log_counts(steps: Sequence[NodeExecutionRecord], info: Info) -> list[LogCounts]:
        """How many log entries there are of each level."""
        return await info.context.load(log_counts_of_steps, [(step.workflow_execution_id, step.id) for step in steps])

    @strawberry.field
    @batched
    @staticmethod
    async def child_executions(
        steps: Sequence[NodeExecutionRecord],
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> list[Connection[WorkflowExecution]]:
        """The runs that this step started, newest created first."""
        where = run_filter(None, info.context)
        lists = [
            (
                step.id,
                run_cursors(("childExecutions", step.id), None),
                Count(count_child_runs_of_steps, step.id, (where,)),
            )
            for step in steps
        ]
        return await connections(info, Asked(first, after, last, before), lists, child_runs_of_steps, (where,))
