"""Workflow and its parts."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry

from db.filters import WorkflowExecutionFilter as RunFilter
from db.queries.workflow_execution_stats import stats_of_workflows
from db.queries.workflow_executions import count_runs_of_workflows, runs_of_workflows
from db.queries.workflows import dependencies_of_versions, nodes_of_versions
from db.records import WorkflowRecord
from graphql_api.context import Info
from graphql_api.paging import Connection, page_of
from graphql_api.scalars import JSON
from graphql_api.types.enums import Bucket
from graphql_api.types.filters import WorkflowExecutionFilter, WorkflowExecutionOrder, run_filter, run_order
from graphql_api.types.masked import masked_json
from graphql_api.types.stats import WorkflowExecutionStats

if TYPE_CHECKING:
    from graphql_api.types.workflow_execution import WorkflowExecution

LazyRun = Annotated["WorkflowExecution", strawberry.lazy("graphql_api.types.workflow_execution")]


@strawberry.type
class WorkflowNode:
    """A step of a version of a definition."""

    id: UUID
    key: str
    name: str
    node_type: str | None
    config: JSON | None = masked_json("config")
    retry_config: JSON | None = masked_json("retry_config")


@strawberry.type
class WorkflowDependency:
    """A dependency: the target starts after the source."""

    source_node_id: UUID
    target_node_id: UUID


@strawberry.type
class WorkflowDefinition:
    """One version of a definition."""

    workflow_id: strawberry.Private[UUID]
    version: int

    @strawberry.field
    async def nodes(self, info: Info) -> list[WorkflowNode]:
        """The steps, in the order in which they were defined."""
        return await info.context.load(nodes_of_versions, (self.workflow_id, self.version))

    @strawberry.field
    async def dependencies(self, info: Info) -> list[WorkflowDependency]:
        """What depends on what."""
        return await info.context.load(dependencies_of_versions, (self.workflow_id, self.version))


@strawberry.type(
    description="A definition. `version` counts its changes;"
    " `nodes` and `dependencies` are those of the latest version."
)
class Workflow:
    """A definition; resolved from a WorkflowRecord."""

    id: UUID
    namespace: str
    key: str | None
    version: int
    name: str
    description: str | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def is_type_of(cls, value: object, _info: Any) -> bool:
        """Tell the members of a union apart."""
        return isinstance(value, WorkflowRecord)

    @strawberry.field
    @staticmethod
    async def nodes(parent: strawberry.Parent[WorkflowRecord], info: Info) -> list[WorkflowNode]:
        """The steps of the latest version."""
        return await info.context.load(nodes_of_versions, (parent.id, parent.version))

    @strawberry.field
    @staticmethod
    async def dependencies(parent: strawberry.Parent[WorkflowRecord], info: Info) -> list[WorkflowDependency]:
        """The dependencies of the latest version."""
        return await info.context.load(dependencies_of_versions, (parent.id, parent.version))

    @strawberry.field
    @staticmethod
    async def executions(
        parent: strawberry.Parent[WorkflowRecord],
        info: Info,
        filter: WorkflowExecutionFilter | None = None,  # noqa: A002 - the contract's name
        order_by: WorkflowExecutionOrder | None = None,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[LazyRun]:
        """The runs, newest created first unless ordered otherwise."""
        from graphql_api.types.workflow_execution import run_cursors  # noqa: PLC0415 - the types refer to each other

        where, order = run_filter(filter), run_order(order_by)
        cursors = run_cursors(f"Workflow.executions {parent.id}", order_by)
        page = page_of(cursors, first, after, last, before)
        found = await info.context.load(runs_of_workflows, parent.id, where, order, page)
        return Connection(
            slice=found,
            page=page,
            cursors=cursors,
            count=lambda: info.context.load(count_runs_of_workflows, parent.id, where),
        )

    @strawberry.field
    @staticmethod
    async def stats(
        parent: strawberry.Parent[WorkflowRecord],
        info: Info,
        since: datetime | None = None,
        until: datetime | None = None,
        bucket: Bucket | None = None,
        time_zone: str = "UTC",
    ) -> WorkflowExecutionStats:
        """Counts of the runs by the time they were created, all together and per bucket."""
        where = RunFilter(created_since=since, created_until=until)
        return await info.context.load(stats_of_workflows, parent.id, where, bucket, time_zone)
