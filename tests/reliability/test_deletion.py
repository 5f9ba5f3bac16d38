"""Deleting a run takes all that is its own, and nobody else's time."""

import asyncio
import time
from typing import Any
from uuid import UUID

import pytest

from db import Database
from db.commands.workflow_executions import delete_workflow_execution
from tests.api_server import ApiServer
from tests.db.builders import EntryInput, append
from tests.db.builders import a_run as a_run_of
from tests.reliability.reports import a_run, a_step, log, report
from tests.reliability.store import connect, fetch
from tests.reliability.torture import length

ROWS = """
    SELECT 'runs', count(*) FROM workflow_executions WHERE id = $1
    UNION ALL SELECT 'counters', count(*) FROM execution_counters WHERE workflow_execution_id = $1
    UNION ALL SELECT 'steps', count(*) FROM node_executions WHERE workflow_execution_id = $1
    UNION ALL SELECT 'attempts', count(*) FROM node_execution_attempts WHERE node_execution_id = ANY($2::uuid[])
    UNION ALL SELECT 'entries', count(*) FROM execution_logs WHERE workflow_execution_id = $1
"""


async def rows_of(api: ApiServer, run_id: str, steps: list[str]) -> dict[str, int]:
    return dict(await fetch(api.database_url, ROWS, run_id, steps))


@pytest.mark.parametrize("status", ["PENDING", "RUNNING", "COMPLETED"])
async def test_with_a_run_goes_all_that_is_its_own(api: ApiServer, status: str) -> None:
    run_id = a_run(api, "RUNNING" if status == "COMPLETED" else status)
    statuses = ["PENDING"] if status == "PENDING" else ["FAILED", "COMPLETED"]
    steps = [a_step(api, run_id, step) for step in statuses]
    report(api, "retryNodeExecution", id=steps[0], force=True)
    log(api, run_id, "one", "two", nodeExecutionId=steps[0])
    log(api, run_id, "three")
    if status == "COMPLETED":
        report(api, "completeWorkflowExecution", id=run_id)
    attempts = 0 if status == "PENDING" else 2
    expected = {"runs": 1, "counters": 1, "steps": len(steps), "attempts": attempts, "entries": 3}
    assert await rows_of(api, run_id, steps) == expected
    deleted = report(api, "deleteWorkflowExecution", id=run_id)
    assert deleted == {"__typename": "DeleteWorkflowExecutionPayload", "id": run_id}
    assert await rows_of(api, run_id, steps) == dict.fromkeys(expected, 0)
    assert report(api, "deleteWorkflowExecution", id=run_id) == {
        "__typename": "NotFound",
        "message": f"Workflow execution {run_id} does not exist",
        "id": run_id,
    }


def test_runs_that_refer_to_it_stay(api: ApiServer) -> None:
    run_id = a_run(api, "RUNNING")
    step_id = a_step(api, run_id)
    child = a_run(api, "RUNNING", parentNodeExecutionId=step_id)
    again = a_run(api, retryOfId=run_id)
    own = a_step(api, child, "RUNNING")
    query = """query ($id: UUID!) { workflowExecution(id: $id) {
        status revision parent { id } retryOf { id } nodeExecutions { nodes { id status } }
    } }"""
    steps = {"nodes": [{"id": own, "status": "RUNNING"}]}
    before = {"status": "RUNNING", "revision": 2, "parent": {"id": step_id}, "retryOf": None, "nodeExecutions": steps}
    assert api.ask(query, id=child) == before
    report(api, "deleteWorkflowExecution", id=run_id)
    # A change like any other: it takes a revision, after the two of the child's step.
    assert api.ask(query, id=child) == {**before, "parent": None, "revision": 5}
    assert api.ask(query, id=again) == {
        "status": "PENDING",
        "revision": 2,
        "parent": None,
        "retryOf": None,
        "nodeExecutions": {"nodes": []},
    }


ENTRIES = length(100_000, 1_000_000)

FILL = """
    WITH counted AS (
        UPDATE execution_counters SET last_sequence = $2, info_count = $2 WHERE workflow_execution_id = $1
    )
    INSERT INTO execution_logs (workflow_execution_id, sequence, level, message)
    SELECT $1, place, 'info', 'message ' || place FROM generate_series(1, $2::int) AS place
"""

WAITING = """
    SELECT query, wait_event FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


@pytest.mark.torture
@pytest.mark.timeout(600)
async def test_the_deletion_of_a_long_run_does_not_delay_the_entries_of_others(
    database: Database, database_url: str
) -> None:
    long, other = await a_run_of(database), await a_run_of(database)
    await fetch(database_url, FILL, long, ENTRIES)
    usual = sorted([await timed_append(database, other) for _ in range(200)])
    watching = await connect(database_url)
    deletion = asyncio.create_task(database.run_command(lambda session: delete_workflow_execution(session, long)))
    meanwhile: list[float] = []
    waits: list[Any] = []
    while not deletion.done():
        meanwhile.append(await timed_append(database, other))
        waits += await watching.fetch(WAITING)
    await deletion
    await watching.close()
    assert await fetch(database_url, "SELECT count(*) FROM execution_logs WHERE workflow_execution_id = $1", long) == [
        (0,)
    ]
    print(f"\n{len(meanwhile)} appends in the meantime; p99 {p99(usual):.4f} s before, {p99(meanwhile):.4f} s then")
    assert waits == []
    assert len(meanwhile) >= 5
    assert p99(meanwhile) < max(0.5, 20 * p99(usual))


async def timed_append(database: Database, run_id: UUID) -> float:
    began = time.perf_counter()
    await append(database, run_id, EntryInput())
    return time.perf_counter() - began


def p99(times: list[float]) -> float:
    return sorted(times)[int(len(times) * 0.99)]


@pytest.mark.torture
@pytest.mark.timeout(600)
async def test_entries_are_appended_to_a_run_while_its_own_entries_are_deleted(
    database: Database, database_url: str
) -> None:
    long = await a_run_of(database)
    await fetch(database_url, FILL, long, ENTRIES)
    deletion = asyncio.create_task(database.run_command(lambda session: delete_workflow_execution(session, long)))
    appended = 0
    while not deletion.done():
        try:
            await append(database, long, EntryInput())
        except LookupError:
            break
        appended += 1
    await deletion
    counts = await fetch(database_url, ROWS, long, [])
    assert dict(counts) == dict.fromkeys(("runs", "counters", "steps", "attempts", "entries"), 0)
    assert appended > 0
