"""Running the server: a socket, uvicorn, and an end in order."""

import ipaddress
import signal
import socket
import sys
from types import FrameType

import uvicorn

from graphql_api.http.app import create_app
from graphql_api.settings import Settings

DRAIN_SECONDS = 5


class ServerError(Exception):
    """The server cannot start; the message is one line that says why and what to do."""


def listen(host: str, port: int) -> socket.socket:
    """Open the socket to serve on, on loopback only: there is no authentication.

    Raises:
        ServerError: the address is not loopback, or the port is in use.
    """
    if not _is_loopback(host):
        raise ServerError(f"{host} is not a loopback address; without authentication the server listens on 127.0.0.1")
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


def serve(settings: Settings, opened: socket.socket) -> None:
    """Serve until SIGINT or SIGTERM; requests in flight are finished first."""
    signal.signal(signal.SIGTERM, _leave)  # uvicorn raises it again at its end, and our caller has to clean up
    config = uvicorn.Config(
        create_app(settings),
        log_config=None,
        loop="uvloop" if sys.platform != "win32" else "asyncio",
        http="httptools",
        ws="websockets-sansio",
        ws_max_size=settings.max_body_bytes,
        timeout_graceful_shutdown=DRAIN_SECONDS,
        server_header=False,
    )
    uvicorn.Server(config).run(sockets=[opened])


def _leave(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)
