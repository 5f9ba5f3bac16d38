"""What the server does by itself: fail runs whose engine died, and forget old idempotency keys.

Every process does all of it; the rows' locks see to it that each thing is done once.
"""

import asyncio
import contextlib
import logging
import time
from datetime import timedelta

from db.commands.heartbeats import fail_silent_run, find_silent_runs
from db.commands.idempotency import forget_calls
from db.database import Database
from db.errors import NotFoundError

logger = logging.getLogger("execgraph.upkeep")

HEARTBEAT_CHECK_SECONDS = 1.0
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
        listening_since = time.monotonic()
        while True:
            try:
                await self._fail_all_silent(timedelta(seconds=time.monotonic() - listening_since))
            except Exception as error:
                logger.warning("cannot look for silent runs: %s", error)
                await asyncio.sleep(HEARTBEAT_CHECK_SECONDS)
                listening_since = time.monotonic()
            await asyncio.sleep(HEARTBEAT_CHECK_SECONDS)

    async def _fail_all_silent(self, listening_for: timedelta) -> None:
        async with self._database.session() as session:
            silent = await find_silent_runs(session, listening_for, RUNS_PER_CHECK)
        for run_id in silent:
            with contextlib.suppress(NotFoundError):
                if await self._database.run_command(lambda session, run_id=run_id: fail_silent_run(session, run_id)):  # type: ignore[misc]
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
