"""A pool of the driver's connections.

asyncpg's own pool makes a task for each release, which costs more of this process's time than the read of one row. A
read is a single statement outside a transaction, and a command leaves nothing but its transaction, so there is nothing
to reset: what is left is to lend and to take back.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, NamedTuple

import asyncpg

WAIT_SECONDS = 30.0
CLOSE_SECONDS = 5.0


class PoolTimeoutError(TimeoutError):
    """No connection came free in time."""


class PoolUse(NamedTuple):
    """How many connections a pool has just now."""

    in_use: int
    idle: int
    limit: int


class Pool:
    """At most `size + overflow` connections, opened when they are needed; `size` of them are kept."""

    def __init__(self, connect: Callable[[], Awaitable[Any]], size: int, overflow: int) -> None:
        self._connect = connect
        self._size = size
        self._limit = size + overflow
        self._idle: list[Any] = []
        self._open = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._closing: set[asyncio.Task[None]] = set()

    def use(self) -> PoolUse:
        """How it stands."""
        return PoolUse(self._open - len(self._idle), len(self._idle), self._limit)

    def lend(self) -> "Loan":
        """A connection for the block alone.

        Raises:
            PoolTimeoutError: none came free in time.
            OSError, asyncpg.PostgresError, asyncpg.InterfaceError: a new one could not be opened.
        """
        return Loan(self)

    async def close(self) -> None:
        """Close all that are not lent; what is lent is closed as it comes back."""
        self._size = 0
        idle, self._idle = self._idle, []
        self._open -= len(idle)
        await asyncio.gather(*(_close(connection) for connection in idle), *self._closing)

    async def take(self) -> Any:
        """A connection, which is to be given back or discarded. Raises as `lend`."""
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
            self._open -= 1
        if self._open < self._limit:
            return await self._opened()
        return await self._handed() or await self._opened(reserved=True)

    async def _opened(self, *, reserved: bool = False) -> Any:
        self._open += not reserved
        try:
            return await self._connect()
        except BaseException:
            self._leave_place()
            raise

    async def _handed(self) -> Any:
        """Wait in line for a connection that comes back, or for None: the place of one that was closed."""
        waiting: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                return await waiting
        except BaseException as error:
            if waiting.done() and not waiting.cancelled():
                connection = waiting.result()
                self._leave_place() if connection is None else self.give_back(connection)
            if isinstance(error, TimeoutError):
                raise PoolTimeoutError(f"no connection came free in {WAIT_SECONDS:g} s") from error
            raise

    def _hand_on(self, connection: Any) -> bool:
        while self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_result(connection)
                return True
        return False

    def _leave_place(self) -> None:
        if not self._hand_on(None):
            self._open -= 1

    def give_back(self, connection: Any) -> None:
        """Take a connection back that has nothing under way."""
        if connection.is_closed():
            self._leave_place()
        elif not self._hand_on(connection):
            if len(self._idle) < self._size:
                self._idle.append(connection)
            else:
                self.discard(connection)

    def discard(self, connection: Any) -> None:
        """Close a lent connection whose statement may be under way."""
        self._leave_place()
        task = asyncio.ensure_future(_close(connection))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


class Loan:
    """A connection lent for a block: a class, which takes a third of the time of a generator."""

    __slots__ = ("_connection", "_pool")

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def __aenter__(self) -> Any:
        self._connection = await self._pool.take()
        return self._connection

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None and issubclass(kind, asyncio.CancelledError | TimeoutError | GeneratorExit):
            self._pool.discard(self._connection)
        else:
            self._pool.give_back(self._connection)


async def _close(connection: Any) -> None:
    """Close in order, so that a statement under way is cancelled; or else at once."""
    try:
        await connection.close(timeout=CLOSE_SECONDS)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
        connection.terminate()
