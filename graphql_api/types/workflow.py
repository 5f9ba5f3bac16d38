"""Workflow and its parts."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry

from db.filters import WorkflowExecutionFilter as RunFilter
from db.queries.workflow_execution_stats import stats_of_workflows
from db.queries.workflow_executions import count_runs_of_workflows, runs_of_workflows
from db.queries.workflows import dependencies_of_versions, nodes_of_versions
from db.records import JoinedWorkflow, WorkflowRecord
from graphql_api.connections import Asked, Connection, Count, connections
from graphql_api.context import Info
from graphql_api.executor import batched, by_class
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
    @batched
    @staticmethod
    async def nodes(versions: Sequence["WorkflowDefinition"], info: Info) -> list[list[WorkflowNode]]:
        """The steps, in the order in which they were defined."""
        return await info.context.load(nodes_of_versions, [(each.workflow_id, each.version) for each in versions])

    @strawberry.field
    @batched
    @staticmethod
    async def dependencies(versions: Sequence["WorkflowDefinition"], info: Info) -> list[list[WorkflowDependency]]:
        """What depends on what."""
        keys = [(each.workflow_id, each.version) for each in versions]
        return await info.context.load(dependencies_of_versions, keys)


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
    @by_class
    def is_type_of(cls, value: object, _info: Any) -> bool:
        """Tell the members of a union apart."""
        return isinstance(value, WorkflowRecord | JoinedWorkflow)

    @strawberry.field
    @batched
    @staticmethod
    async def nodes(workflows: Sequence[WorkflowRecord], info: Info) -> list[list[WorkflowNode]]:
        """The steps of the latest version."""
        return await info.context.load(nodes_of_versions, [(each.id, each.version) for each in workflows])

    @strawberry.field
    @batched
    @staticmethod
    async def dependencies(workflows: Sequence[WorkflowRecord], info: Info) -> list[list[WorkflowDependency]]:
        """The dependencies of the latest version."""
        return await info.context.load(dependencies_of_versions, [(each.id, each.version) for each in workflows])

    @strawberry.field
    @batched
    @staticmethod
    async def executions(
        workflows: Sequence[WorkflowRecord],
        info: Info,
        filter: WorkflowExecutionFilter | None = None,  # noqa: A002 - the contract's name
        order_by: WorkflowExecutionOrder | None = None,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> list[Connection[LazyRun]]:
        """The runs, newest created first unless ordered otherwise."""
        from graphql_api.types.workflow_execution import run_cursors  # noqa: PLC0415 - the types refer to each other

        where, order = run_filter(filter, info.context), run_order(order_by)
        lists = [
            (
                each.id,
                run_cursors(("Workflow.executions", each.id), order_by),
                Count(count_runs_of_workflows, each.id, (where,)),
            )
            for each in workflows
        ]
        asked = Asked(first, after, last, before)
        return await connections(info, asked, lists, runs_of_workflows, (where, order))

    @strawberry.field
    @batched
    @staticmethod
    async def stats(
        workflows: Sequence[WorkflowRecord],
        info: Info,
        since: datetime | None = None,
        until: datetime | None = None,
        bucket: Bucket | None = None,
        time_zone: str = "UTC",
    ) -> list[WorkflowExecutionStats]:
        """Counts of the runs by the time they were created, all together and per bucket."""
        where = RunFilter(created_since=since, created_until=until)
        return await info.context.load(stats_of_workflows, [each.id for each in workflows], where, bucket, time_zone)
