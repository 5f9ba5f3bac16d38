"""Connections as uvicorn serves them, which let go of clients that do not read, do not ask or are not there."""

import asyncio
import socket
from collections import deque
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from graphql_api.http.gate import PATH, Gate
from graphql_api.http.whole_answers import answering_at_once
from graphql_api.security.admission import Admission
from graphql_api.settings import Settings

CLOSE_SECONDS = 1.0
"""How long a connection that is given up may take for its last words."""


class Stall:
    """Aborts a connection whose client takes nothing of what is sent to it for too long."""

    def __init__(self, transport: asyncio.Transport, seconds: float) -> None:
        self._transport = transport
        self._seconds = seconds
        self._left = 0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_watched(self) -> bool:
        """Whether the client is behind."""
        return self._timer is not None

    def begin(self) -> None:
        """The client is behind: what is sent waits for it."""
        if self._timer is None:
            self._watch()

    def end(self) -> None:
        """The client has caught up, or is gone."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _watch(self) -> None:
        self._left = self._transport.get_write_buffer_size()
        self._timer = asyncio.get_running_loop().call_later(self._seconds, self._look)

    def _look(self) -> None:
        if self._transport.get_write_buffer_size() < self._left:
            self._watch()  # slow, but it reads
        else:
            self._transport.abort()


def tell_system(transport: asyncio.Transport, seconds: float) -> None:
    """Have the system give up a connection whose other side does not even confirm what it gets."""
    connection = transport.get_extra_info("socket")
    if connection is not None and hasattr(socket, "TCP_USER_TIMEOUT") and connection.family != socket.AF_UNIX:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(seconds * 1000))


class Watched:
    """What both kinds of connections have: a client that reads nothing is let go."""

    _stall: Stall

    def watch(self, transport: asyncio.Transport, seconds: float) -> None:
        """Begin, when the connection is made."""
        self._stall = Stall(transport, seconds)
        tell_system(transport, seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        """Look no more."""
        self._stall.end()
        super().connection_lost(exc)  # type: ignore[misc]

    def pause_writing(self) -> None:
        """The client is behind."""
        super().pause_writing()  # type: ignore[misc]
        self._stall.begin()

    def resume_writing(self) -> None:
        """The client has caught up."""
        self._stall.end()
        super().resume_writing()  # type: ignore[misc]


class _Refused:
    """Stands for the exchange of a request that was answered before it came in: what follows of it is skipped."""

    response_complete = True

    def __init__(self) -> None:
        self.message_event = asyncio.Event()


def http_protocol(settings: Settings, admission: Admission) -> type[asyncio.Protocol]:
    """The protocol of HTTP connections with these limits."""
    gate = Gate(admission)
    graphql = PATH.encode()

    class HTTPConnection(Watched, HttpToolsProtocol):
        """An HTTP connection."""

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self.watch(transport, settings.client_timeout_seconds)
            self._present: deque[bytes] = deque()
            self._counts = False
            self._credentials = b""
            loop = asyncio.get_running_loop()
            self._silence = loop.call_later(settings.connection_init_seconds, transport.abort)

        def connection_lost(self, exc: Exception | None) -> None:
            self._silence.cancel()
            while self._present:
                gate.leave(self._present.popleft())
            super().connection_lost(exc)

        def on_headers_complete(self) -> None:
            self._silence.cancel()
            self._note_headers()
            if self._counts and (self.cycle is None or self.cycle.response_complete):
                refusal = gate.refusal(self._credentials)
                if refusal is not None:
                    self._refuse(refusal)
                    return
            super().on_headers_complete()

        def on_message_complete(self) -> None:
            if self._counts and not self.cycle.response_complete:
                gate.enter(self._credentials)
                self._present.append(self._credentials)
            super().on_message_complete()

        def _start_asgi_task(self, cycle: Any, app: Any) -> None:
            super()._start_asgi_task(cycle, answering_at_once(app, cycle))

        def on_response_complete(self) -> None:
            if self._present:
                gate.leave(self._present.popleft())
            super().on_response_complete()

        def _note_headers(self) -> None:
            """Whose request it is, and whether it counts: streams have limits of their own."""
            self._credentials = b""
            self._counts = self.url.partition(b"?")[0] == graphql
            for name, value in self.headers:
                if name == b"authorization":
                    self._credentials = value
                elif (name == b"accept" and b"text/event-stream" in value) or name == b"upgrade":
                    self._counts = False

        def _refuse(self, refusal: bytes) -> None:
            self.cycle = _Refused()  # type: ignore[assignment]
            self._counts = False
            self.transport.write(refusal)
            if self.expect_100_continue or not self.parser.should_keep_alive():
                self.transport.close()
            else:
                super().on_response_complete()  # as after an answer

    return HTTPConnection


def websocket_protocol(settings: Settings) -> type[asyncio.Protocol]:
    """The protocol of WebSocket connections with these limits."""

    class WebSocketConnection(Watched, WebSocketsSansIOProtocol):
        """A WebSocket connection. What is sent returns only when the client keeps up, so nothing heaps up here."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.close_timeout = CLOSE_SECONDS  # who was told that it is over need not say that it knows
            self._sending = asyncio.Lock()

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self.watch(transport, settings.client_timeout_seconds)

        def keepalive_timeout(self) -> None:
            if self._stall.is_watched:  # the ping waits for the client to read what was sent before it
                self.pong_timer = self.loop.call_later(settings.client_timeout_seconds, self.keepalive_timeout)
                return
            super().keepalive_timeout()
            self.loop.call_later(CLOSE_SECONDS, self.transport.abort)  # it may never take the last words

        async def send(self, message: Any) -> None:
            async with self._sending:
                await super().send(message)
                await self.writable.wait()

    return WebSocketConnection
