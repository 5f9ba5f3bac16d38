"""A database that the tests of a module share, where each looks only at what it made."""

from collections.abc import AsyncIterator

import pytest

from db import Database
from tests.pgbouncer import pooled


@pytest.fixture
async def shared_database(module_database_url: str) -> AsyncIterator[Database]:
    """A migrated database that is this module's alone."""
    async with Database(pooled(module_database_url)) as database:
        yield database
