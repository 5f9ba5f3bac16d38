"""The dashboard: the pages that `make dashboard` builds, served at `/`."""

import gzip
from dataclasses import dataclass
from hashlib import sha256
from mimetypes import guess_type
from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

BUILT = Path(__file__).parents[1] / "static" / "dashboard"

PAGES = ["/", "/runs/{run}", "/runs/{run}/{view}"]
"""The addresses the page itself knows; to anything else the answer is 404."""

HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " font-src 'self'; connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'",
    "cross-origin-opener-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}

NOT_BUILT = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>execgraph</title>
<h1>The API is served; the dashboard is not built</h1>
<p>In a checkout, install <a href="https://nodejs.org">Node.js</a> 20.19 or later, run <code>make dashboard</code> and
start the server again. The wheel has the dashboard in it.</p>
<p>The API is at <a href="/graphql">/graphql</a>.</p>
"""

_FOR_EVER = "public, max-age=31536000, immutable"
_ASK_AGAIN = "no-cache"
_COMPRESSED = ("text/", "image/svg", "application/json")
_WORTH_COMPRESSING = 1_000


@dataclass(frozen=True, slots=True)
class Asset:
    """A file of the build, ready to be sent."""

    body: bytes
    compressed: bytes | None
    media_type: str
    etag: str
    cache_control: str

    async def answer(self, request: Request) -> Response:
        """Send it, or that the client has it."""
        headers = {**HEADERS, "etag": self.etag, "cache-control": self.cache_control}
        if self.compressed is not None:
            headers["vary"] = "accept-encoding"
        if self.etag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        if self.compressed is not None and "gzip" in request.headers.get("accept-encoding", ""):
            headers["content-encoding"] = "gzip"
            return Response(self.compressed, headers=headers, media_type=self.media_type)
        return Response(self.body, headers=headers, media_type=self.media_type)


def dashboard_routes(folder: Path = BUILT) -> list[BaseRoute]:
    """The routes of the dashboard, whose few files are held in memory; without a build, one that says how to get it."""
    if not (folder / "index.html").is_file():
        return [Route("/", _not_built)]
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    assets = {file.relative_to(folder).as_posix(): _read(file) for file in files}
    index = assets.pop("index.html")

    places = [*((f"/{name}", asset) for name, asset in assets.items()), *((path, index) for path in PAGES)]
    return [Route(path, asset.answer) for path, asset in places]


def _read(file: Path) -> Asset:
    body = file.read_bytes()
    media_type = guess_type(file.name)[0] or "application/octet-stream"
    worth = len(body) >= _WORTH_COMPRESSING and media_type.startswith(_COMPRESSED)
    hashed = file.parent.name == "assets"  # its name changes with what is in it
    return Asset(
        body,
        gzip.compress(body, mtime=0) if worth else None,
        media_type,
        f'"{sha256(body).hexdigest()[:32]}"',
        _FOR_EVER if hashed else _ASK_AGAIN,
    )


async def _not_built(_: Request) -> Response:
    return HTMLResponse(NOT_BUILT, headers={**HEADERS, "cache-control": _ASK_AGAIN})
