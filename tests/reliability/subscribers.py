"""Subscribers of a log over either transport: they are cut or go away at any moment, and resume where they were."""

import asyncio
import contextlib
import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.typing import Subprotocol

LOGS = """
subscription ($run: UUID!, $filter: ExecutionLogFilter, $after: Int!) {
    executionLogs(workflowExecutionId: $run, filter: $filter, after: $after) {
        entries { sequence level message nodeExecutionId }
        lastSequence
        complete
    }
}
"""
CUT = (ConnectionClosed, InvalidHandshake, OSError, EOFError, TimeoutError, asyncio.IncompleteReadError)
"""What a client sees of a connection that is cut, or not made."""
SILENT_SECONDS = 40.0
"""Longer than nothing at all, not even a comment or a ping, ever comes."""


class WentWrongError(Exception):
    """The server said something that no client should be told; not that it is unavailable."""


@asynccontextmanager
async def over_websocket(port: int, variables: dict[str, Any]) -> AsyncIterator[AsyncIterator[Any]]:
    """The results of the subscription; ends as the subscription does."""
    async with connect(
        f"ws://127.0.0.1:{port}/graphql",
        subprotocols=[Subprotocol("graphql-transport-ws")],
        max_size=None,
        compression=None,
        open_timeout=SILENT_SECONDS,
        close_timeout=0.5,
    ) as socket:

        async def results() -> AsyncIterator[Any]:
            await socket.send(json.dumps({"type": "connection_init"}))
            payload = {"query": LOGS, "variables": variables}
            await socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": payload}))
            async for text in socket:
                message = json.loads(text)
                if message["type"] == "complete":
                    return
                if message["type"] == "error":
                    yield {"errors": message["payload"]}
                if message["type"] == "next":
                    yield message["payload"]
            raise EOFError

        yield results()


@asynccontextmanager
async def over_event_stream(port: int, variables: dict[str, Any]) -> AsyncIterator[AsyncIterator[Any]]:
    """The same as server-sent events."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**24)
    body = json.dumps({"query": LOGS, "variables": variables}).encode()
    writer.write(
        b"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
    )

    async def results() -> AsyncIterator[Any]:
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise EOFError
        while size := int((await reader.readuntil(b"\r\n")), 16):
            chunk = (await reader.readexactly(size + 2)).decode()
            if chunk.startswith("event: complete"):
                return
            if chunk.startswith("event: next\ndata: "):
                yield json.loads(chunk.removeprefix("event: next\ndata: "))
        raise EOFError

    try:
        yield results()
    finally:
        writer.transport.abort()


class Subscriber:
    """Follows a log to its end; remembers every entry that came, as it came."""

    def __init__(self, place: int, ports: list[int], run_id: str, filter_: dict[str, Any] | None) -> None:
        self.name = f"subscriber {place} of {run_id}, {filter_}"
        self.run_id = run_id
        self.filter = filter_
        self.entries: list[dict[str, Any]] = []
        self.connections = 0
        self.left = 0
        self.was_cut = 0
        self.refused = 0
        self.complete = False
        self._random = random.Random(place)
        self._ports = ports
        self._after = 0

    async def follow(self) -> None:
        """Follow, over and over, until the end of the log is told."""
        while not self.complete:
            over = self._random.choice((over_websocket, over_event_stream))
            variables = {"run": self.run_id, "filter": self.filter, "after": self._after}
            try:
                async with over(self._random.choice(self._ports), variables) as results:
                    self.connections += 1
                    await self._take(results)
            except CUT:
                self.was_cut += 1
                await asyncio.sleep(self._random.uniform(0.02, 0.2))

    async def _take(self, results: AsyncIterator[Any]) -> None:
        """Take what comes, until it ends or this one has had enough."""
        patience = self._random.choice((self._random.uniform(0, 0.3), self._random.uniform(0.5, 3), 1_000))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience):
                async for result in results:
                    self._add(result)
                    if self._random.random() < 0.02:
                        await asyncio.sleep(self._random.uniform(0, 0.5))  # slow for a moment
                return
        self.left += 1

    def _add(self, result: dict[str, Any]) -> None:
        if errors := result.get("errors"):
            if any(error["extensions"]["code"] != "UNAVAILABLE" for error in errors):
                raise WentWrongError(f"{self.name}: {errors}")
            self.refused += 1
            return
        batch = result["data"]["executionLogs"]
        sequences = [entry["sequence"] for entry in batch["entries"]]
        places = [self._after, *sequences]
        if places != sorted(set(places)) or places[-1] > batch["lastSequence"]:
            raise WentWrongError(f"{self.name}: {sequences} up to {batch['lastSequence']} after {self._after}")
        self.entries += batch["entries"]
        self._after = batch["lastSequence"]
        self.complete = batch["complete"]
