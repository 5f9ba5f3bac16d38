"""The feed of a run's log: a thousand followers cost about one read of each new entry.

A follower that is behind reads the table with its own filter until it has caught up. From then on it takes new
entries from the feed of its run, which reads each once, keeps the latest for those who come a moment later, and
leaves the rest of the filter to the follower. One that falls behind what is kept reads the table again: being slow
costs it time, and nobody memory.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from itertools import takewhile
from typing import Final, NamedTuple
from uuid import UUID

import orjson

from db.database import Database
from db.errors import NotFoundError
from db.feeds.delivery import Delivery
from db.feeds.feed import Feed
from db.feeds.once import Once
from db.filters import ExecutionLogFilter
from db.queries.following import LogTail, log_tail
from db.records import ExecutionLogRecord

MAX_ENTRIES: Final = 2_000
"""Entries that a feed keeps."""
MAX_CHARACTERS: Final = 4_194_304
"""Characters of messages and data that a feed keeps."""
PAUSE_PER_FOLLOWER: Final = 0.0001
"""Seconds: a thousand followers are woken at most ten times a second, so that delivering leaves time for the rest."""
MAX_TAILS: Final = 256
"""Selections of what is kept, of different filters and places, that are kept for others with the same ones."""
_END: Final = 2**31 - 1
"""A sequence after which there is nothing."""


class Kept(NamedTuple):
    """An entry, and how many characters it takes."""

    entry: ExecutionLogRecord
    size: int


class LogFeed(Feed):
    """The latest entries of one followed run, and how the run stands."""

    def __init__(
        self, database: Database, delivery: Delivery, run_id: UUID, where: ExecutionLogFilter, grace: float
    ) -> None:
        """Prepare.

        Args:
            database: where to read.
            delivery: what to count in.
            run_id: the run.
            where: of a follower; its search is that of all of them: what case is, only the database knows.
            grace: seconds of quiet after its end that make the log complete.
        """
        super().__init__(database, delivery)
        self._run_id = run_id
        self._where = ExecutionLogFilter(search=where.search, masked=where.masked if where.search else None)
        self._grace = grace
        self._kept: deque[Kept] = deque()
        self._characters = 0
        self._low = self._high = -1  # what is kept are the entries after `low`, up to `high`
        self._stands: LogTail | None = None
        self._tails: dict[tuple[ExecutionLogFilter, int, int], LogTail] = {}
        self._catching_up: Once[LogTail | None] = Once()
        self._quiet: asyncio.TimerHandle | None = None

    async def follow(
        self, where: ExecutionLogFilter, after: int, limit: int
    ) -> AsyncGenerator[tuple[LogTail, bool], None]:
        """What comes after a sequence, at most `limit` entries at a time, each with whether it is the end.

        Followers with the same filter at the same place get the same object.

        Raises:
            NotFoundError: there is no such run, or it was deleted meanwhile.
        """
        version, written = self.version, 0
        tail = await self._fresh(where, after, limit)
        while True:
            if tail is None:
                raise NotFoundError("Workflow execution", self._run_id)
            quiet = tail.quiet_seconds >= self._grace and tail.written >= written
            complete = tail.ended and not tail.has_more and quiet
            if complete or tail.last_sequence > after:
                after, written = tail.last_sequence, tail.written
                yield tail, complete
            if complete:
                return
            if not tail.has_more:
                await self.changed(version)
            version = self.version
            tail = await self._tail(where, after, limit)

    def end(self) -> None:
        """Let go of everything: nobody follows any more."""
        super().end()
        if self._quiet is not None:
            self._quiet.cancel()

    def pause(self) -> float:
        """The more followers are to be woken, the longer; none while more is known to be there."""
        more = self._stands is not None and self._stands.has_more
        return 0.0 if more else self.followers * PAUSE_PER_FOLLOWER

    def forget(self) -> None:
        """Forget the entries, and what was made of them."""
        self._kept.clear()
        self._tails.clear()
        self._characters = 0
        self._low = self._high

    async def read(self) -> None:
        """Read what is new."""
        first = self._high < 0
        after, limit = (_END, 1) if first else (self._high, MAX_ENTRIES)
        tail = await self._read_after(after, limit)
        self._tails.clear()
        if first and self._high >= 0:
            self.tell()  # a follower caught up meanwhile: read on from where it was
            return
        if tail is not None and not first:
            for entry in tail.entries:
                self._keep(entry)
            self._high = tail.last_sequence
            self._drop_surplus()
        self._stand(tail)
        if tail is not None and tail.has_more:
            self.tell()

    async def _read_after(self, after: int, limit: int) -> LogTail | None:
        async with self._database.reader() as reader:
            return await log_tail(reader, self._run_id, self._where, after, limit)

    def _stand(self, tail: LogTail | None) -> None:
        """Remember how the run stands, and look again when its log may be complete."""
        self._stands = tail
        if tail is None:
            self._low = self._high = max(self._high, 0)
            return
        if self._high < 0:
            self._low = self._high = tail.written
        if self._quiet is not None:
            self._quiet.cancel()
            self._quiet = None
        if tail.ended and tail.quiet_seconds < self._grace:
            # That the log is complete has to be read: a hint of a last entry may have been lost.
            wait = self._grace - tail.quiet_seconds
            self._quiet = asyncio.get_running_loop().call_later(wait, self.tell)

    def _keep(self, entry: ExecutionLogRecord) -> None:
        size = len(entry.message) + (0 if entry.data is None else len(orjson.dumps(entry.data)))
        self._kept.append(Kept(entry, size))
        self._characters += size

    def _drop_surplus(self) -> None:
        while len(self._kept) > MAX_ENTRIES or self._characters > MAX_CHARACTERS:
            dropped = self._kept.popleft()
            self._characters -= dropped.size
            self._low = dropped.entry.sequence

    async def _fresh(self, where: ExecutionLogFilter, after: int, limit: int) -> LogTail | None:
        """What there is for a follower who comes, read after it came if it may be the end."""
        read = self._catching_up
        tail, joined = await read.do((self.version, where, after, limit), lambda: self._catch_up(where, after, limit))
        return await self._catch_up(where, after, limit) if joined and tail is not None and tail.ended else tail

    async def _tail(self, where: ExecutionLogFilter, after: int, limit: int) -> LogTail | None:
        """What there is for a follower who is under way."""
        if self._low < 0 or after < self._low:
            key = (self.version, where, after, limit)
            work = self._catching_up.do
            tail, _ = await self.patiently(lambda: work(key, lambda: self._catch_up(where, after, limit)))
            return tail
        if self._stands is None:
            return None
        key_of_kept = (where, after, limit)
        kept = self._tails.get(key_of_kept)
        if kept is None:
            if len(self._tails) >= MAX_TAILS:
                self._tails.clear()
            kept = self._tails[key_of_kept] = self._select(self._stands, where, after, limit)
        return kept

    def _select(self, stands: LogTail, where: ExecutionLogFilter, after: int, limit: int) -> LogTail:
        newest_first = takewhile(lambda kept: kept.entry.sequence > after, reversed(self._kept))
        entries = [kept.entry for kept in newest_first]
        entries.reverse()
        reached = entries[limit - 1].sequence if len(entries) > limit else max(self._high, after)
        return LogTail(
            [entry for entry in entries[:limit] if where.matches(entry)],
            reached,
            reached < self._high or stands.has_more,
            stands.ended,
            stands.quiet_seconds,
            stands.written,
        )

    async def _catch_up(self, where: ExecutionLogFilter, after: int, limit: int) -> LogTail | None:
        self._delivery.catch_ups += 1
        async with self._database.reader() as reader:
            tail = await log_tail(reader, self._run_id, where, after, limit)
        if tail is not None and not tail.has_more:
            if self._high < 0:
                self._stand(tail)  # the first to catch up: from here on entries are kept
            elif tail.ended and not (self._stands is not None and self._stands.ended):
                self.tell()  # a hint was lost
        return tail
