"""However long a run is, moving it takes the same memory."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from db import Database
from tests.db.builders import RUNNING, a_run
from tests.reliability.store import fetch
from tests.reliability.torture import length

pytestmark = [pytest.mark.torture, pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[2]
ENTRIES = length(60_000, 1_000_000)
FEW = 2_000
MEGABYTES = 24
"""What a run of any length may take more than one of a few entries: much less than it holds."""

FILL = """
    WITH counted AS (
        UPDATE execution_counters SET last_sequence = $2, info_count = $2 WHERE workflow_execution_id = $1
    )
    INSERT INTO execution_logs (workflow_execution_id, sequence, level, message, data)
    SELECT $1, place, 'info', 'message ' || place || repeat(' and so on', 40), jsonb_build_object('place', place)
    FROM generate_series(1, $2::int) AS place
"""


async def moved(database: Database, here: str, there: str, entries: int) -> Any:
    run_id = await a_run(database, RUNNING)
    await fetch(here, FILL, run_id, entries)
    command = [sys.executable, str(Path(__file__).with_name("moving_a_run.py")), here, there, str(run_id)]
    pipes = {"stdout": asyncio.subprocess.PIPE, "stderr": asyncio.subprocess.PIPE}
    process = await asyncio.create_subprocess_exec(*command, env={"PYTHONPATH": str(ROOT)}, **pipes)  # type: ignore[arg-type]
    printed, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    return json.loads(printed)


async def test_memory_is_flat(database: Database, database_url: str, other_url: str) -> None:
    few = await moved(database, database_url, other_url, FEW)
    many = await moved(database, database_url, other_url, ENTRIES)

    print(f"\n{FEW} entries: {few}; {ENTRIES} entries: {many}")
    assert (few["same"], many["same"]) == (True, True)
    assert many["megabytes"] - few["megabytes"] < MEGABYTES
    counts = "SELECT max(last_sequence), sum(info_count) FROM execution_counters"
    assert await fetch(other_url, counts) == [(ENTRIES, ENTRIES + FEW)]
