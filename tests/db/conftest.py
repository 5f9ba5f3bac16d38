"""A database that the tests of a module share, where each looks only at what it made."""

from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import pytest

from db import Database
from tests.conftest import TEMPLATE, administer, url_of
from tests.pgbouncer import pooled


@pytest.fixture(scope="module")
def shared_database_url() -> Iterator[str]:
    """The URL of a migrated database that is this module's alone."""
    name = f"test_{uuid4().hex}"
    administer(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY FILE_COPY")
    yield url_of(name)
    administer(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def shared_database(shared_database_url: str) -> AsyncIterator[Database]:
    """A migrated database that is this module's alone."""
    async with Database(pooled(shared_database_url)) as database:
        yield database
