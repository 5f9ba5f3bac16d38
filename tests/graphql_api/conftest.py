"""One API for all tests that make what they look at, and need no empty database."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from tests.api_server import ApiServer
from tests.conftest import TEMPLATE, administer, url_of


@pytest.fixture(scope="session")
def api() -> Iterator[ApiServer]:
    """The API on a database that the tests of this process share: look only at what you made."""
    name = f"test_{uuid4().hex}"
    administer(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY FILE_COPY")
    with ApiServer(url_of(name)) as server:
        yield server
    administer(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def module_database_url() -> Iterator[str]:
    """The URL of a migrated database that is this module's alone."""
    name = f"test_{uuid4().hex}"
    administer(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY FILE_COPY")
    yield url_of(name)
    administer(f"DROP DATABASE {name} WITH (FORCE)")
