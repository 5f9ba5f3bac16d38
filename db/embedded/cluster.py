"""The cluster in a data folder: made whole or not at all, and only opened by the version that made it."""

import shutil
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from db.embedded.account import Account
from db.embedded.binaries import Binaries
from db.embedded.errors import DataFolderVersionError, InitializationError
from db.embedded.log import decisive_line

SUPERUSER = "postgres"

_BUILTIN_LOCALES = 17


def initialize(pgdata: Path, binaries: Binaries, account: Account, *, lock: int, settings: Mapping[str, str]) -> None:
    """Make a cluster beside `pgdata` and rename it; a start that is killed leaves nothing that looks whole."""
    unfinished = pgdata.with_suffix(".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    with suppress(FileNotFoundError):
        pgdata.rmdir()  # an empty one is no reason to refuse
    unfinished.mkdir(0o700)
    account.give(unfinished)
    done = account.run(
        [
            binaries.program("initdb"),
            f"--pgdata={unfinished}",
            f"--username={SUPERUSER}",
            "--encoding=UTF8",
            "--auth-local=trust",  # the socket's folder is the gate
            "--auth-host=reject",
            "--no-instructions",
            *_locale(binaries.major),
            *(["--no-sync"] if settings.get("fsync") == "off" else []),
        ],
        cwd=unfinished,
        pass_fds=[lock],  # should we be killed, nobody else starts before initdb has ended
    )
    if done.returncode != 0:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise InitializationError(pgdata, decisive_line(done.stdout))
    unfinished.rename(pgdata)


def check_version(pgdata: Path, binaries: Binaries) -> None:
    """Refuse a cluster that another major version made."""
    found = (pgdata / "PG_VERSION").read_text().strip()
    if found != str(binaries.major):
        raise DataFolderVersionError(pgdata, found, binaries.folder, binaries.version)


def _locale(major: int) -> list[str]:
    """Sort by code point, and know the letters of Unicode for ILIKE; plain C knows those of ASCII alone."""
    if major >= _BUILTIN_LOCALES:
        return ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    # The machine's own locales, and macOS has no C.UTF-8.
    letters = "en_US.UTF-8" if sys.platform == "darwin" else "C.UTF-8"
    return ["--locale=C", f"--lc-ctype={letters}"]
