"""Hints: who follows a run is told that it changed, in this process at once, in others by NOTIFY.

The table is the truth and a hint only says where to look, so hints carry ids and may be lost. They are sent off the
write path, the first at once and further ones coalesced, because a NOTIFY inside a writing transaction makes all
commits of the database wait for each other. What nobody told of is found by a slow timer, one for all followers.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy.engine import URL

from db.database import Database
from db.listener import Listener
from db.sweep import Sweep
from db.watches import ListWatch, Told, Watch

logger = logging.getLogger("execgraph.hints")

COALESCE_SECONDS: Final = 0.005
"""How long further hints wait for each other after one was sent."""
RUNS_PER_HINT: Final = 200
"""A payload holds at most 8,000 bytes; an id takes 33 of them."""
SLOW_TIMER_SECONDS: Final = 5.0
"""How often is looked for changes although nobody told of any."""
TIMER_WITHOUT_HINTS_SECONDS: Final = 0.5
"""The same while there are no hints from other processes."""


class Watches(NamedTuple):
    """How many followers there are."""

    runs: int
    of_runs: int
    of_lists: int


class Hints:
    """The one hub of a process: `async with Hints(database) as hints:`, `with hints.watch(run_id) as watch:`."""

    def __init__(self, database: Database, listen_url: str | URL | None = None) -> None:
        """Prepare.

        Args:
            database: where to look, and to notify other processes through.
            listen_url: a direct address of the same database, if it is reached through a pooler that passes on no
                notifications; by default the database's own.

        Raises:
            ValueError: the address names another kind of database.
        """
        self.listener = Listener(database, listen_url, self._heard, self._wake_all)
        self.heard = 0
        """Hints of other processes that arrived."""
        self.sent = 0
        """Hints that were sent to other processes, each of up to 200 runs."""
        self.lost = 0
        """Hints that could not be sent."""
        self._database = database
        self._watches: dict[UUID, set[Told]] = {}
        self._list_watches: set[ListWatch] = set()
        self._sweep = Sweep(database)
        self._sweeping: asyncio.Task[None] | None = None
        self._unsent: set[UUID] = set()
        self._sending: asyncio.Task[None] | None = None

    @property
    def listening(self) -> bool:
        """Whether hints of other processes arrive."""
        return self.listener.listening

    @property
    def watched_runs(self) -> int:
        """How many runs are watched."""
        return len(self._watches)

    async def __aenter__(self) -> "Hints":
        self._database.on_change = self.publish
        await self.listener.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._database.on_change = None
        await self.listener.__aexit__()
        for task in (self._sending, self._sweeping):
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

    def add(self, run_id: UUID, watch: Told) -> None:
        """Have a watch told of the changes of a run."""
        self._watches.setdefault(run_id, set()).add(watch)
        self._begin_sweeping()

    def remove(self, run_id: UUID, watch: Told) -> None:
        """Have a watch that was added told no more."""
        watches = self._watches[run_id]
        watches.discard(watch)
        if not watches:
            del self._watches[run_id]

    @asynccontextmanager
    async def watch_all(self) -> AsyncIterator[ListWatch]:
        """Be told of the changes of all runs; of every one that is committed after this is entered."""
        watch = ListWatch()
        try:
            await self.add_to_all(watch)
            yield watch
        finally:
            self.remove_from_all(watch)

    async def add_to_all(self, watch: ListWatch) -> None:
        """Have a watch told of the changes of all runs; of every one that is committed after this has returned."""
        if not self._list_watches:
            self._sweep.forget_all()
        self._list_watches.add(watch)
        # What is found here no later sweep finds again: those who came a moment earlier are to be told.
        self._wake(await self._sweep.changed_of_all())
        self._begin_sweeping()

    def remove_from_all(self, watch: ListWatch) -> None:
        """Have a watch that was added told no more."""
        self._list_watches.discard(watch)

    def watches(self) -> Watches:
        """How many runs are followed, and by how many."""
        return Watches(len(self._watches), sum(map(len, self._watches.values())), len(self._list_watches))

    def publish(self, runs: set[UUID]) -> None:
        """Tell the followers here at once, and those in other processes soon."""
        runs = {run if isinstance(run, UUID) else UUID(run) for run in runs}  # models take ids as text, too
        self._wake(runs)
        self._unsent |= runs
        if self._sending is None or self._sending.done():
            self._sending = asyncio.create_task(self._send())

    def _heard(self, runs: Sequence[str]) -> None:
        self.heard += 1
        self._wake([UUID(hex=run) for run in runs])

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
            try:
                await self.listener.notify([run_id.hex for run_id in batch])
                self.sent += 1
            except Exception as error:
                self.lost += 1
                logger.warning("a hint was lost: %s", error)
            await asyncio.sleep(COALESCE_SECONDS)
