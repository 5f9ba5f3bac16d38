"""Two servers never share a data folder, and a folder that cannot be used says what to do."""

import os
import pwd
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from db.embedded import (
    DataFolderInUseError,
    DataFolderUnreachableError,
    DataFolderUnusableError,
    DataFolderVersionError,
    EmbeddedPostgres,
)
from db.embedded.account import Account
from db.embedded.binaries import Binaries
from db.embedded.data_folder import make_folder
from db.embedded.pid_file import live_server
from db.embedded.shared_copy import reachable
from tests.db.embedded.embedded_owners import FAST, User, eventually, server_of

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root hands the server to another account")


@contextmanager
def ended(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """Interrupt the process in the end."""
    with process:
        try:
            yield process
        finally:
            process.terminate()


def test_a_folder_that_another_process_uses_is_refused_with_its_pid(made: Path) -> None:
    with User.ourselves().own(made) as owner:
        pid, _ = server_of(owner)
        with pytest.raises(DataFolderInUseError, match=rf"{made} is used by a live PostgreSQL server .pid {pid}"):
            EmbeddedPostgres(made).start()


def test_a_folder_that_this_process_uses_is_refused(made: Path) -> None:
    with (
        EmbeddedPostgres(made, settings=FAST) as postgres,
        pytest.raises(DataFolderInUseError, match=rf"pid {postgres.pid}\)"),
    ):
        EmbeddedPostgres(made).start()


def test_a_folder_that_a_server_of_somebody_else_uses_is_refused(made: Path) -> None:
    pgdata = made / "pgdata"
    account = Account.for_cluster(pgdata)
    postgres = reachable(Binaries.find(), account).program("postgres")
    foreign = account.spawn([postgres, "-D", str(pgdata), "-h", "", "-k", str(pgdata)], cwd=pgdata)
    with ended(foreign):
        eventually(lambda: live_server(pgdata) == foreign.pid)
        with pytest.raises(DataFolderInUseError, match=f"pid {foreign.pid}"):
            EmbeddedPostgres(made).start()


def test_a_stale_pid_file_that_names_another_living_process_is_no_obstacle(made: Path) -> None:
    pgdata = made / "pgdata"
    account = Account.for_cluster(pgdata)
    with ended(account.spawn(["/bin/sh", "-c", "read forever"], stdin=subprocess.PIPE)) as other:
        (pgdata / "postmaster.pid").write_text(f"{other.pid}\n{pgdata}\n1\n5432\n/tmp\n\n0 0\nready\n")
        account.give(pgdata / "postmaster.pid")
        with EmbeddedPostgres(made, settings=FAST) as postgres:
            assert postgres.pid != other.pid
        assert other.poll() is None


def test_a_stale_pid_file_of_a_dead_process_is_no_obstacle(made: Path) -> None:
    with subprocess.Popen(["/bin/sh", "-c", ":"]) as dead:
        dead.wait()
    pid_file = made / "pgdata" / "postmaster.pid"
    pid_file.write_text(f"{dead.pid}\n{made / 'pgdata'}\n1\n5432\n/tmp\n\n0 0\nready\n")
    Account.for_cluster(made / "pgdata").give(pid_file)
    with EmbeddedPostgres(made, settings=FAST) as postgres:
        assert postgres.pid


def test_a_folder_of_another_version_is_refused_and_left_alone(place: Path) -> None:
    pgdata = place / "data" / "pgdata"
    pgdata.mkdir(parents=True)
    (pgdata / "PG_VERSION").write_text("12\n")
    Account.for_cluster(pgdata).give(pgdata)
    with pytest.raises(DataFolderVersionError, match=r"made by PostgreSQL 12, .* are PostgreSQL \d+.*pg_dump"):
        EmbeddedPostgres(place / "data").start()
    assert [path.name for path in pgdata.iterdir()] == ["PG_VERSION"]


def test_a_cluster_that_is_not_ours_is_refused_and_left_alone(place: Path) -> None:
    (place / "data").mkdir()
    (place / "data" / "PG_VERSION").write_text("18\n")
    with pytest.raises(DataFolderUnusableError, match="holds a cluster that execgraph did not make"):
        EmbeddedPostgres(place / "data").start()
    assert [path.name for path in (place / "data").iterdir()] == ["PG_VERSION"]


def test_a_file_in_place_of_the_folder_is_refused(place: Path) -> None:
    (place / "data").write_text("")
    with pytest.raises(DataFolderUnusableError, match=f"the data folder {place / 'data'} cannot be used"):
        EmbeddedPostgres(place / "data").start()


@as_root
def test_a_folder_behind_a_closed_one_is_refused_and_nothing_is_opened_or_made(place: Path) -> None:
    closed = place / "closed"
    closed.mkdir(0o700)
    with pytest.raises(DataFolderUnreachableError, match=rf"{closed} is closed to others: .*chmod o\+x {closed}$"):
        EmbeddedPostgres(closed / "deep" / "data").start()
    assert (closed.stat().st_mode & 0o777, list(closed.iterdir())) == (0o700, [])


@as_root
def test_a_closed_folder_of_our_own_is_opened_for_passing_only(made: Path) -> None:
    made.chmod(0o700)
    with EmbeddedPostgres(made, settings=FAST):
        assert made.stat().st_mode & 0o777 == 0o711
        assert (made / "pgdata").stat().st_mode & 0o777 == 0o700


def test_a_strict_umask_does_not_close_new_folders(place: Path) -> None:
    before = os.umask(0o077)
    try:
        make_folder(place / "new" / "data", 0o755)
    finally:
        os.umask(before)
    assert [path.stat().st_mode & 0o777 for path in (place / "new", place / "new" / "data")] == [0o755, 0o755]


@as_root
@pytest.mark.parametrize("user", ["an ordinary user"], indirect=True)
def test_root_runs_the_server_of_an_ordinary_user_as_that_user(user: User, data_dir: Path) -> None:
    with user.own(data_dir) as owner:
        server_of(owner)
    with EmbeddedPostgres(data_dir, settings=FAST) as postgres:
        assert Path(f"/proc/{postgres.pid}").stat().st_uid == pwd.getpwnam(user.name or "").pw_uid
