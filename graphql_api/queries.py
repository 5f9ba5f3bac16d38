"""The query root."""

from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry

from db.queries.node_executions import steps_by_id
from db.queries.workflow_execution_stats import stats_of_runs
from db.queries.workflow_executions import counts_of_runs, page_of_runs, runs_by_id
from db.queries.workflows import counts_of_workflows, page_of_workflows, workflows_by_id
from graphql_api.connections import Connection, Count
from graphql_api.context import Info
from graphql_api.paging import Cursors, page_of
from graphql_api.types.enums import Bucket
from graphql_api.types.filters import (
    WorkflowExecutionFilter,
    WorkflowExecutionOrder,
    run_filter,
    run_order,
    workflow_filter,
)
from graphql_api.types.node_execution import NodeExecution
from graphql_api.types.stats import WorkflowExecutionStats
from graphql_api.types.viewer import Viewer, viewer_of
from graphql_api.types.workflow import Workflow
from graphql_api.types.workflow_execution import WorkflowExecution, run_cursors

_WORKFLOW_CURSORS = Cursors(("workflows",), datetime, lambda row: (row.created_at, row.id))


@strawberry.type
class Query:
    """What can be read."""

    @strawberry.field
    def viewer(self, info: Info) -> Viewer:
        """Who asks, and what is open to them: what a dashboard needs to know which buttons to show."""
        return viewer_of(info.context.access)

    @strawberry.field
    async def workflow(self, info: Info, id: UUID) -> Workflow | None:  # noqa: A002 - the contract's name
        """A definition."""
        return await info.context.load_one(workflows_by_id, id)

    @strawberry.field
    async def workflows(
        self,
        info: Info,
        namespaces: list[str] | None = None,
        search: str | None = None,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[Workflow]:
        """The definitions, newest created first."""
        where = workflow_filter(namespaces, search, info.context)
        page = page_of(_WORKFLOW_CURSORS, first, after, last, before)
        async with info.context.reader() as reader:
            found = await page_of_workflows(reader, where, page)
        return Connection(slice=found, page=page, cursors=_WORKFLOW_CURSORS, count=Count(counts_of_workflows, where))

    @strawberry.field
    async def workflow_execution(self, info: Info, id: UUID) -> WorkflowExecution | None:  # noqa: A002
        """A run."""
        return await info.context.load_one(runs_by_id, id)

    @strawberry.field
    async def workflow_executions(
        self,
        info: Info,
        filter: WorkflowExecutionFilter | None = None,  # noqa: A002 - the contract's name
        order_by: WorkflowExecutionOrder | None = None,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[WorkflowExecution]:
        """The runs, newest created first unless ordered otherwise."""
        where, order = run_filter(filter, info.context), run_order(order_by)
        cursors = run_cursors(("workflowExecutions",), order_by)
        page = page_of(cursors, first, after, last, before)
        async with info.context.reader() as reader:
            found = await page_of_runs(reader, where, order, page)
        return Connection(slice=found, page=page, cursors=cursors, count=Count(counts_of_runs, where))

    @strawberry.field
    async def node_execution(self, info: Info, id: UUID) -> NodeExecution | None:  # noqa: A002
        """A step."""
        return await info.context.load_one(steps_by_id, id)

    @strawberry.field
    async def workflow_execution_stats(
        self,
        info: Info,
        filter: WorkflowExecutionFilter | None = None,  # noqa: A002 - the contract's name
        bucket: Bucket | None = None,
        time_zone: str = "UTC",
    ) -> WorkflowExecutionStats:
        """Counts of the runs by the time they were created, all together and per bucket."""
        async with info.context.reader() as reader:
            found: Any = await stats_of_runs(reader, run_filter(filter, info.context), bucket, time_zone)
        return found
