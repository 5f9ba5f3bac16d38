"""A database with some of everything, exported once for all tests of a module."""

import asyncio
import io
from collections.abc import Callable, Coroutine, Iterator
from contextlib import closing
from typing import Any
from uuid import UUID

import pytest

from benchmarks.sizes import Sizes
from db import Database
from db.archive import Imported, export_runs, import_archive
from tests.conftest import made_database
from tests.filled_database import filled_database
from tests.reliability.store import fetch

SIZES = Sizes(runs=60, steps=600, entries=4_000, workflows=5, longest_log=2_500, widest_run=120, days=30)


def done(work: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    """What a coroutine gives, in a loop of its own."""
    with closing(asyncio.new_event_loop()) as loop:
        return loop.run_until_complete(work())


@pytest.fixture(scope="module")
def filled_url() -> Iterator[str]:
    """The URL of the database: look, and change nothing."""
    with filled_database(SIZES) as url:
        yield url


@pytest.fixture(scope="module")
def all_runs(filled_url: str) -> list[UUID]:
    """The ids of its runs."""
    rows = done(lambda: fetch(filled_url, "SELECT id FROM workflow_executions ORDER BY id"))
    return [UUID(str(id_)) for (id_,) in rows]


@pytest.fixture(scope="module")
def archive(filled_url: str, all_runs: list[UUID]) -> bytes:
    """All of it as an archive."""
    return bytes(done(lambda: exported(filled_url, all_runs)))


@pytest.fixture
def other_url() -> Iterator[str]:
    """The URL of another database, with nothing in it."""
    with made_database() as url:
        yield url


async def exported(url: str, runs: list[UUID], *, sub_runs: bool = False) -> bytes:
    """These runs as an archive."""
    async with Database(url) as database:
        return b"".join([chunk async for chunk in export_runs(database, runs, sub_runs=sub_runs)])


async def imported(url: str, archive: bytes) -> Imported:
    """What came in of an archive."""
    async with Database(url) as database:
        return await import_archive(database, io.BytesIO(archive))


def sealed(lines: list[bytes]) -> bytes:
    """Lines with a seal that fits them, as a forger would make it."""
    from db.archive.format import Seal, kind_of

    seal = Seal()
    for line in lines:
        seal.add(line)
    return b"".join(lines) + seal.end(sum(kind_of(line) == "run" for line in lines))
