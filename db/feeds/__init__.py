"""Feeds: what is followed is read once for all who follow it."""

from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import asynccontextmanager
from typing import TypeVar
from uuid import UUID

from db.database import Database
from db.feeds.delivery import Delivery
from db.feeds.feed import Feed
from db.feeds.logs import LogFeed
from db.feeds.run_lists import RunListFeed
from db.feeds.runs import RunFeed
from db.filters import ExecutionLogFilter, WorkflowExecutionFilter
from db.hints import Hints

F = TypeVar("F", bound=Feed)


class Feeds:
    """The feeds of a process: `async with feeds.log(run_id, where) as feed:`, then `feed.follow(...)`."""

    def __init__(self, database: Database, hints: Hints, log_grace_seconds: float) -> None:
        """Prepare.

        Args:
            database: where to read.
            hints: who tells that there may be more.
            log_grace_seconds: how long after a run's end, or its last append if that is later, its log is complete.
        """
        self.delivery = Delivery()
        self._database = database
        self._hints = hints
        self._grace = log_grace_seconds
        self._feeds: dict[Hashable, Feed] = {}

    @asynccontextmanager
    async def log(self, run_id: UUID, where: ExecutionLogFilter) -> AsyncIterator[LogFeed]:
        """The feed of a run's log, for a follower with this filter."""

        def make() -> LogFeed:
            return LogFeed(self._database, self.delivery, run_id, where, self._grace)

        async with self._following(
            (LogFeed, run_id, where.search, where.masked if where.search else None), make, run_id
        ) as feed:
            yield feed

    @asynccontextmanager
    async def run(self, run_id: UUID) -> AsyncIterator[RunFeed]:
        """The feed of a run and its steps."""

        def make() -> RunFeed:
            return RunFeed(self._database, self.delivery, run_id)

        async with self._following((RunFeed, run_id), make, run_id) as feed:
            yield feed

    @asynccontextmanager
    async def run_list(self, where: WorkflowExecutionFilter) -> AsyncIterator[RunListFeed]:
        """The feed of a list of runs."""

        def make() -> RunListFeed:
            return RunListFeed(self._database, self.delivery, self._hints, where)

        async with self._following((RunListFeed, where), make, None) as feed:
            yield feed

    def followers(self, run_id: UUID) -> int:
        """How many follow a run or its log just now."""
        return sum(feed.followers for key, feed in self._feeds.items() if isinstance(key, tuple) and run_id in key)

    @asynccontextmanager
    async def _following(self, key: Hashable, make: Callable[[], F], run_id: UUID | None) -> AsyncIterator[F]:
        feed = self._feeds.get(key)
        if feed is None:
            feed = self._feeds[key] = make()
            if run_id is not None:
                self._hints.add(run_id, feed)
        feed.followers += 1
        self.delivery.followers += 1
        try:
            await feed.begin()
            yield feed  # type: ignore[misc]
        finally:
            feed.followers -= 1
            self.delivery.followers -= 1
            if not feed.followers:
                del self._feeds[key]
                feed.end()
                if run_id is not None:
                    self._hints.remove(run_id, feed)
