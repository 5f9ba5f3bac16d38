"""Servers that ask who is there."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from uuid import uuid4

import pytest

from db import Database
from db.enums import Role
from tests.api_server import ApiServer
from tests.api_tokens import make_token
from tests.conftest import TEMPLATE, administer, url_of


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
    name = f"test_{uuid4().hex}"
    administer(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY FILE_COPY")
    with ApiServer(url_of(name)) as server:
        yield server
    administer(f"DROP DATABASE {name} WITH (FORCE)")
