"""One API for the tests of a module."""

from collections.abc import Iterator

import pytest

from tests.api_server import ApiServer


@pytest.fixture(scope="module")
def api(module_database_url: str) -> Iterator[ApiServer]:
    """The API on that database: look only at what you made."""
    with ApiServer(module_database_url) as server:
        yield server
