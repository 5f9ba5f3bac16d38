"""Following the log of a run."""

from collections.abc import AsyncGenerator
from uuid import UUID

import strawberry

from db.errors import NotFoundError
from db.validation import check_integer
from graphql_api.context import Info
from graphql_api.observability.metrics import DELIVERY_LAG
from graphql_api.paging import MAX_LONG_PAGE_SIZE
from graphql_api.types.execution_log import ExecutionLog
from graphql_api.types.filters import ExecutionLogFilter, log_filter


@strawberry.type
class ExecutionLogBatch:
    """The next entries of a run's log. `lastSequence` is where to resume, also when a filter hid the last ones."""

    entries: list[ExecutionLog]
    last_sequence: int
    complete: bool = strawberry.field(description="Whether the run has ended and all its entries were delivered.")


@strawberry.type
class ExecutionLogSubscriptions:
    """What can be followed of logs."""

    @strawberry.subscription
    async def execution_logs(
        self,
        info: Info,
        workflow_execution_id: UUID,
        filter: ExecutionLogFilter | None = None,  # noqa: A002 - the contract's name
        after: int = 0,
    ) -> AsyncGenerator[ExecutionLogBatch, None]:
        """Everything after a sequence, then what comes: in order, each entry exactly once."""
        check_integer(after, "after", at_least=0)
        where = log_filter(filter)
        grace = info.context.settings.log_grace_seconds
        with info.context.feeds.follow(workflow_execution_id, where) as (feed, watch):
            caught_up = False
            while True:
                tail = await feed.tail(where, after, MAX_LONG_PAGE_SIZE, grace)
                if tail is None:
                    raise NotFoundError("Workflow execution", workflow_execution_id)
                complete = tail.ended and not tail.has_more and tail.quiet_seconds >= grace
                if complete or tail.last_sequence > after:
                    after = tail.last_sequence
                    if caught_up and tail.entries:
                        DELIVERY_LAG.observe(tail.quiet_seconds)
                    info.context.forget()
                    yield ExecutionLogBatch(entries=tail.entries, last_sequence=after, complete=complete)  # type: ignore[arg-type]
                if complete:
                    return
                caught_up = not tail.has_more
                if caught_up:
                    await watch.changed(grace - tail.quiet_seconds if tail.ended else None)
