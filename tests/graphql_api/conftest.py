"""One API for all tests that make what they look at, and need no empty database."""

from collections.abc import Iterator

import pytest

from tests.api_server import ApiServer
from tests.conftest import made_database


@pytest.fixture(scope="session")
def api() -> Iterator[ApiServer]:
    """The API on a database that the tests of this process share: look only at what you made."""
    with made_database() as url, ApiServer(url) as server:
        yield server
