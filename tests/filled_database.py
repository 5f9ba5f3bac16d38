"""A database filled by the benchmarks' generator, for tests that need more than a few rows."""

import asyncio
from collections.abc import Iterator
from contextlib import closing, contextmanager

from benchmarks.fill import fill
from benchmarks.sizes import Sizes
from tests.conftest import made_database


@contextmanager
def filled_database(sizes: Sizes) -> Iterator[str]:
    """The URL of a database of its own, filled and analyzed."""
    with made_database() as url:
        with closing(asyncio.new_event_loop()) as loop:
            loop.run_until_complete(fill(url, sizes, progress=False))
        yield url
