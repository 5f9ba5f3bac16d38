"""Following the log of a run."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any
from uuid import UUID

import strawberry

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
    shared: strawberry.Private[dict[Any, Any]]


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
        await info.context.check_run(workflow_execution_id)
        where = log_filter(filter, info.context)
        caught_up = False
        async with (
            info.context.feeds.log(workflow_execution_id, where) as feed,
            aclosing(feed.follow(where, after, MAX_LONG_PAGE_SIZE)) as news,
        ):
            async for tail, complete in news:
                if caught_up and tail.entries:
                    DELIVERY_LAG.observe(tail.quiet_seconds)
                caught_up = not tail.has_more
                yield ExecutionLogBatch(
                    entries=tail.entries,  # type: ignore[arg-type]
                    last_sequence=tail.last_sequence,
                    complete=complete,
                    shared=tail.shared.setdefault(complete, {}),
                )
