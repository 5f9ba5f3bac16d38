"""The feed of a filtered list of runs: which of those that changed are in the list, and which left it."""

from collections import deque
from collections.abc import AsyncGenerator
from typing import Final

from db.database import Database
from db.feeds.delivery import Delivery
from db.feeds.feed import Feed
from db.feeds.once import Once
from db.filters import WorkflowExecutionFilter
from db.hints import Hints
from db.queries.following import RunsChange, runs_change
from db.watches import ListWatch

SECONDS_BETWEEN_READS: Final = 0.25
RUNS_PER_READ: Final = 200
MAX_CHANGES: Final = 50
"""Changes, of at most 200 runs each, that are kept for those who are slower."""


class RunListFeed(Feed):
    """The latest changes of one followed list."""

    def __init__(self, database: Database, delivery: Delivery, hints: Hints, where: WorkflowExecutionFilter) -> None:
        super().__init__(database, delivery)
        self._hints = hints
        self._where = where
        self._watch = ListWatch(self.tell)
        self._begun = False
        self._beginning: Once[None] = Once()
        self._ended = False
        self._kept: deque[RunsChange] = deque()
        self._number = 0  # of the last one that is kept

    async def begin(self) -> None:
        """Watch from now on."""
        if not self._begun:
            await self._beginning.do(None, self._begin)

    def end(self) -> None:
        """Watch no more."""
        super().end()
        self._ended = True
        self._hints.remove_from_all(self._watch)

    async def follow(self) -> AsyncGenerator[RunsChange, None]:
        """An empty change (watching; read the list now), then the changes. An empty one again: some were missed."""
        number = self._number
        yield _nothing_known()
        while True:
            version = self.version
            if number < self._number - len(self._kept):
                number = self._number
                yield _nothing_known()
            elif number < self._number:
                change = self._kept[number - self._number]
                number += 1
                yield change
            else:
                await self.changed(version)

    def pause(self) -> float:
        """A few reads a second are enough for whoever watches."""
        return SECONDS_BETWEEN_READS

    def forget(self) -> None:
        """Forget the changes, and what was made of them."""
        self._kept.clear()

    async def read(self) -> None:
        """Read what became of the runs that changed."""
        runs = self._watch.take()
        if runs is None:
            self._keep(_nothing_known())
            return
        try:
            ids = sorted(runs)
            changes = []
            for start in range(0, len(ids), RUNS_PER_READ):
                async with self._database.reader() as reader:
                    changes.append(await runs_change(reader, ids[start : start + RUNS_PER_READ], self._where))
        except BaseException:
            self._watch.tell(runs)
            raise
        for change in changes:
            self._keep(change)

    def _keep(self, change: RunsChange) -> None:
        self._kept.append(change)
        self._number += 1
        if len(self._kept) > MAX_CHANGES:
            self._kept.popleft()

    async def _begin(self) -> None:
        await self._hints.add_to_all(self._watch)
        self._begun = True
        if self._ended:
            self._hints.remove_from_all(self._watch)


def _nothing_known() -> RunsChange:
    return RunsChange([], [])
