"""Clients that misbehave, on real sockets: they read nothing, or little, or say nothing, or vanish."""

import json
import os
import socket
import struct
import time
from collections.abc import Callable
from typing import Any

from tests.api_server import ApiServer

LOGS = """
subscription ($run: UUID!, $after: Int! = 0) {
    executionLogs(workflowExecutionId: $run, after: $after) { entries { sequence message } lastSequence }
}
"""
LIMIT = 30.0
SMALL_BUFFER = 4096


def until(holds: Callable[[], bool], within: float = LIMIT) -> float:
    """Look until it holds; gives how many seconds that took."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() < began + within, "it never was so"
        time.sleep(0.01)
    return time.monotonic() - began


def connected(api: ApiServer, buffer: int = SMALL_BUFFER) -> socket.socket:
    """A connection whose receive buffer is small, so that the server notices soon that nobody reads."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    client.settimeout(LIMIT)
    client.connect(("127.0.0.1", api.port))
    return client


class RawClient:
    """A subscriber of a run's log over one of the transports: `with RawClient(api, "websocket", run_id) as client:`."""

    def __init__(self, api: ApiServer, transport: str, run_id: str, buffer: int = SMALL_BUFFER) -> None:
        self.socket = connected(api, buffer)
        self._received = b""
        variables = {"run": run_id}
        if transport == "websocket":
            self._shake_hands()
            self.send({"type": "connection_init"})
            self.send({"type": "subscribe", "id": "1", "payload": {"query": LOGS, "variables": variables}})
        else:
            body = json.dumps({"query": LOGS, "variables": variables}).encode()
            self.socket.sendall(
                b"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n"
                b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
            )

    def __enter__(self) -> "RawClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def _shake_hands(self) -> None:
        self.socket.sendall(
            b"GET /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
        )
        while b"\r\n\r\n" not in self._received:
            self._received += self.socket.recv(SMALL_BUFFER)
        assert self._received.startswith(b"HTTP/1.1 101")

    def send(self, message: Any, opcode: int = 1) -> None:
        """Send a WebSocket message."""
        data = message if isinstance(message, bytes) else json.dumps(message).encode()
        mask = os.urandom(4)
        size = bytes([0x80 | len(data)]) if len(data) < 126 else b"\xfe" + len(data).to_bytes(2)
        masked = bytes(byte ^ mask[place % 4] for place, byte in enumerate(data))
        self.socket.sendall(bytes([0x80 | opcode]) + size + mask + masked)

    def read_until(self, text: bytes, chunk: int = 65_536, pause: float = 0.0) -> bytes:
        """Read until a text has come; gives everything."""
        began = time.monotonic()
        while text not in self._received[-chunk - len(text) :]:
            assert time.monotonic() < began + LIMIT, f"{text!r} never came"
            data = self.socket.recv(chunk)
            assert data, f"closed before {text!r} came"
            self._received += data
            time.sleep(pause)
        return self._received

    def is_closed(self) -> bool:
        """Read everything; whether the connection was closed, rather than silent for long."""
        try:
            while data := self.socket.recv(65_536):
                self._received += data
        except ConnectionError:
            return True
        except TimeoutError:
            return False
        return True

    def vanish(self) -> None:
        """Go away without a word, as a process that is killed."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()
