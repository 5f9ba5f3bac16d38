"""The folder that holds everything the server keeps: its cluster, its log, and the lock that makes it ours."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from db.embedded.account import Account
from db.embedded.errors import DataFolderInUseError, DataFolderUnreachableError, DataFolderUnusableError
from db.embedded.pid_file import is_alive, live_server

# How long a server may take to end after its owner was killed; until then it holds the lock.
LOCK_PATIENCE = 30.0


def make_folder(folder: Path, mode: int) -> None:
    """Make a folder and its missing parents with `mode`, whatever our umask; existing ones stay as they are."""
    if folder.is_dir():
        return
    make_folder(folder.parent, mode)
    with suppress(FileExistsError):
        folder.mkdir()
        folder.chmod(mode)


class DataFolder:
    """`pgdata` (the cluster), `server.log` and `lock`, all in one folder, which may be a mounted volume."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self.pgdata = self.path / "pgdata"
        self.log = self.path / "server.log"

    @contextmanager
    def held(self, account: Account) -> Iterator[int]:
        """Make the folder if it is missing, and keep every other server out; yields the lock to hand on."""
        self._prepare(account)
        lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            self._acquire(lock)
            os.ftruncate(lock, 0)
            os.pwrite(lock, str(os.getpid()).encode(), 0)
            yield lock
        finally:
            os.close(lock)

    def _prepare(self, account: Account) -> None:
        if (self.path / "PG_VERSION").exists():
            raise DataFolderUnusableError(self.path, "it holds a cluster that execgraph did not make")
        closed = account.first_closed(self.path)
        if closed and closed.exists():
            status = closed.stat()
            if closed != self.path or status.st_uid != os.geteuid():
                raise DataFolderUnreachableError(self.path, account.name, closed)
            closed.chmod(status.st_mode | 0o011)  # our own folder: others may pass, not look
        make_folder(self.path, 0o700 if account.is_us else 0o755)

    def _acquire(self, lock: int) -> None:
        deadline = time.monotonic() + LOCK_PATIENCE
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                owner = int(os.pread(lock, 20, 0) or 0)
                if (owner and is_alive(owner)) or time.monotonic() > deadline:
                    raise DataFolderInUseError(self.path, live_server(self.pgdata), owner) from error
                time.sleep(0.02)
            else:
                return
