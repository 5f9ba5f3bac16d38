"""Hints: who follows a run is told that it changed, in this process at once, in others by NOTIFY.

The table is the truth and a hint only says where to look, so hints carry ids and may be lost. They are sent off the
write path, the first at once and further ones coalesced, because a NOTIFY inside a writing transaction makes all
commits of the database wait for each other. What nobody told of is found by a slow timer, one for all followers.
"""

import asyncio
import contextlib
import logging
import random
from collections.abc import AsyncIterator, Collection, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final, NamedTuple
from uuid import UUID, uuid4

import asyncpg
from sqlalchemy import text

from db.database import Database
from db.errors import HintsUnavailableError
from db.sweep import Sweep

logger = logging.getLogger("execgraph.hints")

CHANNEL: Final = "execgraph"
COALESCE_SECONDS: Final = 0.02
"""How long further hints wait for each other after one was sent."""
RUNS_PER_HINT: Final = 200
"""A payload holds at most 8,000 bytes; an id takes 33 of them."""
CHECK_SECONDS: Final = 15.0
"""How often the listening connection is tried with a round trip."""
ROUND_TRIP_SECONDS: Final = 5.0
SLOW_TIMER_SECONDS: Final = 5.0
"""How often is looked for changes although nobody told of any."""
MAX_UNTOLD_RUNS: Final = 10_000
"""Beyond so many changed runs a follower of all runs is told to read everything anew."""
TIMER_WITHOUT_HINTS_SECONDS: Final = 0.5
"""The same while there are no hints from other processes."""


class Watch:
    """One follower's interest in one run."""

    def __init__(self) -> None:
        self._changed = asyncio.Event()

    def tell(self) -> None:
        """Make the next `changed` return."""
        self._changed.set()

    async def changed(self, within: float | None = None) -> None:
        """Wait until the run may have changed, or for `within` seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                await self._changed.wait()
        # Cleared before the follower reads: a change during its read wakes it again.
        self._changed.clear()


class ListWatch:
    """One follower's interest in all runs."""

    def __init__(self) -> None:
        self._runs: set[UUID] = set()
        self._missed = False
        self._changed = asyncio.Event()

    def tell(self, runs: Iterable[UUID]) -> None:
        """Add to what the next `changed` gives; beyond a bound, only that it was too much."""
        self._runs.update(runs)
        if len(self._runs) > MAX_UNTOLD_RUNS:
            self.tell_missed()
        elif self._runs:
            self._changed.set()

    def tell_missed(self) -> None:
        """Say that there may be changes that nobody knows of."""
        self._runs.clear()
        self._missed = True
        self._changed.set()

    async def changed(self) -> set[UUID] | None:
        """Wait for changes and give the runs that changed; None if some may be missing, so that all is to be read."""
        await self._changed.wait()
        self._changed.clear()
        runs, self._runs = self._runs, set()
        missed, self._missed = self._missed, False
        return None if missed else runs


class Watches(NamedTuple):
    """How many followers there are."""

    runs: int
    of_runs: int
    of_lists: int


class Hints:
    """The one hub of a process: `async with Hints(database) as hints:`, `with hints.watch(run_id) as watch:`."""

    def __init__(self, database: Database) -> None:
        self.listening = False
        """Whether hints of other processes arrive."""
        self._database = database
        self._origin = uuid4().hex
        self._watches: dict[UUID, set[Watch]] = {}
        self._list_watches: set[ListWatch] = set()
        self._sweep = Sweep(database)
        self._sweeping: asyncio.Task[None] | None = None
        self._unsent: set[UUID] = set()
        self._sending: asyncio.Task[None] | None = None
        self._listening: asyncio.Task[None] | None = None
        self._echo = asyncio.Event()

    async def __aenter__(self) -> "Hints":
        self._database.on_change = self.publish
        self._listening = asyncio.create_task(self._listen())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._database.on_change = None
        for task in (self._listening, self._sending, self._sweeping):
            if task is not None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task

    @contextmanager
    def watch(self, run_id: UUID) -> Iterator[Watch]:
        """Be told of the changes of a run."""
        watch = Watch()
        self.add(run_id, watch)
        try:
            yield watch
        finally:
            self.remove(run_id, watch)

    def add(self, run_id: UUID, watch: Watch) -> None:
        """Let a watch be told of the changes of a run."""
        self._watches.setdefault(run_id, set()).add(watch)
        self._begin_sweeping()

    def remove(self, run_id: UUID, watch: Watch) -> None:
        """Let a watch that was added be told no more."""
        watches = self._watches[run_id]
        watches.discard(watch)
        if not watches:
            del self._watches[run_id]

    @asynccontextmanager
    async def watch_all(self) -> AsyncIterator[ListWatch]:
        """Be told of the changes of all runs; of every one that is committed after this is entered."""
        watch = ListWatch()
        if not self._list_watches:
            self._sweep.forget_all()
        self._list_watches.add(watch)
        try:
            # What is found here no later sweep finds again: those who came a moment earlier are to be told.
            self._wake(await self._sweep.changed_of_all())
            self._begin_sweeping()
            yield watch
        finally:
            self._list_watches.discard(watch)

    def watches(self) -> Watches:
        """How many runs are followed, and by how many."""
        return Watches(len(self._watches), sum(map(len, self._watches.values())), len(self._list_watches))

    def publish(self, runs: set[UUID]) -> None:
        """Tell the followers here at once, and those in other processes soon."""
        self._wake(runs)
        self._unsent |= runs
        if self._sending is None or self._sending.done():
            self._sending = asyncio.create_task(self._send())

    def _wake(self, runs: Collection[UUID]) -> None:
        for list_watch in self._list_watches:
            list_watch.tell(runs)
        self._wake_watches(runs)

    def _wake_watches(self, runs: Iterable[UUID]) -> None:
        for run_id in runs:
            for watch in self._watches.get(run_id, ()):
                watch.tell()

    def _wake_all(self) -> None:
        self._wake_watches(list(self._watches))
        for list_watch in self._list_watches:
            list_watch.tell_missed()

    def _begin_sweeping(self) -> None:
        if self._sweeping is None or self._sweeping.done():
            self._sweeping = asyncio.create_task(self._keep_sweeping())

    async def _keep_sweeping(self) -> None:
        """Look for changes that nobody told of, as long as somebody follows anything."""
        while self._watches or self._list_watches:
            await asyncio.sleep(SLOW_TIMER_SECONDS if self.listening else TIMER_WITHOUT_HINTS_SECONDS)
            try:
                if self._watches:
                    self._wake_watches(await self._sweep.changed_among(list(self._watches)))
                if self._list_watches:
                    self._wake(await self._sweep.changed_of_all())
            except Exception as error:
                logger.warning("cannot look for changed runs: %s", error)

    async def _send(self) -> None:
        while self._unsent:
            batch = [self._unsent.pop() for _ in range(min(len(self._unsent), RUNS_PER_HINT))]
            payload = ",".join([self._origin, *(run_id.hex for run_id in batch)])
            try:
                async with self._database.read() as connection:
                    await connection.execute(_NOTIFY, {"channel": CHANNEL, "payload": payload})
            except Exception as error:
                logger.warning("a hint was lost: %s", error)
            await asyncio.sleep(COALESCE_SECONDS)

    async def _listen(self) -> None:
        failures = 0
        while True:
            try:
                await self._listen_once()
            except Exception as error:  # asyncpg raises its InternalClientError, too, if it is cut at a bad moment
                if self.listening or failures == 0:
                    logger.warning("no hints from other processes, looking on a timer: %s", error or type(error))
                failures = 1 if self.listening else failures + 1
                self.listening = False
            await asyncio.sleep(random.uniform(0.5, 1.0) * min(0.1 * 2**failures, 10))  # noqa: S311 - spreads tries

    async def _listen_once(self) -> None:
        """Listen until the connection fails; raises what made it fail."""
        options = self._database.connect_options()
        connection: asyncpg.Connection[Any] = await asyncpg.connect(**options, timeout=ROUND_TRIP_SECONDS)
        gone = asyncio.Event()
        connection.add_termination_listener(lambda _: gone.set())
        try:
            await connection.add_listener(CHANNEL, self._heard)
            while True:
                await self._round_trip(connection)
                if not self.listening:
                    self.listening = True
                    logger.info("hints from other processes arrive")
                    self._wake_all()  # what happened while nobody listened
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(CHECK_SECONDS):
                        await gone.wait()
                        raise ConnectionError("the listening connection was closed")
        finally:
            connection.terminate()

    async def _round_trip(self, connection: "asyncpg.Connection[Any]") -> None:
        self._echo.clear()
        await connection.execute("SELECT pg_notify($1, $2)", CHANNEL, self._origin, timeout=ROUND_TRIP_SECONDS)
        try:
            async with asyncio.timeout(ROUND_TRIP_SECONDS):
                await self._echo.wait()
        except TimeoutError as error:
            raise HintsUnavailableError("LISTEN was accepted but delivers nothing; is a pooler in between?") from error

    def _heard(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        origin, *runs = str(payload).split(",")
        if origin == self._origin:
            self._echo.set()  # our own followers were told directly
            return
        self._wake([UUID(hex=run) for run in runs])


_NOTIFY = text("SELECT pg_notify(:channel, :payload)")
