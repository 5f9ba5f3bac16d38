"""Several worker processes on one socket: started, kept up, restarted one by one, ended in order.

The socket is opened once and shared, so connections queue in it whichever workers come and go: nobody is refused.
"""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Callable
from typing import Final

from prometheus_client.multiprocess import mark_process_dead

from graphql_api.server import ServerError
from graphql_api.settings import Settings

logger = logging.getLogger("execgraph.supervisor")

BACKLOG: Final = 2_048
START_SECONDS: Final = 60.0
"""How long a worker may take until it serves."""
AGAIN_SECONDS: Final = 1.0
"""How long after a worker ended unasked another one is started in its place."""
KILL_SECONDS: Final = 10.0
"""How long a worker may take to end beyond what it is given to drain."""


class Supervisor:
    """Keeps so many workers."""

    def __init__(self, opened: socket.socket, environment: dict[str, str], count: int, stop_seconds: float) -> None:
        """Prepare.

        Args:
            opened: what they serve on.
            environment: theirs.
            count: how many.
            stop_seconds: how long one may take to end before it is killed.
        """
        self._opened = opened
        self._environment = environment
        self._stop_seconds = stop_seconds
        self._workers: list[asyncio.subprocess.Process | None] = [None] * count
        self._stopping = asyncio.Event()
        self._restarting = asyncio.Event()

    async def run(self, begun: Callable[[], None]) -> None:
        """Serve until SIGTERM or SIGINT, and call `begun` from when on.

        Raises:
            ServerError: the workers do not start.
        """
        loop = asyncio.get_running_loop()
        for signal_ in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(signal_, self._stopping.set)
        loop.add_signal_handler(signal.SIGHUP, self._restarting.set)
        try:
            started = await asyncio.gather(*(self._start() for _ in self._workers), return_exceptions=True)
            self._workers = [worker for worker in started if isinstance(worker, asyncio.subprocess.Process)]
            if len(self._workers) < len(started):
                raise ServerError("The workers do not start; the log above says why")
            begun()
            keeping = [asyncio.create_task(self._keep(place)) for place in range(len(self._workers))]
            restarting = asyncio.create_task(self._restart_when_asked())
            await self._stopping.wait()
            for task in (restarting, *keeping):
                task.cancel()
            await asyncio.gather(restarting, *keeping, return_exceptions=True)
        finally:
            await asyncio.gather(*(self._stop(worker) for worker in self._workers if worker is not None))

    async def _start(self) -> asyncio.subprocess.Process:
        """Start a worker, and wait until it serves."""
        reading, writing = os.pipe()
        command = [sys.executable, "-m", "graphql_api.worker", str(self._opened.fileno()), str(writing)]
        worker = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            env=self._environment,
            pass_fds=(self._opened.fileno(), writing),
        )
        os.close(writing)
        try:
            said = await asyncio.wait_for(asyncio.to_thread(os.read, reading, 1), START_SECONDS)
        except TimeoutError:
            said = b""
            worker.kill()
        finally:
            os.close(reading)
        if not said:
            await worker.wait()
            raise ServerError("A worker does not start")
        return worker

    async def _keep(self, place: int) -> None:
        """Start another worker whenever this one ended unasked."""
        while True:
            worker = self._workers[place]
            if worker is not None:
                code = await worker.wait()
                if self._workers[place] is not worker:
                    continue  # it was replaced
                self._workers[place] = None
                _forget(worker.pid)
                logger.warning("a worker ended with code %s; another one takes its place", code)
                await asyncio.sleep(AGAIN_SECONDS)
            try:
                self._workers[place] = await self._start()
            except ServerError as error:
                logger.error("%s", error)
                await asyncio.sleep(AGAIN_SECONDS)

    async def _restart_when_asked(self) -> None:
        while True:
            await self._restarting.wait()
            self._restarting.clear()
            for place in range(len(self._workers)):
                try:
                    worker = await self._start()
                except ServerError as error:
                    logger.error("%s; the others go on as they are", error)
                    break
                old, self._workers[place] = self._workers[place], worker
                if old is not None:
                    await self._stop(old)
            else:
                logger.info("all workers were restarted")

    async def _stop(self, worker: asyncio.subprocess.Process) -> None:
        with contextlib.suppress(ProcessLookupError):
            worker.terminate()
        try:
            await asyncio.wait_for(worker.wait(), self._stop_seconds)
        except TimeoutError:
            logger.error("worker %s did not end in time and is killed", worker.pid)
            worker.kill()
            await worker.wait()
        _forget(worker.pid)


def _forget(pid: int) -> None:
    """What a process that is gone said of itself is not true any more; what it counted still is."""
    mark_process_dead(pid)  # type: ignore[no-untyped-call]


def supervise(settings: Settings, opened: socket.socket, count: int, begun: Callable[[], None]) -> None:
    """Serve with so many workers until SIGINT or SIGTERM, and call `begun` from when on; SIGHUP restarts them in turn.

    Raises:
        ServerError: they do not start.
    """
    opened.listen(BACKLOG)
    assert settings.database_url is not None
    with tempfile.TemporaryDirectory(prefix="execgraph-metrics-") as folder:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        environment = {**os.environ, "DATABASE_URL": settings.database_url}
        stop_seconds = settings.drain_seconds + settings.linger_seconds + KILL_SECONDS
        supervisor = Supervisor(opened, environment, count, stop_seconds)
        asyncio.run(supervisor.run(begun))
