"""Reads shared by all who follow the same log: a thousand followers cost about one read of each new entry.

A follower that is behind reads the table with its own filter until it has caught up. From then on it takes new
entries from the feed of its run, which reads each once, keeps the latest for those who come a moment later, and
leaves the rest of the filter to the follower. One that falls behind what is kept reads the table again: being slow
costs it time, and nobody memory.
"""

import asyncio
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import takewhile
from typing import Final
from uuid import UUID

from db.database import Database
from db.filters import ExecutionLogFilter
from db.hints import Hints, Watch
from db.queries.following import LogTail, log_tail
from db.records import ExecutionLogRecord

MAX_ENTRIES: Final = 2_000
"""Entries that a feed keeps."""
MAX_CHARACTERS: Final = 4_194_304
"""Characters of messages that a feed keeps."""

FeedKey = tuple[UUID, str | None]
"""The run, and the text that is searched for: what case is, only the database knows."""


class Feed:
    """The latest entries of one followed run, and how the run stands."""

    def __init__(self, database: Database, key: FeedKey) -> None:
        self.followers = 0
        self.stale = True
        """Whether the run may have changed since the last read."""
        self._database = database
        self._run_id, search = key
        self._where = ExecutionLogFilter(search=search)
        self._kept: deque[ExecutionLogRecord] = deque()
        self._characters = 0
        self._low = self._high = -1  # what is kept are the entries after `low`, up to `high`
        self._stands: LogTail | None = None
        self._read_at = 0.0
        self._reading: asyncio.Task[None] | None = None

    async def tail(self, where: ExecutionLogFilter, after: int, limit: int, grace: float) -> LogTail | None:
        """At most `limit` entries after a sequence, as `log_tail` gives them; None if there is no such run.

        Args:
            where: the follower's filter.
            after: how far the follower is.
            limit: how many entries it takes at a time.
            grace: seconds of quiet after the end that are to be read, not reckoned.
        """
        if self._low < 0 or after < self._low:
            return await self._catch_up(where, after, limit)
        self._expire(grace)
        while after >= self._high and (self.stale or self._is_being_read()):
            await self._read_once()
        if self._stands is None:
            return None
        if after < self._low:  # what was kept moved on meanwhile
            return await self._catch_up(where, after, limit)
        entries = self._entries_after(after)
        reached = entries[limit - 1].sequence if len(entries) >= limit else max(self._high, after)
        return LogTail(
            [entry for entry in entries[:limit] if where.matches(entry)],
            reached,
            reached < self._high,
            self._stands.ended,
            self._stands.quiet_seconds + time.monotonic() - self._read_at,
        )

    def _expire(self, grace: float) -> None:
        """That the log is complete has to be read: a hint of a last entry may have been lost."""
        if self._stands is not None and self._stands.ended:
            quiet = self._stands.quiet_seconds
            self.stale |= quiet < grace <= quiet + time.monotonic() - self._read_at

    def _entries_after(self, after: int) -> list[ExecutionLogRecord]:
        entries = list(takewhile(lambda entry: entry.sequence > after, reversed(self._kept)))
        entries.reverse()
        return entries

    async def _catch_up(self, where: ExecutionLogFilter, after: int, limit: int) -> LogTail | None:
        async with self._database.read() as connection:
            tail = await log_tail(connection, self._run_id, where, after, limit)
        if tail is not None and not tail.has_more and self._low < 0:
            self._low = self._high = tail.last_sequence  # the first to catch up: from here on entries are kept
        return tail

    async def _read_once(self) -> None:
        """Read what is new; all who ask meanwhile wait for the same read."""
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read())
        await asyncio.shield(self._reading)

    def _is_being_read(self) -> bool:
        return self._reading is not None and not self._reading.done()

    async def _read(self) -> None:
        self.stale = False  # a change from here on makes it stale again
        try:
            async with self._database.read() as connection:
                tail = await log_tail(connection, self._run_id, self._where, self._high, MAX_ENTRIES)
        except BaseException:
            self.stale = True
            raise
        self._stands, self._read_at = tail, time.monotonic()
        if tail is None:
            return
        self.stale = self.stale or tail.has_more
        self._high = tail.last_sequence
        for entry in tail.entries:
            self._kept.append(entry)
            self._characters += len(entry.message)
        while len(self._kept) > MAX_ENTRIES or self._characters > MAX_CHARACTERS:
            dropped = self._kept.popleft()
            self._characters -= len(dropped.message)
            self._low = dropped.sequence


class _Staleness(Watch):
    """Marks a feed stale, before the followers are woken."""

    def __init__(self, feed: Feed) -> None:
        super().__init__()
        self._feed = feed

    def tell(self) -> None:
        self._feed.stale = True


class Feeds:
    """The feeds of a process: `with feeds.follow(run_id, where) as (feed, watch):`."""

    def __init__(self, database: Database, hints: Hints) -> None:
        self._database = database
        self._hints = hints
        self._feeds: dict[FeedKey, tuple[Feed, Watch]] = {}

    @contextmanager
    def follow(self, run_id: UUID, where: ExecutionLogFilter) -> Iterator[tuple[Feed, Watch]]:
        """The feed of a run, and what tells that it may have more."""
        key = (run_id, where.search)
        if key not in self._feeds:
            feed = Feed(self._database, key)
            self._feeds[key] = (feed, _Staleness(feed))
            self._hints.add(run_id, self._feeds[key][1])
        feed, staleness = self._feeds[key]
        feed.followers += 1
        try:
            with self._hints.watch(run_id) as watch:
                yield feed, watch
        finally:
            feed.followers -= 1
            if not feed.followers:
                del self._feeds[key]
                self._hints.remove(run_id, staleness)
