"""The account that runs PostgreSQL's programs: ourselves, unless we are root, which PostgreSQL refuses."""

import errno
import os
import pwd
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from db.embedded.errors import AccountUnavailableError

SHELL = "/bin/sh"

# All that the programs see of our environment: no secrets, and no PGPORT or PGDATA meant for another server.
_KEPT = ("PATH", "TZ", "LD_LIBRARY_PATH")

_FIRST_CLOSED = 'for folder do test -x "$folder" || { printf %s "$folder"; exit; }; done'


@dataclass(frozen=True)
class Account:
    """A user of this machine."""

    name: str
    uid: int
    gid: int

    @classmethod
    def for_cluster(cls, pgdata: Path) -> "Account":
        """Return who has to run the server of `pgdata`, which need not exist yet."""
        if os.geteuid() != 0:
            return cls._named(os.geteuid(), os.getegid())
        if pgdata.exists() and (owner := pgdata.stat()).st_uid != 0:
            # PostgreSQL insists on the owner, who may come from another image with other numbers.
            return cls._named(owner.st_uid, owner.st_gid)
        for name in ("postgres", "nobody"):
            try:
                entry = pwd.getpwnam(name)
            except KeyError:
                continue
            return cls(name, entry.pw_uid, entry.pw_gid)
        raise AccountUnavailableError("nobody", "no such user")

    @classmethod
    def _named(cls, uid: int, gid: int) -> "Account":
        try:
            return cls(pwd.getpwuid(uid).pw_name, uid, gid)
        except KeyError:
            return cls(str(uid), uid, gid)

    @property
    def is_us(self) -> bool:
        """Whether the programs run as ourselves."""
        return self.uid == os.geteuid()

    def give(self, folder: Path) -> None:
        """Make the account the owner of a folder that we have just made."""
        if not self.is_us:
            os.chown(folder, self.uid, self.gid, follow_symlinks=False)

    def first_closed(self, path: Path) -> Path | None:
        """Return the first folder on the way to `path`, or itself, that is missing or closed to the account."""
        if self.is_us:
            return None
        folders = map(str, (*reversed(path.parents), path))
        closed = self.run([SHELL, "-c", _FIRST_CLOSED, "sh", *folders]).stdout
        return Path(closed) if closed else None

    def run(
        self, command: Sequence[str], *, cwd: Path = Path("/"), pass_fds: Sequence[int] = ()
    ) -> subprocess.CompletedProcess[str]:
        """Run a program to its end; all that it writes is in `stdout`."""
        process = self.spawn(
            command,
            cwd=cwd,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=pass_fds,
            own_session=False,
        )
        with process:
            try:
                output, _ = process.communicate()
            except BaseException:
                process.terminate()  # initdb then removes what it has made
                raise
        return subprocess.CompletedProcess(command, process.returncode, output.decode(errors="replace"))

    def spawn(
        self,
        command: Sequence[str],
        *,
        cwd: Path = Path("/"),
        stdin: int = subprocess.DEVNULL,
        stdout: int = subprocess.DEVNULL,
        stderr: int = subprocess.DEVNULL,
        pass_fds: Sequence[int] = (),
        own_session: bool = True,
    ) -> subprocess.Popen[bytes]:
        """Start a program; in a session of its own, a Ctrl-C in our terminal does not reach it."""
        try:
            return subprocess.Popen(  # noqa: S603 - the programs are ours, and no shell reads the arguments
                command,
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                cwd=cwd,
                env={"LC_ALL": "C"} | {name: os.environ[name] for name in _KEPT if name in os.environ},
                pass_fds=pass_fds,
                start_new_session=own_session,
                user=None if self.is_us else self.uid,
                group=None if self.is_us else self.gid,
                extra_groups=None if self.is_us else [],
            )
        except OSError as error:
            # What setuid() answers in a container without the right to it; a closed folder answers EACCES.
            if not self.is_us and error.errno in {errno.EPERM, errno.EINVAL}:
                raise AccountUnavailableError(self.name, os.strerror(error.errno)) from error
            raise
