"""Following a run and its steps."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any
from uuid import UUID

import strawberry

from db.queries.workflow_executions import namespaces_of_runs
from db.validation import check_integer
from graphql_api.context import Info
from graphql_api.types.filters import WorkflowExecutionFilter, run_filter
from graphql_api.types.node_execution import NodeExecution
from graphql_api.types.workflow_execution import WorkflowExecution


@strawberry.type(
    description="The run as it is now, and the steps changed since the last event, at most 1,000 an event."
)
class WorkflowExecutionChange:
    """One event of a run."""

    workflow_execution: WorkflowExecution
    node_executions: list[NodeExecution]
    revision: int = strawberry.field(description="Where to resume.")
    shared: strawberry.Private[dict[Any, Any]]


@strawberry.type(
    description="The first event is empty: watching, fetch now (as a later empty one, when changes may be missing)."
    " removedIds: changed runs that no longer match, or are gone."
)
class WorkflowExecutionsChange:
    """One event of a list of runs."""

    changed: list[WorkflowExecution]
    removed_ids: list[UUID]
    shared: strawberry.Private[dict[Any, Any]]


@strawberry.type
class WorkflowExecutionSubscriptions:
    """What can be followed of runs."""

    @strawberry.subscription
    async def workflow_execution_changed(
        self,
        info: Info,
        id: UUID,  # noqa: A002 - the contract's name
        after: int = 0,
    ) -> AsyncGenerator[WorkflowExecutionChange, None]:
        """What changed after a revision, then what changes, coalesced; the last event is the final state."""
        check_integer(after, "after", at_least=0)
        await info.context.check_run(id)
        async with info.context.feeds.run(id) as feed, aclosing(feed.follow(after)) as news:
            async for changes in news:
                yield WorkflowExecutionChange(
                    workflow_execution=changes.run,  # type: ignore[arg-type]
                    node_executions=changes.steps,  # type: ignore[arg-type]
                    revision=changes.revision,
                    shared=changes.shared,
                )

    @strawberry.subscription
    async def workflow_executions_changed(
        self,
        info: Info,
        filter: WorkflowExecutionFilter | None = None,  # noqa: A002 - the contract's name
    ) -> AsyncGenerator[WorkflowExecutionsChange, None]:
        """Which runs of a filtered list changed, coalesced, and which left it."""
        where = run_filter(filter, info.context)
        async with info.context.feeds.run_list(where) as feed, aclosing(feed.follow()) as news:
            async for change in news:
                removed, gone = await _left(info, change.removed)
                if change.changed or removed or not change.removed:
                    yield WorkflowExecutionsChange(
                        changed=change.changed,  # type: ignore[arg-type]
                        removed_ids=removed,
                        shared=change.shared,
                    )
                if gone:
                    yield WorkflowExecutionsChange(changed=[], removed_ids=[], shared={})


async def _left(info: Info, runs: list[UUID]) -> tuple[list[UUID], bool]:
    """Those of the runs that left a list that the caller may know of, and whether there are others that are gone.

    Nobody knows any more in which namespace a run was that is gone, so who is limited to some is told to look.
    """
    access = info.context.access
    if access.namespaces is None or not runs:
        return runs, False
    async with info.context.database.reader() as reader:
        namespaces = await namespaces_of_runs(reader, runs)
    return [run_id for run_id in runs if namespaces.get(run_id) in access.namespaces], len(namespaces) < len(runs)
