"""`postmaster.pid`, in which a server says who it is and how far it has come."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

_NAME = "postmaster.pid"
_STATUS_LINE = 7
_HAS_PROC = Path("/proc/self/comm").exists()  # not on macOS


@dataclass(frozen=True)
class PidFile:
    """The server's process, and its status: `starting`, `ready` or `stopping`."""

    pid: int
    status: str

    @classmethod
    def read(cls, pgdata: Path) -> "PidFile | None":
        """Return what the file says; None if there is none, or it is only being written."""
        try:
            lines = (pgdata / _NAME).read_text(errors="replace").splitlines()
            pid = abs(int(lines[0]))  # negative in single-user mode
        except (FileNotFoundError, IndexError, ValueError):
            return None
        return cls(pid, lines[_STATUS_LINE].strip() if len(lines) > _STATUS_LINE else "")


def live_server(pgdata: Path) -> int | None:
    """Return the process id of the live server of `pgdata`, if the file names one."""
    file = PidFile.read(pgdata)
    return file.pid if file and _is_server_of(file.pid, pgdata) else None


def discard_stale(pgdata: Path) -> None:
    """Remove the file of a dead server whose process id now belongs to another process.

    PostgreSQL would take that process for the server and refuse to start. It sees by itself that a process
    is gone, and then also looks for shared memory still in use, so the file is left for it in that case.
    """
    file = PidFile.read(pgdata)
    if file and is_alive(file.pid) and not _is_server_of(file.pid, pgdata):
        (pgdata / _NAME).unlink()


def is_alive(pid: int) -> bool:
    """Whether there is such a process, ours or not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _is_server_of(pid: int, pgdata: Path) -> bool:
    if _program(pid) not in {"postgres", "postmaster"}:
        return False
    try:
        return not _HAS_PROC or Path(f"/proc/{pid}/cwd").samefile(pgdata)  # a server stays in its folder
    except PermissionError:
        return True  # a container may forbid the look; better to refuse than to share a cluster
    except OSError:
        return False  # it has just ended


def _program(pid: int) -> str | None:
    if not _HAS_PROC:
        listed = subprocess.run(  # noqa: S603 - a number is all that is passed
            ["/bin/ps", "-o", "comm=", "-p", str(pid)], capture_output=True, text=True, check=False
        )
        return Path(listed.stdout.strip()).name
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return None
