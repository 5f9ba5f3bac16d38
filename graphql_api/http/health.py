"""What an operator's machinery asks: whether the process lives, and whether it can serve."""

import asyncio
from typing import Any, Final

from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from db.database import Database, sqlstate
from db.hints import Hints
from db.transaction import Transaction
from graphql_api.http.draining import Draining
from graphql_api.observability.metrics import READY
from migrations import alembic_config

ANSWER_SECONDS: Final = 3.0
"""How long the database may take to answer; whoever asks waits no longer, and neither would a client."""

_UNDEFINED_TABLE = "42P01"
_READ_ONLY = text("SHOW transaction_read_only")


async def healthz(_: Request) -> Response:
    """Say that the process lives."""
    return PlainTextResponse("ok\n")


class Readiness:
    """Whether requests can be served."""

    def __init__(self, database: Database, hints: Hints, draining: Draining) -> None:
        self._database = database
        self._hints = hints
        self._draining = draining
        scripts = ScriptDirectory.from_config(alembic_config())
        self._head = scripts.get_current_head()
        self._older = {script.revision for script in scripts.walk_revisions()} - {self._head}

    async def readyz(self, _: Request) -> Response:
        """Say what holds: 200 if reads and writes get through to this version's tables, else 503 with the problem."""
        problem = await self._problem()
        READY.set(problem is None)
        if problem is not None:
            return JSONResponse({"ready": False, "problem": problem}, 503)
        listener = self._hints.listener
        hints = "arrive" if listener.listening else f"do not arrive, looking on a timer: {listener.problem}"
        return JSONResponse({"ready": True, "hints": hints})

    async def _problem(self) -> str | None:
        if self._draining.begun.is_set():
            return "the server is going away"
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                revision, read_only = await asyncio.gather(self._revision(), self._is_read_only())
        except Exception as error:
            return self._said_of(error)
        if revision in self._older or revision is None:
            return f"the tables are of revision {revision}, this version needs {self._head}: run `execgraph migrate`"
        if read_only:
            return "the database takes no writes: is it a standby?"
        return None  # of this version, or of a newer one, which keeps what this version needs

    async def _revision(self) -> Any:
        rows = await self._database.fetch("SELECT version_num FROM alembic_version")
        return rows[0][0] if rows else None

    async def _is_read_only(self) -> bool:
        """Ask by the pool that writes."""

        async def ask(transaction: Transaction) -> bool:
            return bool((await transaction.execute(_READ_ONLY)).scalar_one() == "on")

        return await self._database.run_command(ask)

    def _said_of(self, error: Exception) -> str:
        if sqlstate(error) == _UNDEFINED_TABLE:
            return "the tables are missing: run `execgraph migrate`"
        full = [name for name, pool in self._database.pools().items() if pool.in_use >= pool.limit]
        if isinstance(error, (TimeoutError, PoolTimeoutError)) and full:
            return f"all connections of the {' and '.join(full)} pool are in use"
        return f"the database does not answer ({type(error).__name__})"
