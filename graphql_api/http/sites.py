"""Which sites' pages may ask: those of this server itself, and those of the origins that the operator allows.

A browser asks on behalf of any page that it shows. So what it says of where a request comes from is looked at before
anything else: `Origin`, `Sec-Fetch-Site`, and without authentication the `Host`, which keeps a page whose name was
made to point to 127.0.0.1 from being taken for one of ours.
"""

import ipaddress
from collections.abc import Collection
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from graphql_api.http.headers import Headers, headers_of, text_of
from graphql_api.security.errors import FORBIDDEN

ALLOWED_HEADERS: Final = "accept, authorization, content-type, last-event-id"
EXPOSED_HEADERS: Final = "retry-after, www-authenticate"
PREFLIGHT_SECONDS: Final = 600


class Sites:
    """Lets through what comes from the allowed sites, and from what is no browser."""

    def __init__(self, app: ASGIApp, *, origins: Collection[str], hosts: Collection[str], loopback_only: bool) -> None:
        """Put it before an application.

        Args:
            app: the application.
            origins: of other sites, as `https://dashboard.example.org`.
            hosts: further names by which the server may be called, if only loopback is served.
            loopback_only: whether the server may be called by loopback names only.
        """
        self._app = app
        self._origins = frozenset(origin.rstrip("/").lower() for origin in origins)
        self._hosts = frozenset(host.lower() for host in hosts)
        self._loopback_only = loopback_only

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or refuse it."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = headers_of(scope)
        origin = text_of(headers, b"origin")
        problem = self._problem(scope, headers, origin)
        if problem is not None:
            await _refuse(problem, scope, receive, send)
        elif origin is None or scope["type"] == "websocket" or origin.lower() not in self._origins:
            await self._app(scope, receive, send)
        elif scope["method"] == "OPTIONS" and b"access-control-request-method" in headers:
            await _preflight(origin)(scope, receive, send)
        else:
            await self._app(scope, receive, _telling(origin, send))

    def _problem(self, scope: Scope, headers: Headers, origin: str | None) -> str | None:
        host = text_of(headers, b"host") or ""
        if self._loopback_only and not self._is_ours(host):
            return (
                "Without authentication the server answers to loopback names only;"
                " EXECGRAPH_ALLOWED_HOSTS names further ones"
            )
        if origin is not None:
            if origin.lower() in self._origins or urlsplit(origin).netloc.lower() == host.lower() != "":
                return None
            return "The origin is not allowed; EXECGRAPH_ALLOWED_ORIGINS names those that are"
        # What a page of another site fetches without its origin is a GET that it cannot read, but can have executed.
        if (
            headers.get(b"sec-fetch-site") in (b"cross-site", b"same-site")
            and headers.get(b"sec-fetch-mode") != b"navigate"
            and scope["type"] == "http"
        ):
            return "Pages of other sites are not allowed"
        return None

    def _is_ours(self, host: str) -> bool:
        name = _name_in(host)
        return name in self._hosts or _is_loopback(name)


@lru_cache(maxsize=256)
def _name_in(host: str) -> str:
    """The name in a `Host` header, without the port."""
    return (urlsplit(f"//{host}").hostname or "") if host else ""


@lru_cache(maxsize=256)
def _is_loopback(name: str) -> bool:
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


async def _refuse(message: str, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": message})
        return
    error: dict[str, Any] = {"message": message, "extensions": {"code": FORBIDDEN}}
    await JSONResponse({"errors": [error]}, 403)(scope, receive, send)


def _preflight(origin: str) -> Response:
    return Response(
        status_code=204,
        headers={
            "access-control-allow-origin": origin,
            "access-control-allow-methods": "GET, POST",
            "access-control-allow-headers": ALLOWED_HEADERS,
            "access-control-max-age": str(PREFLIGHT_SECONDS),
            "vary": "origin",
        },
    )


def _telling(origin: str, send: Send) -> Send:
    """Let the page of an allowed origin read the answer."""

    async def told(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["access-control-allow-origin"] = origin
            headers["access-control-expose-headers"] = EXPOSED_HEADERS
            headers.add_vary_header("origin")
        await send(message)

    return told
