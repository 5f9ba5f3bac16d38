"""Engines that die: a run of which nothing is heard is failed, once, and by nothing else than silence."""

import asyncio
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from db import Database, ExecutionStatus, WorkflowExecution
from db.commands.heartbeats import find_silent_runs
from db.commands.workflow_executions import start_workflow_execution
from graphql_api import upkeep
from tests.api_server import ApiServer
from tests.db.builders import a_run as made_run
from tests.reliability.reports import a_run, a_step, log, logged, report, some_steps
from tests.reliability.store import connect, eventually, fetch

Two = tuple[ApiServer, ApiServer]

RUN = """query ($id: UUID!) { workflowExecution(id: $id) {
    status errorMessage startedAt endedAt
    nodeExecutions { nodes { status errorMessage } } logCounts { total warning }
} }"""


async def ended(api: ApiServer, run_id: str) -> dict[str, Any]:
    """The run, once it has ended by itself."""

    async def has_ended() -> bool:
        return api.ask(RUN, id=run_id)["endedAt"] is not None

    await eventually(has_ended)
    found: dict[str, Any] = api.ask(RUN, id=run_id)
    return found


def seconds(run: dict[str, Any]) -> float:
    """From its start to its end."""
    started, end = (datetime.fromisoformat(run[name]) for name in ("startedAt", "endedAt"))
    return (end - started).total_seconds()


async def test_a_run_fails_when_nothing_is_heard_of_it(two: Two) -> None:
    run_id = a_run(two[0], "RUNNING", heartbeatTimeoutSeconds=1)
    running, _, completed = some_steps(two[0], run_id, {}, {}, {})
    for mutation, step in (("start", running), ("start", completed), ("complete", completed)):
        report(two[0], f"{mutation}NodeExecution", id=step)
    run = await ended(two[0], run_id)
    assert 1 <= seconds(run) < 10
    del run["startedAt"], run["endedAt"]
    assert run == {
        "status": "FAILED",
        "errorMessage": "No heartbeat for 1 seconds",
        "nodeExecutions": {
            "nodes": [{"status": status, "errorMessage": None} for status in ("CANCELLED", "CANCELLED", "COMPLETED")]
        },
        "logCounts": {"total": 1, "warning": 1},
    }
    (entry,) = logged(two[0], run_id, "sequence level message data nodeExecutionId")
    heard_at = datetime.fromisoformat(entry["data"].pop("last_report_at"))
    assert heard_at.tzinfo is not None
    assert entry == {
        "sequence": 1,
        "level": "WARNING",
        "message": "No heartbeat for 1 seconds: the run was failed and its unfinished steps were cancelled",
        "data": {"heartbeat_timeout_seconds": 1},
        "nodeExecutionId": None,
    }


async def test_two_processes_fail_a_run_once(two: Two) -> None:
    runs = [a_run(two[place % 2], "RUNNING", heartbeatTimeoutSeconds=1) for place in range(10)]
    for run_id in runs:
        assert (await ended(two[1], run_id))["logCounts"] == {"total": 1, "warning": 1}
        revision = two[0].ask("query ($id: UUID!) { workflowExecution(id: $id) { revision } }", id=run_id)
        assert revision == {"revision": 3}


REPORTS: dict[str, Callable[[ApiServer, str], Any]] = {
    "heartbeat": lambda api, run_id: report(api, "heartbeat", workflowExecutionIds=[run_id]),
    "appendLogs": lambda api, run_id: log(api, run_id, "still here"),
    "createNodeExecutions": lambda api, run_id: some_steps(api, run_id, {}),
    "startNodeExecution": lambda api, run_id: a_step(api, run_id, "RUNNING"),
    "transitionNodeExecutions": lambda api, run_id: report(
        api, "transitionNodeExecutions", transitions=[{"skip": {"id": some_steps(api, run_id, {})[0]}}]
    ),
}


async def test_any_report_on_a_run_keeps_it_alive(two: Two) -> None:
    api = two[0]
    runs = {name: a_run(api, "RUNNING", heartbeatTimeoutSeconds=2) for name in REPORTS}
    silent = a_run(api, "RUNNING", heartbeatTimeoutSeconds=2)
    began = time.monotonic()
    while time.monotonic() - began < 3.5:
        for name, run_id in runs.items():
            await asyncio.to_thread(REPORTS[name], api, run_id)
        await asyncio.sleep(0.3)
    assert (await ended(api, silent))["status"] == "FAILED"
    assert {name: api.ask(RUN, id=run_id)["status"] for name, run_id in runs.items()} == dict.fromkeys(runs, "RUNNING")


@pytest.mark.parametrize("name", [name for name in REPORTS if name != "heartbeat"])
async def test_a_report_counts_as_a_heartbeat(api: ApiServer, name: str) -> None:
    run_id = a_run(api, "RUNNING")
    await fetch(
        api.database_url,
        "UPDATE execution_counters SET last_report_at = '2026-01-01' WHERE workflow_execution_id = $1",
        run_id,
    )
    before = await fetch(api.database_url, "SELECT clock_timestamp()")
    REPORTS[name](api, run_id)
    statement = "SELECT last_report_at FROM execution_counters WHERE workflow_execution_id = $1"
    ((heard_at,),) = await fetch(api.database_url, statement, run_id)
    assert heard_at > before[0][0]


async def test_a_run_has_its_whole_timeout_from_its_start(two: Two) -> None:
    run_id = a_run(two[0])
    await fetch(
        two[0].database_url,
        "UPDATE execution_counters SET last_report_at = '2026-01-01' WHERE workflow_execution_id = $1",
        run_id,
    )
    report(two[0], "startWorkflowExecution", id=run_id, heartbeatTimeoutSeconds=2)
    assert seconds(await ended(two[0], run_id)) >= 2


async def test_a_run_has_its_whole_timeout_after_all_processes_were_down(database_url: str) -> None:
    with ApiServer(database_url) as api:
        run_id = a_run(api, "RUNNING", heartbeatTimeoutSeconds=2)
    statement = "UPDATE execution_counters SET last_report_at = clock_timestamp() - interval '1 hour'"
    await fetch(database_url, statement)
    began = time.monotonic()
    with ApiServer(database_url) as api:
        assert api.ask(RUN, id=run_id)["status"] == "RUNNING"
        run = await ended(api, run_id)
    assert time.monotonic() - began >= 2
    assert (run["status"], run["errorMessage"]) == ("FAILED", "No heartbeat for 2 seconds")


async def test_an_engine_that_comes_back_in_time_after_all_processes_were_down_goes_on(database_url: str) -> None:
    with ApiServer(database_url) as api:
        run_id = a_run(api, "RUNNING", heartbeatTimeoutSeconds=3)
        silent = a_run(api, "RUNNING", heartbeatTimeoutSeconds=3)
    await fetch(database_url, "UPDATE execution_counters SET last_report_at = clock_timestamp() - interval '1 hour'")
    with ApiServer(database_url) as api:

        async def silent_has_ended() -> bool:
            _, result = report(api, "heartbeat", workflowExecutionIds=[run_id, run_id])
            assert result["status"] == "RUNNING"
            return api.ask(RUN, id=silent)["endedAt"] is not None

        await eventually(silent_has_ended)
        assert api.ask(RUN, id=run_id)["logCounts"] == {"total": 0, "warning": 0}


async def test_a_run_has_its_whole_timeout_after_the_process_stood_still(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    # On a database of its own: the servers of the others go on while this thread stands still.
    monkeypatch.setattr(upkeep, "HEARTBEAT_CHECK_SECONDS", 0.05)
    monkeypatch.setattr(upkeep, "STANDSTILL_SECONDS", 1.5)
    looked = asyncio.Event()

    async def look(*arguments: Any) -> Any:
        found = await find_silent_runs(*arguments)
        looked.set()
        return found

    monkeypatch.setattr(upkeep, "find_silent_runs", look)

    async def status_of(run_id: UUID) -> ExecutionStatus:
        async with database.session() as session:
            return (await session.get_one(WorkflowExecution, run_id)).status

    run_id = await made_run(database)
    await database.run(lambda session: start_workflow_execution(session, run_id, heartbeat_timeout_seconds=4))
    async with upkeep.Upkeep(database, timedelta(hours=1)):
        await looked.wait()
        time.sleep(5)  # noqa: ASYNC251 - nothing of this process goes on, and no report arrives
        for _ in range(3):
            looked.clear()
            await asyncio.wait_for(looked.wait(), 10)
        assert await status_of(run_id) is ExecutionStatus.RUNNING

        async def has_failed() -> bool:
            return await status_of(run_id) is ExecutionStatus.FAILED

        stood_still = time.monotonic()
        await eventually(has_failed)
    assert time.monotonic() - stood_still > 1


async def test_a_heartbeat_does_not_wait_for_the_row_of_the_run(api: ApiServer) -> None:
    run_id = a_run(api, "RUNNING")
    connection = await connect(api.database_url)
    try:
        async with connection.transaction():
            await connection.execute("SELECT FROM workflow_executions WHERE id = $1 FOR NO KEY UPDATE", run_id)
            async with asyncio.timeout(10):
                (result,) = await asyncio.to_thread(report, api, "heartbeat", workflowExecutionIds=[run_id])
                appended = await asyncio.to_thread(log, api, run_id, "entries do not wait either")
    finally:
        await connection.close()
    assert (result["status"], appended["lastSequence"]) == ("RUNNING", 1)


@pytest.mark.parametrize("status", ["PENDING", "RUNNING", "COMPLETED", "FAILED", "CANCELLED"])
def test_a_heartbeat_tells_the_status_of_the_run(api: ApiServer, status: str) -> None:
    run_id = a_run(api, status)
    (result,) = report(api, "heartbeat", workflowExecutionIds=[run_id])
    assert (result["__typename"], result["id"], result["status"]) == ("WorkflowExecution", run_id, status)


def test_a_heartbeat_of_many_tells_of_each_in_order(api: ApiServer) -> None:
    one, other, unknown = a_run(api, "RUNNING"), a_run(api, "CANCELLED"), str(uuid4())
    results = report(api, "heartbeat", workflowExecutionIds=[one, unknown, other, one])
    assert [result.get("status", result["__typename"]) for result in results] == [
        "RUNNING",
        "NotFound",
        "CANCELLED",
        "RUNNING",
    ]
    assert results[1]["id"] == unknown


@pytest.mark.parametrize("count", [0, 10_001])
def test_a_heartbeat_is_for_1_to_10_000_runs(api: ApiServer, count: int) -> None:
    (refused,) = report(api, "heartbeat", workflowExecutionIds=[str(uuid4())] * count)
    assert (refused["__typename"], refused["field"]) == ("InvalidInput", "workflowExecutionIds")


def test_a_timeout_of_less_than_a_second_is_refused(api: ApiServer) -> None:
    assert report(api, "startWorkflowExecution", id=a_run(api), heartbeatTimeoutSeconds=0) == {
        "__typename": "InvalidInput",
        "message": "heartbeatTimeoutSeconds must be from 1 to 2147483647",
        "field": "heartbeatTimeoutSeconds",
    }


async def test_a_run_without_a_timeout_may_be_silent(api: ApiServer, shared_database: Database) -> None:
    silent = a_run(api, "RUNNING")
    watched = a_run(api, "RUNNING", heartbeatTimeoutSeconds=1)
    statement = "UPDATE execution_counters SET last_report_at = '2026-01-01'"
    await fetch(api.database_url, statement)
    await ended(api, watched)
    assert api.ask(RUN, id=silent)["status"] == "RUNNING"
