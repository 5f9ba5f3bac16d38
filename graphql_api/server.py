"""Running the server: a socket, uvicorn, and an end in order."""

import asyncio
import gc
import ipaddress
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from types import FrameType

import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from graphql_api.http.app import create_app
from graphql_api.http.draining import Draining
from graphql_api.http.protocols import http_protocol, websocket_protocol
from graphql_api.settings import Settings

LINGER_CHECK_SECONDS = 0.02

GARBAGE_THRESHOLDS = (20_000, 20, 100)
"""Python's default of 700 looks several times in each request of a thousand entries: a quarter of its time."""


class DrainingServer(uvicorn.Server):
    """uvicorn, which before it waits for what is in flight ends what has no end of its own."""

    def __init__(
        self,
        config: uvicorn.Config,
        draining: Draining,
        linger_seconds: float = 0.0,
        begun: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(config)
        self._draining = draining
        self._linger_seconds = linger_seconds
        self._begun = begun

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so: who connects before is refused."""
        await super().startup(sockets)
        if self.started:
            self._begun()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop accepting, tell subscribers to come back, finish what is in flight; give up what takes too long."""
        for server in self.servers:
            server.close()
        limit = self.config.timeout_graceful_shutdown
        assert limit is not None
        began = time.monotonic()
        await self._draining.begin(limit)
        await self._linger(min(limit, self._linger_seconds))
        left = max(0.0, limit - (time.monotonic() - began))
        self.config.timeout_graceful_shutdown = left  # type: ignore[assignment]
        abandoning = asyncio.get_running_loop().call_later(left, self._abandon)
        await super().shutdown(sockets)
        abandoning.cancel()

    async def _linger(self, seconds: float) -> None:
        """Give clients whose connection is idle the time to send another request: its answer closes the connection.

        Closed at once, the request that is just on its way would fail, and its client not know whether it was done.
        """
        until = time.monotonic() + seconds
        while self.server_state.connections and time.monotonic() < until:  # noqa: ASYNC110 - uvicorn tells nobody
            await asyncio.sleep(LINGER_CHECK_SECONDS)

    def _abandon(self) -> None:
        for connection in list(self.server_state.connections):
            connection.transport.abort()


class Forwarded:
    """uvicorn's way of taking what a trusted proxy says of the client, for requests in which one says something."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._forwarded = ProxyHeadersMiddleware(app, os.environ.get("FORWARDED_ALLOW_IPS", "127.0.0.1"))  # type: ignore[arg-type]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one exchange or connection."""
        for name, _ in scope.get("headers", ()):
            if name.startswith(b"x-forwarded-"):
                await self._forwarded(scope, receive, send)  # type: ignore[arg-type]
                return
        await self._app(scope, receive, send)


def server_config(app: Starlette, settings: Settings) -> uvicorn.Config:
    """How the application is served."""
    return uvicorn.Config(
        Forwarded(app),
        proxy_headers=False,
        access_log=False,
        log_config=None,
        loop="uvloop" if sys.platform != "win32" else "asyncio",
        http=http_protocol(settings, app.state.context.admission),
        ws=websocket_protocol(settings),
        ws_max_size=settings.max_body_bytes,
        ws_ping_interval=settings.ping_seconds,
        ws_ping_timeout=settings.client_timeout_seconds,
        ws_per_message_deflate=False,  # it takes more time and memory than the messages are worth
        timeout_graceful_shutdown=settings.drain_seconds,
        server_header=False,
    )


class ServerError(Exception):
    """The server cannot start; the message is one line that says why and what to do."""


def listen(host: str, port: int, *, authenticates: bool = False) -> socket.socket:
    """Open the socket to serve on; on loopback only where callers need not say who they are.

    Raises:
        ServerError: the address is not loopback although it has to be, or the port is in use.
    """
    if not authenticates and not _is_loopback(host):
        raise ServerError(
            f"{host} is not a loopback address; without authentication the server listens on 127.0.0.1."
            " Set EXECGRAPH_AUTHENTICATION=required and make tokens with `execgraph token create`"
        )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    opened = socket.socket(family, socket.SOCK_STREAM)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        opened.bind((host, port))
    except OSError as error:
        opened.close()
        raise ServerError(f"Cannot listen on {host}:{port} ({error.strerror}); choose another with --port") from error
    return opened


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def settle_garbage_collector() -> None:
    """Let it look at what requests leave behind, and seldom: the schema and the modules stay."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE_THRESHOLDS)


def serve(settings: Settings, opened: socket.socket, begun: Callable[[], None]) -> None:
    """Serve until SIGINT or SIGTERM, and call `begun` from when on; requests in flight are finished first."""
    signal.signal(signal.SIGTERM, _leave)  # uvicorn raises it again at its end, and our caller has to clean up
    app = create_app(settings)
    settle_garbage_collector()
    server = DrainingServer(server_config(app, settings), app.state.draining, settings.linger_seconds, begun)
    server.run(sockets=[opened])


def _leave(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)
