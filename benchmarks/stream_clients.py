"""Subscribers that cost next to nothing: a WebSocket client that looks for one number in each message."""

import asyncio
import base64
import os
import re
import time
from collections.abc import Callable
from typing import Any

import orjson

_LAST = re.compile(rb'"lastSequence":(\d+)')
_SEQUENCE = re.compile(rb'"sequence":(\d+)')
_SMALL, _MEDIUM = 126, 127
LOGS = """subscription ($run: UUID!, $after: Int!) { executionLogs(workflowExecutionId: $run, after: $after) {
    entries { sequence level message data timestamp } lastSequence complete } }"""


class Subscriber(asyncio.Protocol):
    """One subscriber of a run: when it had which sequence, and whether each came once and in order."""

    def __init__(self, port: int, run_id: str, after: int, *, bare: bool) -> None:
        self._port = port
        self._run_id = run_id
        self._bare = bare
        self._after = after
        self._buffer = bytearray()
        self._shaken = False
        self._fragments: list[bytes] = []
        self.reached = after
        self.missed = 0
        """Entries that were repeated or left out."""
        self.arrivals: list[tuple[int, float]] = []
        self.ready = asyncio.get_running_loop().create_future()
        self.on_arrival: Callable[[], None] = lambda: None

    async def connect(self) -> None:
        """Connect and subscribe."""
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_connection(lambda: self, "127.0.0.1", self._port)
        await self.ready

    def close(self) -> None:
        """Go away without a word."""
        self._transport.abort()

    def connection_made(self, transport: Any) -> None:
        """Shake hands."""
        path = f"/follow?run={self._run_id}&after={self._after}" if self._bare else "/graphql"
        protocol = "" if self._bare else "Sec-WebSocket-Protocol: graphql-transport-ws\r\n"
        key = base64.b64encode(os.urandom(16)).decode()
        transport.write(
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n{protocol}\r\n".encode()
        )
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Take the frames apart."""
        self._buffer += data
        if not self._shaken:
            head, found, rest = bytes(self._buffer).partition(b"\r\n\r\n")
            if not found:
                return
            if not head.startswith(b"HTTP/1.1 101"):
                raise RuntimeError(head.decode())
            self._shaken, self._buffer = True, bytearray(rest)
            if self._bare:
                self.ready.set_result(None)
            else:
                variables = {"run": self._run_id, "after": self._after}
                self._send({"type": "connection_init"})
                self._send({"type": "subscribe", "id": "1", "payload": {"query": LOGS, "variables": variables}})
        while (frame := self._frame()) is not None:
            opcode, payload = frame
            if opcode == 9:
                self._write(0x8A, payload)
            elif opcode == 1:
                self._take(payload)

    def _frame(self) -> tuple[int, bytes] | None:
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        length, start = buffer[1], 2
        if length == _SMALL:
            length, start = int.from_bytes(buffer[2:4]), 4
        elif length == _MEDIUM:
            length, start = int.from_bytes(buffer[2:10]), 10
        if len(buffer) < start + length or start > len(buffer):
            return None
        payload = bytes(buffer[start : start + length])
        opcode = buffer[0] & 0x0F
        del buffer[: start + length]
        return opcode, payload

    def _take(self, message: bytes) -> None:
        if b"connection_ack" in message[:40]:
            self.ready.set_result(None)
            return
        found = _LAST.search(message)
        if found is None:
            raise RuntimeError(message[:500].decode())
        last = int(found[1])
        sequences = [int(each) for each in _SEQUENCE.findall(message)]
        if sequences != list(range(self.reached + 1, last + 1)):
            self.missed += 1
        self.reached = last
        self.arrivals.append((last, time.perf_counter()))
        self.on_arrival()

    def _send(self, message: Any) -> None:
        self._write(0x81, orjson.dumps(message))

    def _write(self, head: int, payload: bytes) -> None:
        length = len(payload)
        size = bytes([0x80 | length]) if length < _SMALL else bytes([0x80 | _SMALL]) + length.to_bytes(2)
        self._transport.write(bytes([head]) + size + b"\0\0\0\0" + payload)  # a mask of zeros leaves it as it is
