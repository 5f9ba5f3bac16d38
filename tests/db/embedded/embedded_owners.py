"""Processes that own an embedded server, to be interrupted and killed, and what they may leave behind."""

import json
import os
import pwd
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import make_url

import db.embedded

FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}

LIMIT = 20.0

_OWNER = f"""
import json, signal, sys
from pathlib import Path
from db.embedded import EmbeddedPostgres

with EmbeddedPostgres(Path(sys.argv[1]), settings={FAST!r}) as postgres:
    try:
        print(json.dumps([postgres.pid, postgres.url()]), flush=True)
        signal.pause()
    except KeyboardInterrupt:
        pass
print("stopped in order", flush=True)
"""


@dataclass
class User:
    """Who owns a server: ourselves, or, where we are root, also somebody who is not."""

    name: str | None
    python: str
    environment: dict[str, str]

    @classmethod
    def ourselves(cls) -> "User":
        return cls(None, sys.executable, os.environ | {"PYTHONPATH": _import_path()})

    @classmethod
    def ordinary(cls, home: Path) -> "User":
        """Return a user who is not root, with a Python that he may run."""
        if os.geteuid() != 0:
            pytest.skip("only root can become another user")
        home.mkdir()
        entry = pwd.getpwnam("daemon")
        os.chown(home, entry.pw_uid, entry.pw_gid)
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        for packages in (_import_path, lambda: _reachable_packages(home)):
            environment = {"HOME": str(home), "PATH": os.environ["PATH"], "PYTHONPATH": packages()}
            for python in (sys.executable, f"/usr/local/bin/{version}", f"/usr/bin/{version}"):
                user = cls(entry.pw_name, python, environment)
                with suppress(OSError), user.run("import asyncpg, db.embedded") as attempt:
                    if attempt.wait(LIMIT) == 0:
                        return user
        pytest.skip(f"user {entry.pw_name} can run no {version} that finds our packages")

    @contextmanager
    def own(self, data_dir: Path) -> Iterator[subprocess.Popen[str]]:
        """Start a process that keeps a server until it is interrupted, or killed in the end."""
        with self.run(_OWNER, str(data_dir)) as owner:
            try:
                yield owner
            finally:
                owner.kill()

    def run(self, program: str, *arguments: str) -> subprocess.Popen[str]:
        """Start a Python program, in a process group of its own as a terminal's foreground job is."""
        return subprocess.Popen(
            [self.python, "-c", program, *arguments],
            stdout=subprocess.PIPE,
            stderr=None if "postgres" in program else subprocess.DEVNULL,
            text=True,
            env=self.environment,
            cwd="/",
            start_new_session=True,
            user=self.name,
            group=pwd.getpwnam(self.name).pw_gid if self.name else None,
            extra_groups=[] if self.name else None,
        )


def server_of(owner: subprocess.Popen[str]) -> tuple[int, str]:
    """Return the pid and the URL of the owner's server once it is ready."""
    assert owner.stdout
    pid, url = json.loads(owner.stdout.readline())
    return pid, url


def sockets_of(url: str) -> Path:
    host = make_url(url).query["host"]
    assert isinstance(host, str)
    return Path(host)


def eventually(condition: Callable[[], bool]) -> None:
    """Wait until the condition holds; fail if it does not within the limit."""
    deadline = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def processes_of(*folders: Path) -> list[str]:
    """Return the commands of the processes that work in one of the folders or were started with its name."""
    if not Path("/proc/self/comm").exists():
        pytest.skip("needs /proc to see every process")
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        command, cwd = "", Path()
        with suppress(OSError):
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            cwd = (process / "cwd").readlink()
        if int(process.name) != os.getpid() and any(
            str(folder) in command or cwd.is_relative_to(folder) for folder in folders
        ):
            found.append(f"{process.name} {command}")
    return found


def _import_path() -> str:
    assert db.embedded.__file__
    return os.pathsep.join([str(Path(db.embedded.__file__).parents[2]), str(Path(asyncpg.__file__).parents[1])])


def _reachable_packages(home: Path) -> str:
    """Copy what is imported to where the user can read it: the checkout may lie in a folder closed to all others."""
    checkout, site_packages = _import_path().split(os.pathsep)
    copied = home / "packages"
    shutil.copytree(site_packages, copied)
    shutil.copytree(Path(checkout) / "db", copied / "db", dirs_exist_ok=True)
    return str(copied)
