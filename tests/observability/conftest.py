"""A database that the tests of a module share."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from tests.api_server import ApiServer
from tests.conftest import TEMPLATE, administer, url_of


@pytest.fixture(scope="module")
def module_database_url() -> Iterator[str]:
    """The URL of a migrated database that is this module's alone."""
    name = f"test_{uuid4().hex}"
    administer(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY FILE_COPY")
    yield url_of(name)
    administer(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def api(module_database_url: str) -> Iterator[ApiServer]:
    """The API on that database: look only at what you made."""
    with ApiServer(module_database_url) as server:
        yield server
