"""A database filled by the benchmarks' generator, for tests that need more than a few rows."""

import asyncio
from collections.abc import Iterator
from contextlib import closing, contextmanager
from uuid import uuid4

from benchmarks.fill import fill
from benchmarks.sizes import Sizes
from tests.conftest import TEMPLATE, administer, url_of


@contextmanager
def filled_database(sizes: Sizes) -> Iterator[str]:
    """The URL of a database of its own, filled and analyzed."""
    name = f"test_{uuid4().hex}"
    administer(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY FILE_COPY")
    try:
        with closing(asyncio.new_event_loop()) as loop:
            loop.run_until_complete(fill(url_of(name), sizes, progress=False))
        yield url_of(name)
    finally:
        administer(f"DROP DATABASE {name} WITH (FORCE)")
