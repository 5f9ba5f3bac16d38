"""A load that does not wait for the answers: so many requests a second, over as many connections as it takes."""

import asyncio
import math
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

CONNECTIONS = 600
"""The most at a time; a request for which none is free is not sent."""
TICK_SECONDS = 0.002


@dataclass
class Load:
    """What became of the requests of a load."""

    served: list[float] = field(default_factory=list)
    """The seconds that each one took."""
    refused: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    unsent: int = 0
    cut: int = 0
    """Sent on a connection that the server, which keeps idle ones for some seconds, was just about to close."""

    def note(self, status: int, seconds: float) -> None:
        """Count one that was answered."""
        self.statuses[status] += 1
        (self.served if status == 200 else self.refused).append(seconds)


def p99(seconds: list[float]) -> float:
    """The 99th percentile."""
    return sorted(seconds)[math.ceil(len(seconds) * 0.99) - 1]


class Connection(asyncio.Protocol):
    """Sends a request and waits for its answer, again and again."""

    def __init__(
        self,
        request: bytes,
        answered: Callable[["Connection", int, float], None],
        lost: Callable[["Connection"], None] = lambda _: None,
    ) -> None:
        self._request = request
        self._answered = answered
        self._lost = lost
        self.is_busy = False
        self._received = b""
        self._left = -1
        self._status = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost(self)

    def send(self, since: float) -> None:
        """Send the request that was to be sent at a time."""
        self.is_busy = True
        self._since = since
        self.transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        if self._left < 0:
            self._received += data
            head, separator, data = self._received.partition(b"\r\n\r\n")
            if not separator:
                return
            self._received = b""
            self._status = int(head[9:12])
            if self._status != 200:
                assert b"retry-after: 1" in head.lower(), head
            place = head.lower().index(b"content-length:") + len(b"content-length:")
            self._left = int(head[place:].split(b"\r\n", 1)[0])
        self._left -= len(data)
        if self._left == 0:
            self._left = -1
            self.is_busy = False
            self._answered(self, self._status, time.monotonic() - self._since)


async def load(port: int, request: bytes, per_second: float, seconds: float) -> Load:
    """Send so many requests a second for so long, and wait for the last answers."""
    found, idle = Load(), list[Connection]()
    loop = asyncio.get_running_loop()
    opened: set[Connection] = set()
    opening: set[asyncio.Task[None]] = set()
    waiting = 0

    def answered(connection: Connection, status: int, taken: float) -> None:
        nonlocal waiting
        waiting -= 1
        found.note(status, taken)
        idle.append(connection)

    def lost(connection: Connection) -> None:
        nonlocal waiting
        opened.discard(connection)
        if connection.is_busy:
            waiting -= 1
            found.cut += 1

    async def one_more() -> None:
        _, connection = await loop.create_connection(lambda: Connection(request, answered, lost), "127.0.0.1", port)
        opened.add(connection)
        idle.append(connection)

    for _ in range(min(CONNECTIONS, math.ceil(per_second))):
        await one_more()
    began, sent = time.monotonic(), 0
    while (now := time.monotonic()) < began + seconds:
        for place in range(sent, int((now - began) * per_second)):
            sent = place + 1
            while idle and idle[-1].transport.is_closing():
                idle.pop()
            if idle:
                waiting += 1
                idle.pop().send(began + place / per_second)
                continue
            found.unsent += 1
            if len(opened) + len(opening) < CONNECTIONS:
                task = loop.create_task(one_more())
                opening.add(task)
                task.add_done_callback(opening.discard)
        await asyncio.sleep(TICK_SECONDS)
    async with asyncio.timeout(30):
        while waiting or opening:  # noqa: ASYNC110 - every answer is counted, none is awaited by itself
            await asyncio.sleep(TICK_SECONDS)
    for connection in opened:
        connection.transport.close()
    return found


async def capacity(port: int, request: bytes, connections: int, seconds: float) -> float:
    """How many requests a second are served to so many clients, each of which waits for its answer."""
    served = 0
    until = time.monotonic() + seconds

    def answered(connection: Connection, status: int, _: float) -> None:
        nonlocal served
        assert status == 200
        served += 1
        if time.monotonic() < until:
            connection.send(time.monotonic())

    async def client() -> Connection:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(lambda: Connection(request, answered), "127.0.0.1", port)
        connection.send(time.monotonic())
        return connection

    clients: list[Connection] = [await client() for _ in range(connections)]
    await asyncio.sleep(seconds + 0.5)
    for each in clients:
        each.transport.close()
    return served / seconds
