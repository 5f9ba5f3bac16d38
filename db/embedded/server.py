"""The embedded server, put together."""

import os
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import asyncpg
from sqlalchemy import URL

from db.embedded import cluster, pid_file
from db.embedded.account import Account
from db.embedded.binaries import Binaries
from db.embedded.data_folder import DataFolder
from db.embedded.databases import ensure_database
from db.embedded.errors import (
    DataFolderInUseError,
    DataFolderUnusableError,
    NotRunningError,
    StartupError,
)
from db.embedded.process import ServerProcess
from db.embedded.shared_copy import reachable
from db.embedded.socket_folder import PORT, socket_folder


def default_data_dir() -> Path:
    """Return the data folder of whoever does not choose one."""
    if os.geteuid() == 0:
        return Path("/var/lib/execgraph/postgres")
    data_home = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share"
    return Path(data_home) / "execgraph" / "postgres"


@dataclass(frozen=True)
class _Running:
    binaries: Binaries
    process: ServerProcess
    sockets: Path
    resources: ExitStack


class EmbeddedPostgres:
    """A PostgreSQL server of our own, in `data_dir`, for as long as this process wants it.

    Args:
        data_dir: Where everything is kept; made if missing. Only one server at a time can have it.
        database: Created if missing.
        settings: Server settings, as in `{"fsync": "off"}`.
        binaries: The folder with `initdb` and `postgres`, if not the one that would be found.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        database: str = "execgraph",
        settings: Mapping[str, str] | None = None,
        binaries: Path | None = None,
    ) -> None:
        self._folder = DataFolder(data_dir)
        self._database = database
        self._settings = dict(settings or {})
        self._given_binaries = binaries
        self._running: _Running | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Return when the server accepts connections and has the database; nothing to do if it runs.

        Raises:
            EmbeddedPostgresError: It cannot be; nothing is left running.
        """
        if self._running and self.pid:
            return
        self.stop()  # clears up after a server that has crashed
        with ExitStack() as resources:
            try:
                self._running = self._start(resources)
            except OSError as error:
                raise DataFolderUnusableError(self._folder.path, str(error)) from error

    def _start(self, resources: ExitStack) -> _Running:
        folder = self._folder
        account = Account.for_cluster(folder.pgdata)
        lock = resources.enter_context(folder.held(account))
        binaries = reachable(Binaries.find(self._given_binaries), account)
        if (folder.pgdata / "PG_VERSION").exists():
            cluster.check_version(folder.pgdata, binaries)
            if pid := pid_file.live_server(folder.pgdata):  # somebody's own pg_ctl, since we have the lock
                raise DataFolderInUseError(folder.path, pid)
            pid_file.discard_stale(folder.pgdata)
        else:
            cluster.initialize(folder.pgdata, binaries, account, lock=lock, settings=self._settings)
        sockets = resources.enter_context(socket_folder(account))
        process = ServerProcess.spawn(
            [binaries.program("postgres"), "-D", str(folder.pgdata), *self._options(sockets)],
            account=account,
            folder=folder,
            lock=lock,
            sockets=sockets,
        )
        resources.callback(process.stop)
        process.wait_until_ready(folder)
        try:
            ensure_database(self._database, sockets)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise StartupError(f"did not create database {self._database!r}", folder.log, str(error)) from error
        return _Running(binaries, process, sockets, resources.pop_all())

    def stop(self) -> None:
        """Return when the server has ended and nothing of it is left but its data."""
        running, self._running = self._running, None
        if running:
            running.resources.close()

    def url(self, database: str | None = None) -> str:
        """Return the SQLAlchemy URL of a database on this server."""
        url = URL.create(
            "postgresql+asyncpg",
            username=cluster.SUPERUSER,
            database=database or self._database,
            query={"host": str(self._get_running().sockets), "port": str(PORT), "ssl": "disable"},
        )
        return url.render_as_string(hide_password=False)

    @property
    def pid(self) -> int | None:
        """The server's process id; None if it is not running."""
        return self._running.process.pid if self._running else None

    @property
    def binaries(self) -> Path:
        """The folder of the programs that the server runs from."""
        return self._get_running().binaries.folder

    @property
    def version(self) -> str:
        """The server's version, as in `18.6`."""
        return self._get_running().binaries.version

    def _get_running(self) -> _Running:
        if self._running is None:
            raise NotRunningError
        return self._running

    def _options(self, sockets: Path) -> list[str]:
        settings = self._settings | {
            "listen_addresses": "",
            "unix_socket_directories": str(sockets),
            "port": str(PORT),
        }
        return [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
