"""Every HTTP exchange and WebSocket connection, observed from outside of everything else."""

import logging
import time
from collections.abc import Callable
from typing import Any, Final

from prometheus_client import Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from graphql_api.observability.metrics import HTTP_REQUESTS, HTTP_SECONDS, WEBSOCKETS
from graphql_api.observability.request_id import HEADER, REQUEST_ID, RequestIds

logger = logging.getLogger("execgraph.requests")

OTHER_PATHS: Final = "(other)"
EVENT_STREAM: Final = b"text/event-stream"
"""What lasts for as long as somebody follows says nothing of how fast we are."""
NO_STATUS: Final = "(none)"
"""The client went away before there was an answer."""


class InFlight:
    """How many exchanges are under way: a number that is looked at, because a gauge takes as long as all the rest."""

    count = 0


IN_FLIGHT: Final = InFlight()


class Exchanges:
    """ASGI middleware: gives each request its id, counts and times it, and logs it where it is asked for or slow."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        paths: frozenset[str],
        log_all: bool,
        slow_seconds: float,
        is_leaving: Callable[[], bool] = lambda: False,
    ) -> None:
        """Wrap an application.

        Args:
            app: what answers.
            paths: those with numbers of their own; all others are counted together.
            log_all: log every request, not only the slow ones.
            slow_seconds: from how long on a request is logged.
            is_leaving: whether the process goes away, so that clients are to connect again, to another one.
        """
        self._app = app
        self._ids = RequestIds()
        self._paths = paths
        self._log_all = log_all
        self._slow_seconds = slow_seconds
        self._is_leaving = is_leaving
        self._answered: dict[tuple[str, object], tuple[Counter, Histogram]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one exchange."""
        if scope["type"] == "http":
            await self._serve(scope, receive, send)
        elif scope["type"] == "websocket":
            REQUEST_ID.set(self._ids.of(scope["headers"]))
            with WEBSOCKETS.track_inprogress():
                await self._app(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = self._ids.of(scope["headers"])
        REQUEST_ID.set(request_id)  # the server makes a task for each exchange: it ends with this
        status: object = NO_STATUS
        streams = False
        began = time.perf_counter()

        async def answer(message: Message) -> None:
            nonlocal status, streams
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = [*message.get("headers", ()), (HEADER, request_id.encode())]
                for name, value in headers:
                    if name == b"content-type":
                        streams = value.startswith(EVENT_STREAM)
                        break
                if self._is_leaving():
                    headers.append((b"connection", b"close"))
                message["headers"] = headers
            await send(message)

        IN_FLIGHT.count += 1
        try:
            await self._app(scope, receive, answer)
        except Exception:
            status = 500 if status is NO_STATUS else status  # as those further out answer
            raise
        finally:
            seconds = time.perf_counter() - began
            IN_FLIGHT.count -= 1
            self._count(scope["path"], status, None if streams else seconds)
            if self._log_all or (seconds >= self._slow_seconds and not streams):
                self._log(scope, status, seconds)

    def _count(self, path: str, status: object, seconds: float | None) -> None:
        key = (path if path in self._paths else OTHER_PATHS, status)
        bound = self._answered.get(key)
        if bound is None:
            bound = self._answered[key] = (HTTP_REQUESTS.labels(*key), HTTP_SECONDS.labels(key[0]))
        bound[0].inc()
        if seconds is not None:
            bound[1].observe(seconds)

    def _log(self, scope: Scope, status: object, seconds: float) -> None:
        fields: dict[str, Any] = {"status": status, "milliseconds": round(seconds * 1000, 1)}
        if client := scope.get("client"):
            fields["client"] = client[0]
        logger.info("%s %s", scope["method"], scope["path"], extra=fields)
