"""What the server does by itself: fail runs whose engine died, and forget old idempotency keys.

Every process does all of it; the rows' locks see to it that each thing is done once.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from uuid import UUID

from db.commands.heartbeats import fail_silent_run, find_silent_runs
from db.commands.idempotency import forget_calls
from db.database import Database
from db.errors import NotFoundError

logger = logging.getLogger("execgraph.upkeep")

HEARTBEAT_CHECK_SECONDS = 1.0
STANDSTILL_SECONDS = 5.0
"""A check that comes so late, or takes so long, says that nobody could report meanwhile."""
RUNS_PER_CHECK = 100
FORGET_SECONDS = 60.0
CALLS_PER_STATEMENT = 1_000


class Upkeep:
    """The background work of one process: `async with Upkeep(database, keep_calls=...):`."""

    def __init__(self, database: Database, keep_calls: timedelta) -> None:
        self._database = database
        self._keep_calls = keep_calls
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> "Upkeep":
        self._tasks = [asyncio.create_task(self._fail_silent_runs()), asyncio.create_task(self._forget_calls())]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _fail_silent_runs(self) -> None:
        """Look again and again; a run has its whole timeout from when reports could be heard (again)."""
        listening_since = looked_at = time.monotonic()
        while True:
            try:
                silent = await self._silent_runs(timedelta(seconds=time.monotonic() - listening_since))
                if time.monotonic() - looked_at > STANDSTILL_SECONDS:
                    # This process or the database stood still, and reports with it.
                    listening_since = time.monotonic()
                else:
                    await self._fail(silent)
            except Exception as error:
                logger.warning("cannot look for silent runs: %s", error)
                await asyncio.sleep(HEARTBEAT_CHECK_SECONDS)
                listening_since = time.monotonic()
            looked_at = time.monotonic()
            await asyncio.sleep(HEARTBEAT_CHECK_SECONDS)

    async def _silent_runs(self, listening_for: timedelta) -> list[UUID]:
        async with self._database.session() as session:
            return await find_silent_runs(session, listening_for, RUNS_PER_CHECK)

    async def _fail(self, silent: Sequence[UUID]) -> None:
        for run_id in silent:
            with contextlib.suppress(NotFoundError):
                if await self._database.run_command(partial(fail_silent_run, id=run_id)):
                    logger.warning("run %s failed: its engine is not heard of any more", run_id)

    async def _forget_calls(self) -> None:
        while True:
            try:
                while await self._database.run_command(
                    lambda session: forget_calls(session, self._keep_calls, CALLS_PER_STATEMENT)
                ):
                    pass
            except Exception as error:
                logger.warning("cannot forget old idempotency keys: %s", error)
            await asyncio.sleep(FORGET_SECONDS)
