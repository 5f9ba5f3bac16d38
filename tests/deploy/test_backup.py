"""The page on backup and restore, walked through: its own commands, on a database with something in it."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy.engine import make_url

from benchmarks.sizes import Sizes
from db.embedded.binaries import Binaries
from tests.api_server import ApiServer
from tests.conftest import BINARIES_VARIABLE, administer, url_of
from tests.filled_database import filled_database
from tests.reliability.store import everything

PAGE = (Path(__file__).parents[2] / "docs/backup.md").read_text()
BLOCKS = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
SIZES = Sizes(runs=40, steps=200, entries=600, workflows=4, longest_log=100, widest_run=20, days=400)


def for_programs(url: str) -> str:
    """A URL as PostgreSQL's own programs read it."""
    return (
        make_url(url)
        .set(drivername="postgresql")
        .difference_update_query(["ssl"])
        .render_as_string(hide_password=False)
    )


def fingerprint(url: str) -> dict[str, str]:
    with closing(asyncio.new_event_loop()) as loop:
        return loop.run_until_complete(everything(url))


def walk(block: str, folder: Path, **variables: str) -> None:
    """Execute a block of the page."""
    given = os.environ.get(BINARIES_VARIABLE)
    programs = Binaries.find(Path(given) if given else None).folder
    path = os.pathsep.join([str(programs), str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        ["sh", "-eu", "-c", block],
        cwd=folder,
        env={**os.environ, "PATH": path, **variables},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture
def filled() -> Iterator[str]:
    with filled_database(SIZES) as url:
        yield url


def test_a_dump_restores_everything_and_the_server_is_ready_on_it(filled: str, tmp_path: Path) -> None:
    name = f"restored_{uuid4().hex}"
    block = BLOCKS[0].replace("execgraph_restored", name)
    target = url_of(name)
    try:
        walk(
            block,
            tmp_path,
            SOURCE=for_programs(filled),
            ADMIN=for_programs(url_of("postgres")),
            TARGET=for_programs(target),
        )
        assert fingerprint(target) == fingerprint(filled)
        with ApiServer(target) as api:
            assert api.http.get("/readyz").status_code == 200
            assert api.ask("{ workflowExecutions { totalCount } }") == {"totalCount": 40}
    finally:
        administer(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def test_runs_that_were_exported_and_purged_come_back_as_they_were(filled: str, tmp_path: Path) -> None:
    before = fingerprint(filled)
    walk(BLOCKS[1], tmp_path, DATABASE_URL=filled)
    assert (tmp_path / "old-runs.ndjson").stat().st_size > 10_000
    assert fingerprint(filled) == before


def test_the_page_has_no_commands_that_are_not_walked_through() -> None:
    assert len(BLOCKS) == 2
