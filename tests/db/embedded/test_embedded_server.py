"""A server comes up from nothing, keeps its data, is reached over its socket only, and leaves nothing."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import create_async_engine

from db.embedded import EmbeddedPostgres, NotRunningError, StartupError, default_data_dir
from tests.db.embedded.embedded_owners import FAST, processes_of, sockets_of

# Where the machine has one, also a PostgreSQL without locales of its own.
OLDER = [path for path in Path("/usr/lib/postgresql").glob("*/bin") if int(path.parent.name) < 17]


async def fetch(url: str, *statements: str) -> tuple[Any, ...]:
    """Run statements, and return the one row that the last of them gives."""
    engine = create_async_engine(url)
    try:
        async with engine.begin() as connection:
            for statement in statements[:-1]:
                await connection.execute(text(statement))
            return tuple((await connection.execute(text(statements[-1]))).one())
    finally:
        await engine.dispose()


async def test_a_fresh_folder_becomes_a_server_and_its_data_persists(place: Path) -> None:
    with EmbeddedPostgres(place / "data", settings=FAST) as postgres:
        await fetch(postgres.url(), "CREATE TABLE t AS SELECT 42 AS answer", "SELECT 1")
    with EmbeddedPostgres(place / "data", settings=FAST) as postgres:
        assert await fetch(postgres.url(), "SELECT answer, current_database(), current_user FROM t") == (
            42,
            "execgraph",
            "postgres",
        )


async def test_the_server_has_our_settings_no_tcp_and_knows_unicode(made: Path) -> None:
    settings = FAST | {"work_mem": "5MB", "listen_addresses": "*"}
    with EmbeddedPostgres(made, settings=settings) as postgres:
        row = await fetch(
            postgres.url(),
            "SELECT current_setting('fsync'), current_setting('work_mem'), current_setting('listen_addresses'), "
            "current_setting('server_encoding'), 'ÄRGER' ILIKE 'ärger', 'Z' < 'a', "
            "current_setting('server_version') LIKE '" + postgres.version + "%'",
        )
        assert row == ("off", "5MB", "", "UTF8", True, True, True)
        assert (postgres.binaries / "postgres").is_file()


async def test_stop_leaves_no_process_and_no_socket(made: Path) -> None:
    postgres = EmbeddedPostgres(made, settings=FAST)
    postgres.start()
    sockets = sockets_of(postgres.url())
    assert sockets.stat().st_mode & 0o777 == 0o700
    assert len(processes_of(made, sockets)) > 1
    postgres.stop()
    assert (processes_of(made, sockets), sockets.exists(), postgres.pid) == ([], False, None)
    with pytest.raises(NotRunningError):
        postgres.url()


async def test_start_and_stop_may_be_repeated(made: Path) -> None:
    postgres = EmbeddedPostgres(made, settings=FAST)
    postgres.stop()
    postgres.start()
    first = postgres.pid
    postgres.start()
    assert postgres.pid == first
    postgres.stop()
    postgres.stop()
    postgres.start()
    assert postgres.pid not in {None, first}
    postgres.stop()


async def test_a_database_is_created_on_an_old_folder_too(made: Path) -> None:
    with EmbeddedPostgres(made, database='an "odd" name', settings=FAST) as postgres:
        assert await fetch(postgres.url(), "SELECT current_database()") == ('an "odd" name',)
        assert await fetch(postgres.url("execgraph"), "SELECT current_database()") == ("execgraph",)


async def test_a_long_data_folder_does_not_make_the_socket_long(place: Path) -> None:
    with EmbeddedPostgres(place / ("long" * 30) / ("longer" * 30), settings=FAST) as postgres:
        assert len(str(sockets_of(postgres.url()))) < 50
        assert await fetch(postgres.url(), "SELECT 1") == (1,)


async def test_settings_for_another_server_in_the_environment_do_not_matter(
    made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "PGPORT": "1",
        "PGHOST": "elsewhere.invalid",
        "PGDATA": "/nowhere",
        "PGUSER": "nobody",
        "PGDATABASE": "nothing",
        "PGSSLMODE": "verify-full",
        "LC_ALL": "xx_XX",
    }.items():
        monkeypatch.setenv(name, value)
    with EmbeddedPostgres(made, settings=FAST) as postgres:
        assert await fetch(postgres.url(), "SELECT current_database()") == ("execgraph",)


async def test_a_server_that_does_not_start_says_why_and_leaves_nothing(made: Path) -> None:
    postgres = EmbeddedPostgres(made, settings={"shared_buffers": "plenty"})
    with pytest.raises(StartupError, match=r'invalid value for parameter "shared_buffers": "plenty".*server\.log'):
        postgres.start()
    assert processes_of(made) == []
    with EmbeddedPostgres(made, settings=FAST) as mended:
        assert await fetch(mended.url(), "SELECT 1") == (1,)


@pytest.mark.parametrize("programs", [None, *OLDER], ids=lambda path: str(path or "the package's"))
async def test_every_version_knows_unicode_and_sorts_by_code_point(place: Path, programs: Path | None) -> None:
    with EmbeddedPostgres(place / "data", settings=FAST, binaries=programs) as postgres:
        row = await fetch(postgres.url(), "SELECT 'ÄRGER É' ILIKE 'ärger é', 'Z' < 'a'")
        assert row == (True, True)


def test_it_starts_outside_of_an_event_loop(made: Path) -> None:
    with EmbeddedPostgres(made, settings=FAST) as postgres:
        assert asyncio.run(fetch(postgres.url(), "SELECT 1")) == (1,)
        assert make_url(postgres.url()).drivername == "postgresql+asyncpg"


@pytest.mark.parametrize(
    ("uid", "data_home", "expected"),
    [
        (0, "/somewhere", "/var/lib/execgraph/postgres"),
        (1000, "/somewhere", "/somewhere/execgraph/postgres"),
        (1000, "", "/home/me/.local/share/execgraph/postgres"),
    ],
)
def test_the_default_data_folder(uid: int, data_home: str, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: uid)
    monkeypatch.setenv("XDG_DATA_HOME", data_home)
    monkeypatch.setenv("HOME", "/home/me")
    assert default_data_dir() == Path(expected)
