"""Admission: how many requests are worked on at once, who waits, and who is refused.

What is let in keeps its speed, and what cannot be served soon is refused at once: a queue that only grows answers
nobody in time. So

- a few requests are worked on at once, and more while the event loop has time to spare (they wait for PostgreSQL);
- further ones wait, callers taking turns, so that who floods waits behind himself;
- when too many wait there is an overload, until a second after the last refusal: of the caller who has most waiting
  all but a few are refused, longest waits first, and from then on so few may wait that they are answered nearly as
  fast as ever. Who comes then is refused by `graphql_api.http.gate`, which asks for the `places`, before it costs
  anything.
"""

import asyncio
import time
from collections import OrderedDict, deque
from typing import Final

from graphql_api.security.errors import OverloadedError, TooManyRequestsError

AT_ONCE: Final = 4
"""Requests that are worked on at once whatever the event loop is doing: they keep it and PostgreSQL busy."""
TICK_SECONDS: Final = 0.005
"""How often is looked whether more can be let in, while some wait."""
LATE_SECONDS: Final = 0.001
BUSY: Final = 0.7
"""The event loop has time to spare if it came to us in time and has computed for less than this share of it."""
LONGEST_WAIT_SECONDS: Final = 5.0
OVERLOAD_SECONDS: Final = 1.0
"""How long after a refusal there still is an overload."""


def overloaded() -> OverloadedError:
    """The refusal when everybody together asks for too much."""
    return OverloadedError("The server has more to do than it can; try again in a moment")


class _Waiter:
    """A request that waits."""

    __slots__ = ("admitted", "caller", "since")

    def __init__(self, caller: str, now: float) -> None:
        self.caller = caller
        self.since = now
        self.admitted: asyncio.Future[None] = asyncio.get_running_loop().create_future()


class Admission:
    """The gate of one process: `await enter(caller)`, and `leave(caller)` when done."""

    def __init__(self, *, most: int, waiting: int, per_caller: int) -> None:
        """Open it.

        Args:
            most: requests that are worked on at once at most.
            waiting: requests that may wait.
            per_caller: requests that one caller may have here, waiting ones included; one without a name any number.
        """
        self._most = most
        self._limit = min(AT_ONCE, most)
        self._waiting_limit = waiting
        self.per_caller = per_caller
        self._running = 0
        self._waiting = 0
        self._of_caller: dict[str, int] = {}
        self._queues: OrderedDict[str, deque[_Waiter]] = OrderedDict()
        self._overloaded_until = float("-inf")
        self._ticking: asyncio.TimerHandle | None = None
        self._seen = (0.0, 0.0)

    @property
    def running(self) -> int:
        """Requests that are worked on."""
        return self._running

    @property
    def waiting(self) -> int:
        """Requests that wait."""
        return self._waiting

    def too_many(self) -> TooManyRequestsError:
        """The refusal of a caller who asks for too much."""
        return TooManyRequestsError(f"At most {self.per_caller} requests at a time of one caller; try again")

    @property
    def most(self) -> int:
        """Requests that may be here, on their way in or out included, while there is no overload."""
        return self._most + self._waiting_limit

    def places(self) -> int:
        """How many may be here just now."""
        return self.most if time.monotonic() >= self._overloaded_until else self._limit + AT_ONCE

    def refused(self) -> None:
        """Somebody was, for want of a place: if there is an overload it goes on."""
        now = time.monotonic()
        if now < self._overloaded_until:
            self._overloaded_until = now + OVERLOAD_SECONDS

    async def enter(self, caller: str) -> None:
        """Wait until a request of this caller may be worked on.

        Raises:
            TooManyRequestsError: the caller has too many here.
            OverloadedError: everybody together has.
        """
        present = self._of_caller.get(caller, 0)
        if caller and present >= self.per_caller:
            raise self.too_many()
        self._of_caller[caller] = present + 1
        if self._running < self._limit and not self._waiting:
            self._running += 1
            return
        try:
            await self._wait(caller)
        except BaseException:
            self._forget(caller)
            raise

    def leave(self, caller: str) -> None:
        """Let the next one in: a request that entered is done."""
        self._running -= 1
        self._forget(caller)
        self._admit()

    def _forget(self, caller: str) -> None:
        present = self._of_caller[caller] - 1
        if present:
            self._of_caller[caller] = present
        else:
            del self._of_caller[caller]

    async def _wait(self, caller: str) -> None:
        waiter = _Waiter(caller, time.monotonic())
        self._queues.setdefault(caller, deque()).append(waiter)
        self._waiting += 1
        if self._waiting > self._waiting_limit:
            self._shed()
        self._tick_soon()
        try:
            await waiter.admitted
        except asyncio.CancelledError:
            if waiter.admitted.done() and not waiter.admitted.cancelled() and waiter.admitted.exception() is None:
                self._running -= 1  # it was let in as it went away
                self._admit()
            else:
                self._remove(waiter)
            raise

    def _shed(self) -> None:
        """There is an overload: of who has most waiting keep the few who may still be answered soon.

        Others are refused only if that is not enough, the next one first.
        """
        self._overloaded_until = time.monotonic() + OVERLOAD_SECONDS
        few = min(AT_ONCE, self._waiting_limit)
        while self._waiting > max(few, self._waiting_limit // 2):
            longest = max(self._queues.values(), key=len)
            for waiter in list(longest)[: max(1, len(longest) - few)]:
                self._refuse(waiter)

    def _admit(self) -> None:
        """Let in whom there is room for."""
        now = time.monotonic()
        while self._waiting and self._running < self._limit:
            caller, queue = next(iter(self._queues.items()))
            waiter = queue[0]
            if now - waiter.since > LONGEST_WAIT_SECONDS:
                self._refuse(waiter)
                continue
            self._queues.move_to_end(caller)
            self._remove(waiter)
            self._running += 1
            waiter.admitted.set_result(None)

    def _refuse(self, waiter: _Waiter) -> None:
        self._remove(waiter)
        waiter.admitted.set_exception(overloaded())

    def _remove(self, waiter: _Waiter) -> None:
        queue = self._queues.get(waiter.caller)
        if queue is None or waiter not in queue:
            return
        queue.remove(waiter)
        self._waiting -= 1
        if not queue:
            del self._queues[waiter.caller]

    def _tick_soon(self) -> None:
        if self._ticking is None:
            loop = asyncio.get_running_loop()
            self._seen = (loop.time(), time.thread_time())
            self._ticking = loop.call_later(TICK_SECONDS, self._tick)

    def _tick(self) -> None:
        """Let more in while the event loop has time to spare, and fewer when it has not."""
        self._ticking = None
        loop = asyncio.get_running_loop()
        since, computed = self._seen
        passed = loop.time() - since
        idle = passed - TICK_SECONDS < LATE_SECONDS and time.thread_time() - computed < BUSY * passed
        change = max(1, self._limit // 4)
        self._limit = max(min(self._limit + (change if idle else -change), self._most), min(AT_ONCE, self._most))
        self._admit()
        if self._waiting:
            self._tick_soon()
        elif self._running <= AT_ONCE:
            self._limit = min(AT_ONCE, self._most)
