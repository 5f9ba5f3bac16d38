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

    @contextmanager
    def ending(self, leave: Leave) -> Iterator[None]:
        """Have `leave` called if the process goes away within this block."""
        self._leaving.add(leave)
        try:
            yield
        finally:
            self._leaving.discard(leave)

    async def begin(self) -> None:
        """End all that is under way without an end of its own."""
        self.begun.set()
        await asyncio.gather(*(leave() for leave in self._leaving), return_exceptions=True)
