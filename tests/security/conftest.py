"""Servers that ask who is there."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import pytest

from db import Database
from db.enums import Role
from tests.api_server import ApiServer
from tests.api_tokens import make_token
from tests.conftest import made_database


@pytest.fixture
def guarded(database_url: str) -> Iterator[ApiServer]:
    """The API where callers have to say who they are, on a database of its own."""
    with ApiServer(database_url, authentication="required") as server:
        yield server


@dataclass
class Tokens:
    """A token of each role."""

    viewer: str
    engine: str
    admin: str


@pytest.fixture
async def tokens(guarded: ApiServer) -> AsyncIterator[Tokens]:
    """Tokens for `guarded`."""
    async with Database(guarded.database_url) as database:
        yield Tokens(*[await make_token(database, role.value, role) for role in Role])


@pytest.fixture(scope="session")
def api() -> Iterator[ApiServer]:
    """The API without authentication, on a database that the tests of this process share."""
    with made_database() as url, ApiServer(url) as server:
        yield server
