"""executionLogs: everything after a sequence, then what comes: in order, each entry exactly once, until the end."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from db import Database, ExecutionLog, LogLevel, WorkflowExecution
from db.hints import Hints
from tests.api_server import ApiServer
from tests.graphql_api.followers import Follower, following
from tests.graphql_api.reports import log, running, steps, transition

LOGS = """
subscription ($run: UUID!, $filter: ExecutionLogFilter, $after: Int! = 0) {
    executionLogs(workflowExecutionId: $run, filter: $filter, after: $after) {
        entries { sequence message }
        lastSequence
        complete
    }
}
"""

WAITING = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")


def batch(*numbers: int, last: int | None = None, complete: bool = False) -> dict[str, Any]:
    entries = [{"sequence": number, "message": f"entry {number}"} for number in numbers]
    return {"entries": entries, "lastSequence": last or numbers[-1], "complete": complete}


def append(api: ApiServer, run_id: str, *numbers: int, **values: Any) -> None:
    log(api, run_id, *(f"entry {number}" for number in numbers), **values)


async def sequences(follower: Follower, last: int) -> list[int]:
    """The sequences of the entries that come, up to one."""
    found: list[int] = []
    while not found or found[-1] < last:
        found += [entry["sequence"] for entry in (await follower.event())["entries"]]
    return found


async def test_the_entries_that_there_are_come_first_then_those_that_come(api: ApiServer) -> None:
    run_id = running(api)
    append(api, run_id, 1, 2, 3)
    async with following(api, LOGS, run=run_id) as follower:
        assert await follower.event() == batch(1, 2, 3)
        append(api, run_id, 4)
        assert await follower.event() == batch(4)
        append(api, run_id, 5, 6)
        assert await follower.event() == batch(5, 6)


async def test_a_follower_resumes_where_it_was(api: ApiServer) -> None:
    run_id = running(api)
    append(api, run_id, 1, 2, 3)
    async with following(api, LOGS, run=run_id, after=2) as follower:
        assert await follower.event() == batch(3)
    append(api, run_id, 4)
    async with following(api, LOGS, run=run_id, after=3) as follower:
        assert await follower.event() == batch(4)
        append(api, run_id, 5)
        assert await follower.event() == batch(5)


async def test_a_filter_hides_entries_and_not_how_far_they_reach(api: ApiServer) -> None:
    run_id = running(api)
    append(api, run_id, 1, 2)
    append(api, run_id, 3, level="ERROR")
    append(api, run_id, 4)
    async with following(api, LOGS, run=run_id, filter={"minLevel": "WARNING"}) as follower:
        assert await follower.event() == batch(3, last=4)
        append(api, run_id, 5)
        assert await follower.event() == batch(last=5)
        append(api, run_id, 6, level="WARNING")
        assert await follower.event() == batch(6)


async def test_a_filter_by_step_and_text_holds_for_live_entries(api: ApiServer) -> None:
    run_id = running(api)
    (step_id,) = steps(api, run_id, "load")
    filter_ = {"nodeExecutionIds": [step_id], "search": "ENTRY"}
    async with following(api, LOGS, run=run_id, filter=filter_) as follower:
        append(api, run_id, 1)
        assert await follower.event() == batch(last=1)
        append(api, run_id, 2, nodeExecutionId=step_id)
        assert await follower.event() == batch(2)


async def test_a_long_log_comes_in_batches_of_a_thousand(api: ApiServer) -> None:
    run_id = running(api)
    append(api, run_id, *range(1, 2_501))
    async with following(api, LOGS, run=run_id) as follower:
        assert [len((await follower.event())["entries"]) for _ in range(3)] == [1_000, 1_000, 500]


async def test_the_stream_completes_when_the_run_has_ended_and_the_grace_is_over(api: ApiServer) -> None:
    run_id = running(api)
    append(api, run_id, 1)
    async with following(api, LOGS, run=run_id) as follower:
        assert await follower.event() == batch(1)
        before = time.monotonic()
        transition(api, "completeWorkflowExecution", run_id)
        assert await follower.event() == batch(last=1, complete=True)
        assert time.monotonic() - before >= api.grace_seconds
        await follower.ends()


async def test_entries_that_come_late_are_delivered_and_prolong_the_grace(api: ApiServer) -> None:
    run_id = running(api)
    async with following(api, LOGS, run=run_id) as follower:
        transition(api, "failWorkflowExecution", run_id, errorMessage="broken")
        before = time.monotonic()
        append(api, run_id, 1)
        assert await follower.event() == batch(1)
        assert await follower.event() == batch(last=1, complete=True)
        assert time.monotonic() - before >= api.grace_seconds
        await follower.ends()


async def test_entries_that_come_later_still_are_for_who_subscribes_again(api: ApiServer) -> None:
    run_id = running(api)
    transition(api, "cancelWorkflowExecution", run_id)
    async with following(api, LOGS, run=run_id) as follower:
        assert await follower.events() == [{"entries": [], "lastSequence": 0, "complete": True}]
    append(api, run_id, 1)
    async with following(api, LOGS, run=run_id) as follower:
        events = await follower.events()
    assert [entry for event in events for entry in event["entries"]] == batch(1)["entries"]
    assert [event["complete"] for event in events] in ([True], [False, True])
    assert events[-1]["lastSequence"] == 1


async def test_an_unknown_run_is_not_found(api: ApiServer) -> None:
    nobody = str(uuid4())
    async with following(api, LOGS, run=nobody) as follower:
        assert await follower.error() == {"message": f"Workflow execution {nobody} does not exist", "code": "NOT_FOUND"}


@pytest.mark.parametrize("after", [-1, -(2**31)])
async def test_a_sequence_is_not_negative(api: ApiServer, after: int) -> None:
    async with following(api, LOGS, run=running(api), after=after) as follower:
        assert await follower.error() == {"message": "after: must be from 0 to 2147483647", "code": "BAD_USER_INPUT"}


async def test_a_run_that_is_deleted_meanwhile_is_not_found(api: ApiServer) -> None:
    run_id = running(api)
    append(api, run_id, 1)
    async with following(api, LOGS, run=run_id) as follower:
        assert await follower.event() == batch(1)
        transition(api, "deleteWorkflowExecution", run_id)
        assert (await follower.error())["code"] == "NOT_FOUND"


async def test_what_another_process_appends_through_the_orm_arrives_and_so_does_its_deletion(api: ApiServer) -> None:
    run_id = running(api)
    async with (
        Database(api.database_url) as database,
        Hints(database),
        following(api, LOGS, run=run_id) as follower,
    ):
        append(api, run_id, 1)
        assert await follower.event() == batch(1)
        async with database.session() as session:
            run = await session.get_one(WorkflowExecution, run_id)
            session.add(ExecutionLog(workflow_execution_id=run.id, level=LogLevel.INFO, message="entry 2"))
            await session.commit()
            assert await follower.event(within=4) == batch(2)
            await session.delete(run)
            await session.commit()
        assert (await follower.error(within=4))["code"] == "NOT_FOUND"


async def test_what_nobody_tells_of_arrives_all_the_same(api: ApiServer) -> None:
    run_id = running(api)
    async with Database(api.database_url) as database, following(api, LOGS, run=run_id) as follower:
        append(api, run_id, 1)
        assert await follower.event() == batch(1)
        async with database.session() as session:
            session.add(ExecutionLog(workflow_execution_id=run_id, level=LogLevel.INFO, message="entry 2"))
            await session.commit()
        assert await follower.event() == batch(2)


async def test_of_many_writers_at_once_every_entry_comes_once_and_in_order(api: ApiServer) -> None:
    run_id = running(api)
    with ThreadPoolExecutor(8) as pool:
        async with following(api, LOGS, run=run_id) as early:
            writing = [
                asyncio.get_running_loop().run_in_executor(pool, append, api, run_id, *range(3)) for _ in range(100)
            ]
            async with following(api, LOGS, run=run_id) as late:
                assert await sequences(early, 300) == list(range(1, 301))
                assert await sequences(late, 300) == list(range(1, 301))
            await asyncio.gather(*writing)


async def test_entries_of_an_open_transaction_are_waited_for_by_those_that_come_after(api: ApiServer) -> None:
    run_id = running(api)
    with ThreadPoolExecutor(1) as pool:
        async with Database(api.database_url) as database, following(api, LOGS, run=run_id) as follower:
            async with database.session() as session:
                session.add(ExecutionLog(workflow_execution_id=run_id, level=LogLevel.INFO, message="entry 1"))
                await session.flush()
                second = asyncio.get_running_loop().run_in_executor(pool, append, api, run_id, 2)
                async with asyncio.timeout(10):
                    while not (await session.execute(WAITING)).scalar_one():  # noqa: ASYNC110 - PostgreSQL tells nobody
                        await asyncio.sleep(0.01)
                assert not second.done()
                await session.commit()
            await second
            assert await sequences(follower, 2) == [1, 2]


async def test_a_stream_outlives_the_connections_to_the_database(server: ApiServer) -> None:
    run_id = running(server)
    async with Database(server.database_url) as database, following(server, LOGS, run=run_id) as follower:
        append(server, run_id, 1)
        assert await follower.event() == batch(1)
        async with database.session() as session:
            await session.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            )
            session.add(ExecutionLog(workflow_execution_id=run_id, level=LogLevel.INFO, message="entry 2"))
            await session.commit()
        assert await follower.event() == batch(2)
