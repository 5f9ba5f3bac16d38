"""A feed: reads what is new about one thing, once for all who follow it."""

import asyncio
import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import TypeVar

from db.availability import is_unavailable
from db.database import Database
from db.feeds.delivery import Delivery

T = TypeVar("T")

logger = logging.getLogger("execgraph.feeds")

MAX_BACKOFF_SECONDS = 2.0
KEEP_SECONDS = 5.0
"""How long after a read what it gave is kept for those who are slower; then they read the table."""


class Feed(ABC):
    """Is told that there may be more, reads it when it is due, and wakes the followers when it is there.

    A follower takes what there is for its position, remembers the `version` at which it looked, and waits for the
    next one: `await feed.changed(version)`. So nothing that comes in between is missed.
    """

    def __init__(self, database: Database, delivery: Delivery) -> None:
        self.followers = 0
        self.version = 0
        """Counts the reads, so that a follower knows whether there was one since it looked."""
        self._database = database
        self._delivery = delivery
        self._told_at: float | None = None
        self._due_at = 0.0
        self._reading: asyncio.Task[None] | None = None
        self._waiting: set[asyncio.Future[None]] = set()
        self._error: Exception | None = None
        self._forgetting: asyncio.TimerHandle | None = None

    def tell(self) -> None:
        """Say that there may be more; must not block."""
        if self._told_at is None:
            self._told_at = time.monotonic()
        if self._reading is None:
            self._reading = asyncio.create_task(self._read_when_due())

    async def begin(self) -> None:  # noqa: B027 - most are ready as they are
        """Be ready for a follower; raises what makes that impossible."""

    def end(self) -> None:
        """Let go of everything: nobody follows any more."""
        for pending in (self._reading, self._forgetting):
            if pending is not None:
                pending.cancel()

    async def changed(self, version: int) -> None:
        """Wait until there was a read after a version.

        Raises:
            Exception: whatever makes reading impossible, other than a database that is away for a while.
        """
        if self.version == version:
            woken = asyncio.get_running_loop().create_future()
            self._waiting.add(woken)
            try:
                await woken
            finally:
                self._waiting.discard(woken)
        if self._error is not None:
            raise self._error

    @abstractmethod
    async def read(self) -> None:
        """Read what is new. `tell` may be called meanwhile, and then it is read again."""

    @abstractmethod
    def pause(self) -> float:
        """Seconds between a read and the next one."""

    @abstractmethod
    def forget(self) -> None:
        """Forget what is kept for those who are slow."""

    async def patiently(self, read: Callable[[], Awaitable[T]]) -> T:
        """Read for a follower that is under way: a database that is away for a while delays it and nothing more."""
        failures = 0
        while True:
            try:
                return await read()
            except Exception as error:
                if not is_unavailable(error):
                    raise
                failures += 1
                logger.warning("a follower waits for the database: %s", type(error).__name__)
                await asyncio.sleep(_backoff(failures))

    async def _read_when_due(self) -> None:
        loop, failures = asyncio.get_running_loop(), 0
        try:
            while self._told_at is not None:
                if (wait := self._due_at - loop.time()) > 0:
                    await asyncio.sleep(wait)
                told_at, self._told_at = self._told_at, None  # told again from here on, it reads again
                try:
                    await self.read()
                except Exception as error:
                    self._told_at = told_at
                    failures += 1
                    if not is_unavailable(error):
                        self._told_at, self._error = None, error
                        self._wake()
                        return
                    logger.warning("cannot read what is new: %s", type(error).__name__)
                    self._due_at = loop.time() + _backoff(failures)
                    continue
                failures, self._error = 0, None
                self._due_at = loop.time() + self.pause()
                self._delivery.record(self.followers, time.monotonic() - told_at)
                self._wake()
        finally:
            self._reading = None

    def _wake(self) -> None:
        self.version += 1
        if self._forgetting is not None:
            self._forgetting.cancel()
        self._forgetting = asyncio.get_running_loop().call_later(KEEP_SECONDS, self.forget)
        waiting, self._waiting = self._waiting, set()
        for woken in waiting:
            if not woken.done():
                woken.set_result(None)


def _backoff(failures: int) -> float:
    return float(min(0.05 * 2**failures, MAX_BACKOFF_SECONDS))
