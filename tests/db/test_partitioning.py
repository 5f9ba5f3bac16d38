"""The actual schema, with the entries partitioned by month as the page on scaling says: everything goes on."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from db import Database, ExecutionLog, LogLevel
from db.commands.purge import Purge, PurgePolicy
from tests.db.builders import RUNNING, EntryInput, a_run, a_step, append
from tests.reliability.store import BROKEN, fetch
from tests.reliability.store import connect as connect_to

PARTITION = (Path(__file__).parents[2] / "deploy/sql/partition_execution_logs.sql").read_text()
CONTENT = "SELECT workflow_execution_id, sequence, message FROM execution_logs ORDER BY 1, 2"
STRUCTURE = {
    "columns": "SELECT column_name, data_type, is_nullable, column_default FROM information_schema.columns"
    " WHERE table_name = 'execution_logs' AND table_schema = 'public'",
    "constraints": "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint"
    " WHERE conrelid = 'execution_logs'::regclass AND contype IN ('p', 'f', 'c', 'u')",
    "indexes": "SELECT indexname, replace(indexdef, ' ON ONLY ', ' ON ') FROM pg_indexes"
    " WHERE tablename = 'execution_logs'",
    "triggers": "SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger"
    " WHERE tgrelid = 'execution_logs'::regclass AND NOT tgisinternal",
    "statistics": "SELECT stxname, pg_get_statisticsobjdef(oid) FROM pg_statistic_ext"
    " WHERE stxrelid = 'execution_logs'::regclass",
}


async def partitioned(url: str) -> None:
    connection = await connect_to(url)
    try:
        async with connection.transaction():
            await connection.execute(PARTITION)
    finally:
        await connection.close()


async def structure(url: str) -> dict[str, set[Any]]:
    return {part: {tuple(row) for row in await fetch(url, query)} for part, query in STRUCTURE.items()}


async def scanned(url: str, query: str, *arguments: Any) -> set[str]:
    """The tables that a plan looks at."""
    ((plan,),) = await fetch(url, f"EXPLAIN (FORMAT JSON) {query}", *arguments)
    return set(re.findall(r'"Relation Name": "([^"]+)"', json.dumps(json.loads(plan))))


async def test_the_entries_can_be_partitioned_by_month_and_nothing_else_changes(
    database: Database, database_url: str
) -> None:
    old = UUID("018c0000-0000-7000-8000-000000000001")  # of November 2023
    first = await a_run(database, RUNNING, id=old)
    await append(database, first, EntryInput(), EntryInput(level=LogLevel.ERROR))
    created = datetime(2023, 11, 30, tzinfo=UTC)
    await fetch(database_url, "UPDATE workflow_executions SET created_at = $1", created)
    before, was = await fetch(database_url, CONTENT), await structure(database_url)

    for _ in range(2):
        await partitioned(database_url)

    assert await fetch(database_url, CONTENT) == before
    assert await structure(database_url) == was
    second = await a_run(database, RUNNING)
    step_id = await a_step(database, second, RUNNING)
    await append(database, second, EntryInput(node_execution_id=step_id))
    await append(database, first, EntryInput())
    async with database.session() as session:
        session.add(ExecutionLog(workflow_execution_id=second, level=LogLevel.INFO, message="by the trigger"))
        await session.commit()
    assert await fetch(database_url, BROKEN) == []
    assert await fetch(database_url, "SELECT count(*) FROM execution_logs_default") == [(0,)]
    assert await fetch(database_url, "SELECT count(*) FROM execution_logs_2023_11") == [(3,)]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM execution_logs WHERE workflow_execution_id = '{id}' AND sequence > 5 ORDER BY sequence LIMIT 50",
        "SELECT count(*) FROM execution_logs WHERE workflow_execution_id = '{id}' AND level = 'error'",
        "DELETE FROM execution_logs WHERE workflow_execution_id = '{id}'",
    ],
)
async def test_a_statement_of_one_run_looks_at_one_partition(database: Database, database_url: str, query: str) -> None:
    await partitioned(database_url)
    run_id = await a_run(database, RUNNING)
    await append(database, run_id, EntryInput())

    looked_at = await scanned(database_url, query.format(id=run_id))

    assert looked_at - {"execution_logs"} == {f"execution_logs_{datetime.now(UTC):%Y_%m}"}


async def test_a_month_whose_runs_were_purged_is_dropped(database: Database, database_url: str) -> None:
    old = await a_run(database, RUNNING, id=UUID("018c0000-0000-7000-8000-000000000001"))
    await append(database, old, EntryInput())
    times = "UPDATE workflow_executions SET status = 'completed', created_at = $1, started_at = $1, ended_at = $1"
    await fetch(database_url, times, datetime(2023, 11, 30, tzinfo=UTC))
    await partitioned(database_url)
    live = await a_run(database, RUNNING)
    await append(database, live, EntryInput())

    async for _ in Purge(
        database, PurgePolicy(datetime.now(UTC) - datetime(2024, 1, 1, tzinfo=UTC)), work_share=1
    ).run():
        pass
    await fetch(database_url, "DROP TABLE execution_logs_2023_11")

    assert [row["workflow_execution_id"] for row in await fetch(database_url, CONTENT)] == [live]
