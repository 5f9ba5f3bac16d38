"""One PostgreSQL for the whole run, one migrated template in it, and a database of its own for each test."""

import asyncio
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
from sqlalchemy.engine import make_url

from db import Database
from db.database import asyncpg_url
from db.embedded import EmbeddedPostgres
from graphql_api.cli import migrate
from tests.api_server import ApiServer
from tests.pgbouncer import POOLER_VARIABLE, URL_VARIABLE, pgbouncer, pooled

TEMPLATE = "execgraph_template"
BINARIES_VARIABLE = "EXECGRAPH_TEST_POSTGRES"
"""The folder with the programs of another PostgreSQL than the embedded one, to run all tests on."""
POOLED_CONNECTIONS = 60
ENOUGH_MEMORY = 8 * 2**30
FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_connections": "400",
    "autovacuum": "off",
}


def pytest_configure(config: pytest.Config) -> None:
    """Start the one server in the process that controls the run; its workers are told by the environment."""
    if hasattr(config, "workerinput") or not config.getoption("numprocesses", None):
        # Processes that tests start are not measured, which would take twice their time: the floors hold without.
        os.environ.pop("COVERAGE_PROCESS_CONFIG", None)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # in the background of a script; what is started inherits it
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if hasattr(config, "workerinput") or URL_VARIABLE in os.environ:
        return
    if given := os.environ.get("DATABASE_URL"):
        os.environ[URL_VARIABLE] = given
    else:
        folder = Path(tempfile.mkdtemp(prefix="execgraph-tests-", dir=where_files_cost_least()))
        folder.chmod(0o755)
        binaries = os.environ.get(BINARIES_VARIABLE)
        server = EmbeddedPostgres(folder / "postgres", settings=FAST, binaries=Path(binaries) if binaries else None)
        server.start()
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
        config.add_cleanup(server.stop)
        os.environ[URL_VARIABLE] = server.url("postgres")
    config.add_cleanup(lambda: os.environ.pop(URL_VARIABLE, None))
    administer(f"DROP DATABASE IF EXISTS {TEMPLATE} WITH (FORCE)")
    administer(f"CREATE DATABASE {TEMPLATE}")
    if os.environ.get(POOLER_VARIABLE) == "pgbouncer":
        pooler = ExitStack()
        os.environ[POOLER_VARIABLE] = pooler.enter_context(pgbouncer(os.environ[URL_VARIABLE], POOLED_CONNECTIONS))
        config.add_cleanup(lambda: os.environ.update({POOLER_VARIABLE: "pgbouncer"}))
        config.add_cleanup(pooler.close)
    migrate(pooled(url_of(TEMPLATE)))
    wait_until_unused(TEMPLATE)


def where_files_cost_least() -> Path:
    """In memory, if there is plenty: each test's database is a thousand files, made and removed again.

    ext4 looks for a free place past all that were removed lately, and takes up to ten times as long.
    """
    memory = Path("/dev/shm")
    return memory if memory.is_dir() and shutil.disk_usage(memory).free > ENOUGH_MEMORY else Path("/tmp")


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Where nothing may be skipped, a skip is a failure."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and os.environ.get("EXECGRAPH_NO_SKIPS") and reporter.stats.get("skipped"):
        reporter.write_line("skipped tests, where none may be", red=True)
        session.exitstatus = exitstatus or pytest.ExitCode.TESTS_FAILED


def url_of(database: str) -> str:
    """The URL of a database on the run's server."""
    url = asyncpg_url(make_url(os.environ[URL_VARIABLE])).set(database=database)
    return url.render_as_string(hide_password=False)


def wait_until_unused(database: str) -> None:
    """A pooler lets go of connections later, and a template must have none."""
    administer(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{database}'")


def administer(statement: str) -> None:
    """Execute a statement that concerns whole databases."""

    async def execute() -> None:
        connection = await asyncpg.connect(**connect_options(os.environ[URL_VARIABLE]))
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    with closing(asyncio.new_event_loop()) as loop:  # asyncio.run would unset the running test's loop
        loop.run_until_complete(execute())


def connect_options(url: str) -> dict[str, object]:
    """What asyncpg needs to reach a database."""
    return Database(url).connect_options()


@contextmanager
def made_database(template: str | None = TEMPLATE) -> Iterator[str]:
    """The URL of a database that is there for the block alone: a migrated one, or an empty one without a template."""
    name = f"test_{uuid4().hex}"
    administer(f"CREATE DATABASE {name}" + (f" TEMPLATE {template} STRATEGY FILE_COPY" if template else ""))
    try:
        yield url_of(name)
    finally:
        administer(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def new_database_url() -> Iterator[str]:
    """The URL of an empty database that is this test's alone."""
    with made_database(template=None) as url:
        yield url


@pytest.fixture
def database_url() -> Iterator[str]:
    """The URL of a migrated database that is this test's alone."""
    with made_database() as url:
        yield url


@pytest.fixture(scope="module")
def module_database_url() -> Iterator[str]:
    """The URL of a migrated database that the tests of a module share: look only at what you made."""
    with made_database() as url:
        yield url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A migrated database that is this test's alone."""
    async with Database(pooled(database_url)) as database:
        yield database


@pytest.fixture
def server(database_url: str) -> Iterator[ApiServer]:
    """The API on a real socket, in a thread of its own, on a database of its own."""
    with ApiServer(database_url) as server:
        yield server
