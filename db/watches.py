"""What somebody who wants to know of changes holds: it is told, waits, and looks."""

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from typing import Final, Protocol
from uuid import UUID

MAX_UNTOLD_RUNS: Final = 10_000
"""Beyond so many changed runs a follower of all runs is told to read everything anew."""


class Told(Protocol):
    """Whoever wants to know that a run may have changed."""

    def tell(self) -> None:
        """Say so; must not block."""


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

    def __init__(self, told: Callable[[], None] | None = None) -> None:
        """Prepare.

        Args:
            told: called whenever there is something to take.
        """
        self._runs: set[UUID] = set()
        self._missed = False
        self._told = told
        self._changed = asyncio.Event()

    def tell(self, runs: Iterable[UUID]) -> None:
        """Add to what the next `take` gives; beyond a bound, only that it was too much."""
        self._runs.update(runs)
        if len(self._runs) > MAX_UNTOLD_RUNS:
            self.tell_missed()
        elif self._runs:
            self._tell()

    def tell_missed(self) -> None:
        """Say that there may be changes that nobody knows of."""
        self._runs.clear()
        self._missed = True
        self._tell()

    def take(self) -> set[UUID] | None:
        """The runs that changed since the last time; None if some may be missing, so that all is to be read."""
        self._changed.clear()
        runs, self._runs = self._runs, set()
        missed, self._missed = self._missed, False
        return None if missed else runs

    async def changed(self) -> set[UUID] | None:
        """Wait until there is something to take, and take it."""
        await self._changed.wait()
        return self.take()

    def _tell(self) -> None:
        self._changed.set()
        if self._told is not None:
            self._told()
