"""Two API processes on one database, for all tests of a module."""

from collections.abc import AsyncIterator, Iterator

import pytest

from db import Database
from tests.api_server import ApiServer
from tests.pgbouncer import pooled


@pytest.fixture(scope="module")
def two(module_database_url: str) -> Iterator[tuple[ApiServer, ApiServer]]:
    """Two servers on that database."""
    with ApiServer(module_database_url) as one, ApiServer(module_database_url) as other:
        yield one, other


@pytest.fixture(scope="module")
def api(two: tuple[ApiServer, ApiServer]) -> ApiServer:
    """One of the two."""
    return two[0]


@pytest.fixture
async def shared_database(module_database_url: str) -> AsyncIterator[Database]:
    """The database of the module, beside the servers."""
    async with Database(pooled(module_database_url)) as database:
        yield database
