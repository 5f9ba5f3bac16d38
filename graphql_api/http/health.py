"""What an operator's machinery asks: whether the process lives, and whether it can serve."""

from alembic.script import ScriptDirectory
from sqlalchemy import text
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from db.database import Database
from db.hints import Hints
from migrations import alembic_config


async def healthz(_: Request) -> Response:
    """Say that the process lives."""
    return PlainTextResponse("ok\n")


class Readiness:
    """Whether requests can be served."""

    def __init__(self, database: Database, hints: Hints) -> None:
        self._database = database
        self._hints = hints
        self._head = ScriptDirectory.from_config(alembic_config()).get_current_head()

    async def readyz(self, _: Request) -> Response:
        """Say what holds: 200 if the database answers and has this version's tables, else 503."""
        try:
            async with self._database.read() as connection:
                at = (await connection.execute(text("SELECT version_num FROM alembic_version"))).scalar_one_or_none()
        except Exception as error:
            problem = "the tables are missing: run `execgraph migrate`"
            if "alembic_version" not in str(error):
                problem = f"the database does not answer ({type(error).__name__})"
            return JSONResponse({"ready": False, "problem": problem}, 503)
        hints = "arrive" if self._hints.listening else "do not arrive; looking on a timer"
        if at != self._head:
            problem = f"the tables are of revision {at}, this version needs {self._head}: run `execgraph migrate`"
            return JSONResponse({"ready": False, "problem": problem}, 503)
        return JSONResponse({"ready": True, "hints": hints})
