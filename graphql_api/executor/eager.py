"""Running a coroutine until it has to wait: much of what could wait never does."""

import asyncio
from collections.abc import Coroutine, Generator, Iterable, Iterator, Sequence
from inspect import iscoroutine
from typing import Any

from graphql.pyutils import gather_with_cancel


class Waiting:
    """A coroutine that has begun and waits; await it for its result."""

    __slots__ = ("_coroutine", "_yielded", "is_awaited")

    def __init__(self, coroutine: Coroutine[Any, Any, Any], yielded: Any) -> None:
        self._coroutine = coroutine
        self._yielded = yielded
        self.is_awaited = False
        """Whether somebody has begun to wait for it."""

    def __await__(self) -> Generator[Any, Any, Any]:
        self.is_awaited = True
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
    """Cancel those that nobody waits for, and wait for their end: they may hold connections."""
    tasks = [asyncio.ensure_future(each) for each in begun if not each.is_awaited]
    if not tasks:
        return
    await asyncio.sleep(0)  # until they have begun
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def begin(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine until it waits or ends: gives its result, or what is `Waiting`; raises what it raises."""
    try:
        yielded = coroutine.send(None)
    except StopIteration as stopped:
        return stopped.value
    return Waiting(coroutine, yielded)


def _all(values: Iterator[Any]) -> list[Any]:
    """All values; if one cannot be had, the coroutines among the others are closed."""
    found: list[Any] = []
    try:
        found.extend(values)
    except Exception:
        _close(found)
        raise
    return found


async def awaited(values: Iterator[Any]) -> list[Any]:
    """All values, after waiting for those that are awaitable."""
    found = _all(values)
    places = [place for place, value in enumerate(found) if hasattr(value, "__await__")]
    if not places:
        return found
    try:
        for place in places:
            found[place] = begin(_result_of(found[place]))
    except Exception:
        _close(found)
        await abandon(value for value in found if isinstance(value, Waiting))
        raise
    waiting = [place for place in places if isinstance(found[place], Waiting)]
    if len(waiting) == 1:
        found[waiting[0]] = await found[waiting[0]]
    elif waiting:
        results = await gather(found[place] for place in waiting)
        for place, result in zip(waiting, results, strict=True):
            found[place] = result
    return found


async def _result_of(awaitable: Any) -> Any:
    return await awaitable


def _close(values: Sequence[Any]) -> None:
    for value in values:
        if iscoroutine(value):
            value.close()
