"""The feed of a run and its steps: however many follow it, its changes are read a few times a second at most."""

from collections.abc import AsyncGenerator
from typing import Final
from uuid import UUID

from db.database import Database
from db.errors import NotFoundError
from db.feeds.delivery import Delivery
from db.feeds.feed import Feed
from db.feeds.once import Once
from db.queries.following import RunChanges, run_changes

SECONDS_BETWEEN_READS: Final = 0.25
STEPS_PER_READ: Final = 1_000
_END: Final = 2**31 - 1
"""A revision after which there is nothing."""


class RunFeed(Feed):
    """What changed last of one followed run."""

    def __init__(self, database: Database, delivery: Delivery, run_id: UUID) -> None:
        super().__init__(database, delivery)
        self._run_id = run_id
        self._revision = -1
        self._latest: tuple[int, RunChanges] | None = None  # and the revision after which they come
        self._catching_up: Once[RunChanges | None] = Once()

    async def follow(self, after: int) -> AsyncGenerator[RunChanges, None]:
        """What changed after a revision, several changes at a time, up to the final state.

        Raises:
            NotFoundError: there is no such run, or it was deleted meanwhile.
        """
        version, entries = self.version, -1
        changes = await self._read_after(after)
        while True:
            if changes is None:
                raise NotFoundError("Workflow execution", self._run_id)
            if changes.revision > after or changes.last_sequence > entries:
                after, entries = changes.revision, changes.last_sequence
                yield changes
            if changes.ended and not changes.has_more:
                return
            if not changes.has_more:
                await self.changed(version)
            version = self.version
            if self._latest is not None and self._latest[0] == after:
                changes = self._latest[1]
            else:
                place = after
                changes = await self.patiently(lambda: self._read_after(place))  # noqa: B023 - called at once

    def pause(self) -> float:
        """A few reads a second are enough for whoever watches; none to wait for while more is known to be there."""
        return 0.0 if self._latest is not None and self._latest[1].has_more else SECONDS_BETWEEN_READS

    def forget(self) -> None:
        """Forget what changed last, and what was made of it."""
        self._latest = None

    async def read(self) -> None:
        """Read what is new."""
        place = self._revision
        async with self._database.reader() as reader:
            changes = await run_changes(reader, self._run_id, _END if place < 0 else place, STEPS_PER_READ)
        if changes is None or place < 0:
            self._latest = None
            if changes is not None and self._revision < 0:
                self._revision = changes.written
            return
        self._latest = (place, changes)
        self._revision = changes.revision
        if changes.has_more:
            self.tell()

    async def _read_after(self, after: int) -> RunChanges | None:
        changes, _ = await self._catching_up.do((self.version, after), lambda: self._catch_up(after))
        return changes

    async def _catch_up(self, after: int) -> RunChanges | None:
        self._delivery.catch_ups += 1
        async with self._database.reader() as reader:
            changes = await run_changes(reader, self._run_id, after, STEPS_PER_READ)
        if changes is not None and self._revision < 0:
            self._revision = changes.written  # from here on changes are read for all
        return changes
