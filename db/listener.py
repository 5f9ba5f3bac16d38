"""The one connection of a process that listens: whether hints of other processes arrive, found out by a round trip."""

import asyncio
import contextlib
import logging
import random
from collections.abc import Callable, Sequence
from typing import Any, Final
from uuid import uuid4

import asyncpg
from sqlalchemy.engine import URL

from db.database import Database, asyncpg_url
from db.errors import HintsUnavailableError

logger = logging.getLogger("execgraph.hints")

CHANNEL: Final = "execgraph"
CHECK_SECONDS: Final = 15.0
"""How often the listening connection is tried with a round trip."""
ROUND_TRIP_SECONDS: Final = 5.0


class Listener:
    """Hears what other processes notify, and notifies them: `async with Listener(...) as listener:`."""

    def __init__(
        self,
        database: Database,
        listen_url: str | URL | None,
        heard: Callable[[Sequence[str]], None],
        missed: Callable[[], None],
    ) -> None:
        """Prepare.

        Args:
            database: where to notify.
            listen_url: a direct address of the same database, if it is reached through a pooler that passes on no
                notifications; by default the database's own.
            heard: called with what another process notified.
            missed: called when listening begins, for what was not heard before.

        Raises:
            ValueError: the address names another kind of database.
        """
        self.listening = False
        self.problem: str | None = "not tried yet"
        """Why it does not."""
        self.reconnects = 0
        """How often listening was lost."""
        self._database = database
        self._listen_url = database.url if listen_url is None else asyncpg_url(listen_url)
        self._heard = heard
        self._missed = missed
        self._origin = uuid4().hex
        self._task: asyncio.Task[None] | None = None
        self._echo = asyncio.Event()

    async def __aenter__(self) -> "Listener":
        self._task = asyncio.create_task(self._listen())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._task is not None
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def notify(self, what: Sequence[str]) -> None:
        """Notify other processes; raises what keeps it from being sent."""
        await self._database.fetch("SELECT pg_notify($1, $2)", CHANNEL, ",".join([self._origin, *what]))

    async def _listen(self) -> None:
        failures = 0
        while True:
            try:
                await self._listen_once()
            except Exception as error:  # asyncpg raises its InternalClientError, too, if it is cut at a bad moment
                self.problem = str(error) or type(error).__name__
                if self.listening or failures == 0:
                    logger.warning("no hints from other processes, looking on a timer: %s", self.problem)
                failures = 1 if self.listening else failures + 1
                self.reconnects += self.listening
                self.listening = False
            await asyncio.sleep(random.uniform(0.5, 1.0) * min(0.1 * 2**failures, 10))  # noqa: S311 - spreads tries

    async def _listen_once(self) -> None:
        """Listen until the connection fails; raises what made it fail."""
        options = self._database.connect_options(self._listen_url)
        connection: asyncpg.Connection[Any] = await asyncpg.connect(**options, timeout=ROUND_TRIP_SECONDS)
        gone = asyncio.Event()
        connection.add_termination_listener(lambda _: gone.set())
        try:
            await connection.add_listener(CHANNEL, self._hear)
            while True:
                await self._round_trip()
                if not self.listening:
                    self.listening, self.problem = True, None
                    logger.info("hints from other processes arrive")
                    self._missed()  # what happened while nobody listened
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(CHECK_SECONDS):
                        await gone.wait()
                        raise ConnectionError("the listening connection was closed")
        finally:
            connection.terminate()

    async def _round_trip(self) -> None:
        """Send a hint the way hints go, and wait until it comes back.

        Not over the listening connection: behind a pooler in transaction mode that one may by chance hear itself.

        Raises:
            HintsUnavailableError: it does not come back.
            Exception: it cannot be sent, and nothing has arrived yet.
        """
        self._echo.clear()
        try:
            async with asyncio.timeout(ROUND_TRIP_SECONDS):
                await self.notify(())
        except Exception:
            if self.listening:
                return  # the database is busy or away: that says nothing about hints
            raise
        try:
            async with asyncio.timeout(ROUND_TRIP_SECONDS):
                await self._echo.wait()
        except TimeoutError as error:
            raise HintsUnavailableError(
                "LISTEN was accepted but delivers nothing; is a pooler in between, or is it another database?"
            ) from error

    def _hear(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        origin, *what = str(payload).split(",")
        if origin == self._origin:
            self._echo.set()  # it was told here already
            return
        self._heard(what)
