"""Running a coroutine until it has to wait: much of what could wait never does."""

import asyncio
from collections.abc import Coroutine, Generator, Iterable
from typing import Any

from graphql.pyutils import gather_with_cancel


class Waiting:
    """A coroutine that has begun and waits; await it for its result."""

    __slots__ = ("_coroutine", "_resumed", "_yielded")

    def __init__(self, coroutine: Coroutine[Any, Any, Any], yielded: Any) -> None:
        self._coroutine = coroutine
        self._yielded = yielded
        self._resumed = False

    def __await__(self) -> Generator[Any, Any, Any]:
        self._resumed = True
        yielded = self._yielded
        try:
            while True:
                try:
                    sent = yield yielded
                except BaseException as error:
                    yielded = self._coroutine.throw(error)
                else:
                    yielded = self._coroutine.send(sent)
        except StopIteration as stopped:
            return stopped.value

    async def abandon(self) -> None:
        """Cancel what nobody waits for, and wait for its end: it may hold a connection."""
        if self._resumed:
            return
        if self._yielded is not None:
            self._yielded.cancel()
        try:
            await self
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
        except Exception:  # noqa: S110 - somebody else's is told
            pass


async def gather(begun: Iterable[Waiting]) -> list[Any]:
    """The results of all. If one raises, the others are cancelled, and it is raised when they have ended.

    A task that is cancelled before it began does not pass that on to what it was to wait for, which then would never
    end: the connection that it holds would be lost until the garbage collector finds it, in whichever thread that is.
    """
    waiting = list(begun)
    try:
        return await gather_with_cancel(*waiting)
    except BaseException:
        await abandon(waiting)
        raise


async def abandon(begun: Iterable[Waiting]) -> None:
    """Cancel those that nobody waits for, and wait for their end."""
    for each in begun:
        await each.abandon()


def begin(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine until it waits or ends: gives its result, or what is `Waiting`; raises what it raises."""
    try:
        yielded = coroutine.send(None)
    except StopIteration as stopped:
        return stopped.value
    return Waiting(coroutine, yielded)
