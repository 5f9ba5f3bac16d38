"""Runs as files over HTTP: `GET /export?run=...` streams them, `POST /import` restores them."""

import tempfile
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final
from uuid import UUID

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from db.archive import ArchiveError, export_runs, import_archive
from db.availability import is_unavailable
from db.database import Database
from db.enums import Role
from db.errors import NotFoundError
from graphql_api.security.authentication import Authentication
from graphql_api.security.errors import ForbiddenError, SecurityError

MEDIA_TYPE: Final = "application/x-ndjson"
MAX_RUNS: Final = 1_000
"""Of one request."""


class Archives:
    """Exports and imports."""

    def __init__(self, database: Database, authentication: Authentication, max_bytes: int) -> None:
        self._database = database
        self._authentication = authentication
        self._max_bytes = max_bytes

    async def export(self, request: Request) -> Response:
        """Stream the runs that are named; an answer that breaks off has no seal, and cannot be imported."""
        if (refused := await self._turned_away(request)) is not None:
            return refused
        try:
            runs = [UUID(run) for run in request.query_params.getlist("run")]
        except ValueError:
            return _refused(400, "`run` must be the id of a run")
        if not 1 <= len(runs) <= MAX_RUNS:
            return _refused(400, f"Name 1 to {MAX_RUNS} runs: /export?run=...&run=...")
        sub_runs = request.query_params.get("subRuns") == "true"
        chunks = export_runs(self._database, runs, sub_runs=sub_runs)
        try:
            first = await anext(chunks)  # whatever is wrong is found out here
        except NotFoundError as error:
            return _refused(404, str(error))
        except Exception as error:
            if is_unavailable(error):
                return _refused(503, "The database cannot be reached; try again")
            raise
        return StreamingResponse(_with_first(first, chunks), media_type=MEDIA_TYPE)

    async def import_(self, request: Request) -> Response:
        """Restore an archive: all of it, or nothing."""
        if (refused := await self._turned_away(request)) is not None:
            return refused
        if request.headers.get("content-type", "").split(";")[0].strip().lower() != MEDIA_TYPE:
            return _refused(415, f"The content type must be {MEDIA_TYPE}")  # one that no form of another site can send
        size = 0
        with tempfile.TemporaryFile() as spooled:
            async for chunk in request.stream():
                size += len(chunk)
                if size > self._max_bytes:
                    return _refused(413, f"The archive is larger than {self._max_bytes} bytes")
                spooled.write(chunk)
            try:
                imported = await import_archive(self._database, spooled)
            except ArchiveError as error:
                return _refused(422, str(error))
            except Exception as error:
                if is_unavailable(error):
                    return _refused(503, "The database cannot be reached; try again")
                raise
        losses = {"lostReferences": imported.lost_references, "lostKeys": imported.lost_keys}
        return JSONResponse({"runs": len(imported.runs), **losses})

    async def _turned_away(self, request: Request) -> Response | None:
        """Who may export and import: an archive holds everything, secrets in clear, of whatever namespace."""
        try:
            access = await self._authentication.access(request.headers.get("authorization"))
            if not access.may(Role.ADMIN) or access.namespaces is not None or not access.shows_secrets:
                raise ForbiddenError(
                    "An archive holds secrets in clear: this takes the token of an admin who is not limited to"
                    " namespaces. Where the database is at hand, there are `execgraph export` and `execgraph import`"
                )
        except SecurityError as error:
            return _refused(error.status, error.message, error.headers)
        return None


def _refused(status: int, problem: str, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse({"problem": problem}, status, headers)


async def _with_first(first: bytes, chunks: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    async with aclosing(chunks):
        yield first
        async for chunk in chunks:
            yield chunk
