"""Servers that tests kill, cut and restart: the API in a process of its own, and a PostgreSQL of one's own."""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import httpx
from sqlalchemy import make_url

from db.embedded import EmbeddedPostgres
from graphql_api.cli import migrate
from tests.conftest import FAST
from tests.reliability.store import connect, fetch

START_SECONDS = 60.0


class ServerProcess:
    """`execgraph serve` in a process of its own, always on the same port."""

    def __init__(self, database_url: str, **settings: str) -> None:
        variables = {f"EXECGRAPH_{name.upper()}": value for name, value in settings.items()}
        self._environment = {**os.environ, "DATABASE_URL": database_url, **variables}
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> "ServerProcess":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        """Return when it serves."""
        command = [sys.executable, "-m", "graphql_api.cli", "serve", "--port", str(self.port)]
        self._process = subprocess.Popen(
            command, env=self._environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            assert self._process.poll() is None, "the server did not start"
            try:
                if httpx.get(f"{self.url}/readyz").status_code == httpx.codes.OK:
                    return
            except httpx.TransportError:
                time.sleep(0.02)
        raise AssertionError(f"the server was not ready within {START_SECONDS} seconds")

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def kill(self) -> None:
        """End it in the midst of what it does."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()


class OwnPostgres:
    """A PostgreSQL of one's own, which can be restarted: its URL stays the same."""

    def __init__(self, folder: Path) -> None:
        # The system stays up, so what is written is there although it is not flushed; but it must be written.
        settings = FAST | {"synchronous_commit": "on", "max_connections": "120"}
        self._server = EmbeddedPostgres(folder / "data", settings=settings)
        self._link = folder / "sockets"

    def start(self) -> None:
        self._server.start()
        self._link.unlink(missing_ok=True)
        self._link.symlink_to(str(make_url(self._server.url()).query["host"]))

    def stop(self) -> None:
        self._server.stop()

    @property
    def url(self) -> str:
        url = make_url(self._server.url()).update_query_dict({"host": str(self._link)})
        return url.render_as_string(hide_password=False)

    async def crash(self) -> None:
        """Kill one of its processes: the server ends all others, recovers, and goes on."""
        connection = await connect(self.url)
        os.kill(connection.get_server_pid(), signal.SIGKILL)
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            try:
                await fetch(self.url, "SELECT 1")
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await asyncio.sleep(0.02)
            else:
                return


@contextmanager
def own_postgres() -> Iterator[OwnPostgres]:
    """A migrated one."""
    folder = Path(tempfile.mkdtemp(prefix="execgraph-test-", dir="/tmp"))
    folder.chmod(0o755)
    postgres = OwnPostgres(folder)
    postgres.start()
    migrate(postgres.url)
    try:
        yield postgres
    finally:
        postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)
