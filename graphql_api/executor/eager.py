"""Running a coroutine until it has to wait: much of what could wait never does."""

from collections.abc import Coroutine, Generator
from typing import Any


class Waiting:
    """A coroutine that has begun and waits; await it for its result."""

    __slots__ = ("_coroutine", "_yielded")

    def __init__(self, coroutine: Coroutine[Any, Any, Any], yielded: Any) -> None:
        self._coroutine = coroutine
        self._yielded = yielded

    def __await__(self) -> Generator[Any, Any, Any]:
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


def begin(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine until it waits or ends: gives its result, or what is `Waiting`; raises what it raises."""
    try:
        yielded = coroutine.send(None)
    except StopIteration as stopped:
        return stopped.value
    return Waiting(coroutine, yielded)
