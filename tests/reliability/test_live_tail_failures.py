"""How the live tails of other products fail, as their users report it; each of these must not happen here."""

import asyncio
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import event

from db import Database, ExecutionLog, LogLevel
from db import hints as hints_module
from db.feeds import Feeds
from db.filters import ExecutionLogFilter
from db.hints import Hints
from tests.api_server import ApiServer
from tests.db.builders import a_run as a_run_of
from tests.db.builders import a_workflow as a_workflow_of
from tests.graphql_api.raw_clients import until
from tests.reliability.reports import a_run, a_step, log, report
from tests.reliability.store import eventually, fetch
from tests.reliability.subscribers import over_event_stream, over_websocket

OVER = {"websocket": over_websocket, "event stream": over_event_stream}
LIMIT = 60.0

each_transport = pytest.mark.parametrize("transport", OVER)


@asynccontextmanager
async def following(api: ApiServer, transport: str, run_id: str, after: int = 0) -> AsyncIterator[Any]:
    variables = {"run": run_id, "filter": None, "after": after}
    async with asyncio.timeout(LIMIT), OVER[transport](api.port, variables) as results:
        yield results


async def take(results: Any, last: int) -> tuple[list[int], bool]:
    """The sequences that come until one is reached, or the log is complete, and whether it is."""
    found: list[int] = []
    async for result in results:
        batch = result["data"]["executionLogs"]
        found += [entry["sequence"] for entry in batch["entries"]]
        if batch["complete"] or batch["lastSequence"] >= last:
            return found, batch["complete"]
    raise AssertionError(f"it ended after {found}")


async def end(results: Any) -> tuple[list[int], bool]:
    return await take(results, 2**31)


@each_transport
async def test_what_is_logged_between_fetching_and_subscribing_is_not_lost(
    two: tuple[ApiServer, ApiServer], transport: str
) -> None:
    """kestra#10521: entries between the page that was fetched and the stream were lost."""
    api, other = two
    run_id = a_run(api, "RUNNING")
    log(api, run_id, "1", "2")
    query = "query ($id: UUID!) { workflowExecution(id: $id) { logs { nodes { sequence } lastSequence } } }"
    page = api.ask(query, id=run_id)["logs"]
    log(other, run_id, "3", "4")
    async with following(api, transport, run_id, after=page["lastSequence"]) as results:
        found, _ = await take(results, 4)
    assert [*(entry["sequence"] for entry in page["nodes"]), *found] == [1, 2, 3, 4]


@each_transport
async def test_nothing_is_doubled_or_left_out_when_the_run_ends(
    two: tuple[ApiServer, ApiServer], transport: str
) -> None:
    """kestra#6773: duplicates and gaps around the end of a run."""
    api, other = two
    run_id = a_run(api, "RUNNING")
    go_on = threading.Event()

    def write(server: ApiServer) -> int:
        count = 0
        while not go_on.is_set() or count < 10:
            log(server, run_id, "more")
            count += 1
        return count

    with ThreadPoolExecutor(4) as pool:
        async with following(api, transport, run_id) as results:
            loop = asyncio.get_running_loop()
            writing = [loop.run_in_executor(pool, write, server) for server in (api, other, other)]
            first, _ = await take(results, 5)
            await loop.run_in_executor(pool, lambda: report(other, "completeWorkflowExecution", id=run_id))
            second, complete = await take(results, first[-1] + 5)  # they go on beyond the end of the run
            go_on.set()
            written = sum(await asyncio.gather(*writing))
            third, complete = ([], True) if complete else await end(results)
    assert complete
    assert first + second + third == list(range(1, written + 1))


@each_transport
async def test_that_all_entries_are_there_is_told_and_can_be_proven(
    two: tuple[ApiServer, ApiServer], transport: str
) -> None:
    """kestra#7226: no way to know that all log entries are there."""
    api, _ = two
    run_id = a_run(api, "RUNNING")
    async with following(api, transport, run_id) as results:
        log(api, run_id, "1")
        assert await take(results, 1) == ([1], False)
        report(api, "failWorkflowExecution", id=run_id, errorMessage="It broke")
        log(api, run_id, "a last word")
        assert await end(results) == ([2], True)
        assert [result async for result in results] == []
    query = "query ($id: UUID!) { workflowExecution(id: $id) { logCounts { total } } }"
    assert api.ask(query, id=run_id)["logCounts"]["total"] == 2  # 1, 2, without a gap: all of them


@each_transport
async def test_nothing_comes_twice_after_a_reconnect(two: tuple[ApiServer, ApiServer], transport: str) -> None:
    """dagster#4863: after a reconnect entries came twice."""
    api, other = two
    run_id = a_run(api, "RUNNING")
    found: list[int] = []
    for number in range(1, 13):
        log(api, run_id, f"{number}")
        async with following((api, other)[number % 2], transport, run_id, after=len(found)) as results:
            found += (await take(results, number))[0]
    assert found == list(range(1, 13))


LISTENERS = """
    SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
    WHERE datname = current_database() AND query ILIKE 'LISTEN%'
"""


@each_transport
async def test_what_is_logged_while_listening_is_interrupted_comes_all_the_same(
    two: tuple[ApiServer, ApiServer], transport: str
) -> None:
    """graphile/crystal#2876: when LISTEN was cut, messages were dropped and no client knew."""
    api, other = two
    run_id = a_run(api, "RUNNING")
    log(api, run_id, "0")
    cut = 0
    async with following(api, transport, run_id) as results:
        found, _ = await take(results, 1)
        for number in range(2, 12):
            ((ended,),) = await fetch(api.database_url, LISTENERS)
            cut += ended
            log(other, run_id, f"{number}")
            found += (await take(results, number))[0]
    assert found == list(range(1, 12))
    assert cut > 2


@each_transport
@pytest.mark.parametrize("come", ["before", "after"])
async def test_of_a_run_that_is_over_at_once_all_entries_come(
    two: tuple[ApiServer, ApiServer], transport: str, come: str
) -> None:
    """prefect#15866: entries were missing of runs that end quickly."""
    api, other = two
    run_id = a_run(other)

    def run_quickly() -> None:
        report(other, "startWorkflowExecution", id=run_id)
        log(other, run_id, "1", "2")
        report(other, "completeWorkflowExecution", id=run_id)

    if come == "after":
        await asyncio.to_thread(run_quickly)
    async with following(api, transport, run_id) as results:
        ending = asyncio.create_task(end(results))
        if come == "before":
            await asyncio.to_thread(until, lambda: api.followers(run_id) == 1 or ending.done())
            await asyncio.to_thread(run_quickly)
        assert await ending == ([1, 2], True)


@each_transport
async def test_entries_that_are_committed_out_of_order_are_not_skipped(
    two: tuple[ApiServer, ApiServer], transport: str, shared_database: Database
) -> None:
    """hasura/graphql-engine#8632: rows of transactions that committed late were skipped."""
    api, other = two
    run_id = a_run(api, "RUNNING")
    step_id = a_step(api, run_id)
    waiting = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"

    async def somebody_waits() -> bool:
        return bool(await fetch(api.database_url, waiting))

    with ThreadPoolExecutor(2) as pool:
        async with following(api, transport, run_id) as results, shared_database.session() as session:
            entry = {"level": LogLevel.INFO, "message": "first, but late", "node_execution_id": step_id}
            session.add(ExecutionLog(workflow_execution_id=run_id, **entry))
            await session.flush()
            loop = asyncio.get_running_loop()
            later = [loop.run_in_executor(pool, log, server, run_id, "later") for server in two]
            await eventually(somebody_waits)
            await session.commit()
            await asyncio.gather(*later)
            assert (await take(results, 3))[0] == [1, 2, 3]
    assert log(other, run_id, "4")["lastSequence"] == 4


async def test_streams_where_nothing_happens_cost_one_statement_for_all_of_them(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """hasura/graphql-engine#9994: 10,000 idle streams burnt CPU, each polling for itself."""
    monkeypatch.setattr(hints_module, "SLOW_TIMER_SECONDS", 0.2)
    monkeypatch.setattr(hints_module, "TIMER_WITHOUT_HINTS_SECONDS", 0.2)
    workflow_id = await a_workflow_of(database)
    runs = [await a_run_of(database, workflow_id=workflow_id) for _ in range(50)]
    statements: list[str] = []

    async def follow(feeds: Feeds, run_id: Any) -> None:
        async with feeds.log(run_id, ExecutionLogFilter()) as feed:
            async for _ in feed.follow(ExecutionLogFilter(), 0, 1_000):
                raise AssertionError("nothing happened")

    async with asyncio.timeout(LIMIT), Hints(database, database_url) as hints:  # LISTEN goes past a pooler
        feeds = Feeds(database, hints, 2)
        followers = [asyncio.create_task(follow(feeds, runs[number % 50])) for number in range(1_000)]

        async def are_idle() -> bool:
            return feeds.delivery.followers == 1_000 and hints.listening and feeds.delivery.reads >= 50

        await eventually(are_idle)  # each looked once when nothing was known of its run, and at the first sweep
        await asyncio.sleep(0.5)
        event.listen(database.engine.sync_engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
        reads = (feeds.delivery.reads, feeds.delivery.catch_ups)
        await asyncio.sleep(2)
        assert (feeds.delivery.reads, feeds.delivery.catch_ups) == reads
        for follower in followers:
            follower.cancel()
        await asyncio.gather(*followers, return_exceptions=True)
    assert 1 <= len(statements) <= 10
    assert {"execution_counters" in statement for statement in statements} == {True}
    assert feeds.delivery.followers == 0


async def test_no_trigger_notifies_and_no_writer_does(shared_database: Database, api: ApiServer) -> None:
    """panurus#1934: a NOTIFY in the writing transaction makes all commits wait, even with nobody listening."""
    functions = await fetch(
        api.database_url,
        "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosrc ~* 'notify'",
    )
    assert functions == []
    statements: list[str] = []
    run_id = a_run(api, "RUNNING")
    async with Hints(shared_database):
        event.listen(
            shared_database.engine.sync_engine, "before_cursor_execute", lambda *given: statements.append(given[2])
        )
        async with shared_database.session() as session:
            session.add(ExecutionLog(workflow_execution_id=run_id, level=LogLevel.INFO, message="hello"))
            await session.commit()
    assert any("execution_logs" in statement for statement in statements)
    assert not any("notify" in statement.lower() for statement in statements)
