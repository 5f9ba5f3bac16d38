"""What is not counted as it happens but looked at: the pools, the hub, and how late the event loop is."""

import asyncio
import contextlib
import time
from importlib.metadata import version
from typing import Final

from db.database import Database
from db.hints import Hints
from graphql_api.observability.exchanges import IN_FLIGHT
from graphql_api.observability.metrics import (
    HTTP_IN_FLIGHT,
    HUB_LISTENING,
    HUB_WATCHED_RUNS,
    HUB_WATCHES,
    INFO,
    LOOP_LAG,
    POOL_IDLE,
    POOL_IN_USE,
    POOL_LIMIT,
    SHARED_FOLDER,
)

SAMPLE_SECONDS: Final = 1.0


class Sampling:
    """Looks when `/metrics` is asked, and each second where another process may answer: `async with Sampling(...):`."""

    def __init__(self, database: Database, hints: Hints) -> None:
        self._database = database
        self._hints = hints
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "Sampling":
        INFO.labels(version("execgraph")).set(1)
        self._task = asyncio.create_task(self._keep_looking())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._task is not None
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def _keep_looking(self) -> None:
        while True:
            if SHARED_FOLDER is not None:
                self.look()
            began = time.monotonic()
            await asyncio.sleep(SAMPLE_SECONDS)
            LOOP_LAG.set(max(0.0, time.monotonic() - began - SAMPLE_SECONDS))

    def look(self) -> None:
        """Note how things stand."""
        HTTP_IN_FLIGHT.set(IN_FLIGHT.count)
        for name, pool in self._database.pools().items():
            POOL_IN_USE.labels(name).set(pool.in_use)
            POOL_IDLE.labels(name).set(pool.idle)
            POOL_LIMIT.labels(name).set(pool.limit)
        HUB_LISTENING.set(self._hints.listening)
        watches = self._hints.watches()
        HUB_WATCHED_RUNS.set(watches.runs)
        HUB_WATCHES.labels("run").set(watches.of_runs)
        HUB_WATCHES.labels("list").set(watches.of_lists)
