"""The server's process, and the watcher that stops it should we die.

The watcher reads a pipe whose other end only we keep. First comes the server's process id, written by a
shell that then becomes the server, so at no moment does a server run that the watcher does not know of.
Then comes a word from us if the server has stopped in order, or the end of the pipe if we are dead, however
we died. Both are in sessions of their own: a Ctrl-C in the terminal is for us alone to handle.
"""

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from db.embedded.account import SHELL, Account
from db.embedded.data_folder import DataFolder
from db.embedded.errors import StartupError, StillRunningError
from db.embedded.log import open_log
from db.embedded.pid_file import PidFile

START_LIMIT = 60.0
STOP_LIMIT = 30.0

_SERVE = 'echo $$ && exec "$@" >&2'
_WATCH = """
trap '' HUP INT TERM
read -r pid && { read -r stopped && exit; kill -INT "$pid"; }
for pause in 0.05 0.05 0.1 0.2 0.5 1 2 5; do
    rmdir "$1"
    test -d "$1" || exit
    sleep "$pause"
done
"""


class ServerProcess:
    """A running `postgres` and its watcher."""

    def __init__(self, server: subprocess.Popen[bytes], watcher: subprocess.Popen[bytes]) -> None:
        self._server = server
        self._watcher = watcher

    @classmethod
    def spawn(
        cls, command: Sequence[str], *, account: Account, folder: DataFolder, lock: int, sockets: Path
    ) -> "ServerProcess":
        """Start the server; it inherits the lock, so that the folder is held for as long as it lives."""
        watcher = account.spawn([SHELL, "-c", _WATCH, "watch", str(sockets)], stdin=subprocess.PIPE)
        assert watcher.stdin
        log = open_log(folder.log)
        try:
            server = account.spawn(
                [SHELL, "-c", _SERVE, "serve", *command],
                cwd=folder.pgdata,
                stdout=watcher.stdin.fileno(),
                stderr=log,
                pass_fds=[lock],
            )
        except BaseException:
            watcher.stdin.close()
            watcher.wait()
            raise
        finally:
            os.close(log)
        return cls(server, watcher)

    @property
    def pid(self) -> int | None:
        """The server's process id; None once it has ended."""
        return self._server.pid if self._server.poll() is None else None

    def wait_until_ready(self, folder: DataFolder) -> None:
        """Return when the server accepts connections."""
        deadline = time.monotonic() + START_LIMIT
        while PidFile.read(folder.pgdata) != PidFile(self._server.pid, "ready"):
            if self.pid is None:
                raise StartupError("ended while it started", folder.log)
            if time.monotonic() > deadline:
                raise StartupError(f"was not ready after {START_LIMIT:.0f} s", folder.log)
            time.sleep(0.005)

    def stop(self) -> None:
        """End the server in order; if it cannot, without a checkpoint, which its next start makes up for."""
        for how in (signal.SIGINT, signal.SIGQUIT):  # never SIGKILL, which leaves its children behind
            self._server.send_signal(how)
            with suppress(subprocess.TimeoutExpired):
                self._server.wait(STOP_LIMIT)
                break
        else:
            raise StillRunningError(self._server.pid)
        assert self._watcher.stdin
        with suppress(BrokenPipeError), self._watcher.stdin as word:
            word.write(b"stopped\n")
        self._watcher.wait()
