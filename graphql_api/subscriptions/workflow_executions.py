"""Following a run and its steps."""

import asyncio
from collections.abc import AsyncGenerator
from uuid import UUID

import strawberry

from db.errors import NotFoundError
from db.queries.following import run_changes
from db.queries.workflow_executions import matching_runs
from db.validation import check_integer
from graphql_api.context import Info
from graphql_api.types.filters import WorkflowExecutionFilter, run_filter
from graphql_api.types.node_execution import NodeExecution
from graphql_api.types.workflow_execution import WorkflowExecution

STEPS_PER_EVENT = 1_000
RUNS_PER_EVENT = 200
SECONDS_BETWEEN_EVENTS = 0.25


@strawberry.type(
    description="The run as it is now, and the steps changed since the last event, at most 1,000 an event."
)
class WorkflowExecutionChange:
    """One event of a run."""

    workflow_execution: WorkflowExecution
    node_executions: list[NodeExecution]
    revision: int = strawberry.field(description="Where to resume.")


@strawberry.type(
    description="The first event is empty: watching, fetch now (as a later empty one, when changes may be missing)."
    " removedIds: changed runs that no longer match, or are gone."
)
class WorkflowExecutionsChange:
    """One event of a list of runs."""

    changed: list[WorkflowExecution]
    removed_ids: list[UUID]


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
        database, entries = info.context.database, -1
        with info.context.hints.watch(id) as watch:
            while True:
                async with database.read() as connection:
                    changes = await run_changes(connection, id, after, STEPS_PER_EVENT)
                if changes is None:
                    raise NotFoundError("Workflow execution", id)
                if changes.revision > after or changes.last_sequence != entries:
                    after, entries = changes.revision, changes.last_sequence
                    info.context.forget()
                    yield WorkflowExecutionChange(
                        workflow_execution=changes.run,  # type: ignore[arg-type]
                        node_executions=changes.steps,  # type: ignore[arg-type]
                        revision=after,
                    )
                    if not changes.has_more and not changes.ended:
                        await asyncio.sleep(SECONDS_BETWEEN_EVENTS)
                if changes.has_more:
                    continue
                if changes.ended:
                    return
                await watch.changed()

    @strawberry.subscription
    async def workflow_executions_changed(
        self,
        info: Info,
        filter: WorkflowExecutionFilter | None = None,  # noqa: A002 - the contract's name
    ) -> AsyncGenerator[WorkflowExecutionsChange, None]:
        """Which runs of a filtered list changed, coalesced, and which left it."""
        where, database = run_filter(filter), info.context.database
        async with info.context.hints.watch_all() as watch:
            yield WorkflowExecutionsChange(changed=[], removed_ids=[])
            while True:
                runs = await watch.changed()
                if runs is None:
                    yield WorkflowExecutionsChange(changed=[], removed_ids=[])
                for ids in _batches(sorted(runs or ()), RUNS_PER_EVENT):
                    async with database.read() as connection:
                        matching = await matching_runs(connection, ids, where)
                    found = {run.id for run in matching}
                    info.context.forget()
                    yield WorkflowExecutionsChange(
                        changed=matching,  # type: ignore[arg-type]
                        removed_ids=[run_id for run_id in ids if run_id not in found],
                    )
                await asyncio.sleep(SECONDS_BETWEEN_EVENTS)


def _batches(items: list[UUID], size: int) -> list[list[UUID]]:
    return [items[start : start + size] for start in range(0, len(items), size)]
