"""Who follows something just now: the one place where every subscription, over whatever transport, begins and ends."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any

from graphql_api.errors import TooManyError

if TYPE_CHECKING:
    from graphql_api.context import Context


class Subscriber:
    """One subscription under way."""

    def __init__(self, context: "Context") -> None:
        self.context = context
        self.ended_by: Exception | None = None
        """Why it was ended from outside."""
        self.task = asyncio.current_task()

    def end(self, reason: Exception) -> None:
        """End the subscription with an error that its client is told."""
        assert self.task is not None
        self.ended_by = reason
        self.task.cancel()


class Subscribers:
    """All subscriptions of the process; iterating gives those under way."""

    def __init__(self, limit: int, limit_of_caller: int) -> None:
        """Prepare.

        Args:
            limit: how many may be under way at a time.
            limit_of_caller: how many of them of one caller.
        """
        self.refused = 0
        """How many were too many, since the process began."""
        self._limit = limit
        self._limit_of_caller = limit_of_caller
        self._of_caller: Counter[str] = Counter()
        self._active: dict[asyncio.Task[Any] | None, Subscriber] = {}

    def __len__(self) -> int:
        return len(self._active)

    def __iter__(self) -> Iterator[Subscriber]:
        return iter(tuple(self._active.values()))

    def has(self, task: "asyncio.Task[Any]") -> bool:
        """Whether a task delivers a subscription."""
        return task in self._active

    def admit(self, context: "Context") -> AbstractContextManager[Subscriber]:
        """Count a subscription as long as the block lasts that is entered with this, in the task that delivers it.

        Raises:
            TooManyError: there are too many.
        """
        if len(self._active) >= self._limit:
            self.refused += 1
            raise TooManyError(f"The server has {self._limit} subscriptions, as many as it may; try again later")
        caller = context.access.caller
        if caller and self._of_caller[caller] >= self._limit_of_caller:
            self.refused += 1
            raise TooManyError(f"At most {self._limit_of_caller} subscriptions at a time of one caller")
        return self._counted(Subscriber(context))

    @contextmanager
    def _counted(self, subscriber: Subscriber) -> Iterator[Subscriber]:
        caller = subscriber.context.access.caller
        self._active[subscriber.task] = subscriber
        self._of_caller[caller] += 1
        try:
            yield subscriber
        finally:
            del self._active[subscriber.task]
            self._of_caller[caller] -= 1
            if not self._of_caller[caller]:
                del self._of_caller[caller]
