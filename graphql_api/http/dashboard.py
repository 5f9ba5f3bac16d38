"""The dashboard and GraphiQL: the pages that `make dashboard` builds."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from mimetypes import guess_type
from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from graphql_api.http.compression import accepts_gzip, compressed

BUILT = Path(__file__).parents[1] / "static" / "dashboard"

PAGES = ["/", "/runs/{run}", "/runs/{run}/{view}"]
"""The addresses the page itself knows; to anything else the answer is 404."""

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src {styles}; img-src 'self' data:; font-src 'self' data:;"
    " connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": _POLICY.format(styles="'self'"),
    "cross-origin-opener-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}

GRAPHIQL_HEADERS = {
    **HEADERS,
    "content-security-policy": _POLICY.format(styles="'self' 'unsafe-inline'"),  # its editor writes styles
}

NOT_BUILT = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>execgraph</title>
<h1>The API is served; the dashboard is not built</h1>
<p>In a checkout, install <a href="https://nodejs.org">Node.js</a> 20.19 or later, run <code>make dashboard</code> and
start the server again. The wheel has the dashboard in it.</p>
<p>The API is at <a href="/graphql">/graphql</a>.</p>
"""

_GRAPHIQL = "graphiql.html"
_FOR_EVER = "public, max-age=31536000, immutable"
_ASK_AGAIN = "no-cache"
_COMPRESSED = ("text/", "image/svg", "application/json")
_WORTH_COMPRESSING = 1_000
_LEVEL = 9
"""The best: it is done once."""


@dataclass(slots=True)
class Asset:
    """A file of the build, ready to be sent."""

    body: bytes
    media_type: str
    etag: str
    cache_control: str
    headers: Mapping[str, str] = field(default_factory=lambda: HEADERS)
    _compressed: bytes | None = field(default=None, init=False)
    """Made when it is first asked for: most never are."""

    async def answer(self, request: Request) -> Response:
        """Send it, or that the client has it."""
        headers = {**self.headers, "etag": self.etag, "cache-control": self.cache_control}
        is_worth_compressing = len(self.body) >= _WORTH_COMPRESSING and self.media_type.startswith(_COMPRESSED)
        if is_worth_compressing:
            headers["vary"] = "accept-encoding"
        if self.etag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        if is_worth_compressing and accepts_gzip(request.headers.get("accept-encoding", "")):
            headers["content-encoding"] = "gzip"
            if self._compressed is None:
                self._compressed = await compressed(self.body, _LEVEL)
            return Response(self._compressed, headers=headers, media_type=self.media_type)
        return Response(self.body, headers=headers, media_type=self.media_type)


def dashboard_routes(folder: Path = BUILT) -> list[BaseRoute]:
    """The routes of the dashboard, whose few files are held in memory; without a build, one that says how to get it."""
    if not (folder / "index.html").is_file():
        return [Route("/", _not_built)]
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    assets = {file.relative_to(folder).as_posix(): _read(file) for file in files if file.name != _GRAPHIQL}
    index = assets.pop("index.html")

    places = [*((f"/{name}", asset) for name, asset in assets.items()), *((path, index) for path in PAGES)]
    return [Route(path, asset.answer) for path, asset in places]


def graphiql(folder: Path = BUILT) -> Asset | None:
    """GraphiQL, for browsers that come to the API; None without a build."""
    page = folder / _GRAPHIQL
    return replace(_read(page), headers=GRAPHIQL_HEADERS) if page.is_file() else None


def _read(file: Path) -> Asset:
    body = file.read_bytes()
    hashed = file.parent.name == "assets"  # its name changes with what is in it
    return Asset(
        body,
        guess_type(file.name)[0] or "application/octet-stream",
        f'"{sha256(body).hexdigest()[:32]}"',
        _FOR_EVER if hashed else _ASK_AGAIN,
    )


async def _not_built(_: Request) -> Response:
    return HTMLResponse(NOT_BUILT, headers={**HEADERS, "cache-control": _ASK_AGAIN})
