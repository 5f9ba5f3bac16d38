"""Two API processes on one database, for all tests of a module."""

from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import pytest

from db import Database
from tests.api_server import ApiServer
from tests.conftest import TEMPLATE, administer, url_of
from tests.pgbouncer import pooled


@pytest.fixture(scope="module")
def shared_database_url() -> Iterator[str]:
    """A migrated database for the tests of a module: look only at what you made."""
    name = f"test_{uuid4().hex}"
    administer(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY FILE_COPY")
    yield url_of(name)
    administer(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def two(shared_database_url: str) -> Iterator[tuple[ApiServer, ApiServer]]:
    """Two servers on that database."""
    with ApiServer(shared_database_url) as one, ApiServer(shared_database_url) as other:
        yield one, other


@pytest.fixture(scope="module")
def api(two: tuple[ApiServer, ApiServer]) -> ApiServer:
    """One of the two."""
    return two[0]


@pytest.fixture
async def shared_database(shared_database_url: str) -> AsyncIterator[Database]:
    """The database of the module, beside the servers."""
    async with Database(pooled(shared_database_url)) as database:
        yield database
