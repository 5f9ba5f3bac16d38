"""Going away in order: whoever follows something is told to come back, elsewhere or later."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

Leave = Callable[[], Awaitable[None]]


class Draining:
    """Whether the process is going away, and what is to be ended then."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self._leaving: set[Leave] = set()
        self._late: set[asyncio.Future[None]] = set()

    @contextmanager
    def ending(self, leave: Leave) -> Iterator[None]:
        """Have `leave` called if the process goes away within this block, or does already."""
        self._leaving.add(leave)
        if self.begun.is_set():
            late = asyncio.ensure_future(leave())
            self._late.add(late)
            late.add_done_callback(self._late.discard)
        try:
            yield
        finally:
            self._leaving.discard(leave)

    async def begin(self, within: float) -> None:
        """End all that is under way without an end of its own; clients that do not read hold it up no longer.

        Args:
            within: seconds.
        """
        self.begun.set()
        leaving = [asyncio.ensure_future(leave()) for leave in self._leaving]
        if leaving:
            _, stuck = await asyncio.wait(leaving, timeout=within)
            for each in stuck:
                each.cancel()
