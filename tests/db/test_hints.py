"""Hints: who follows a run learns of each change soon, from whichever process it comes, and never not at all."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import count
from typing import NamedTuple
from uuid import UUID, uuid4

import asyncpg
import pytest
from sqlalchemy.engine import make_url

from db import Database, ExecutionLog, LogLevel, WorkflowExecution
from db import hints as hints_module
from db import listener as listener_module
from db.commands.execution_logs import append_logs
from db.hints import SLOW_TIMER_SECONDS, Hints
from db.listener import CHANNEL
from db.sweep import Sweep
from db.watches import MAX_UNTOLD_RUNS, ListWatch, Watch
from tests.db.builders import COMPLETED, RUNNING, EntryInput, a_run, a_workflow, append, finish_run

CHANGE = "UPDATE workflow_executions SET context = to_jsonb(gen_random_uuid()) WHERE id = $1"

SOON = SLOW_TIMER_SECONDS - 2
"""Whoever is told within this was told by a hint, and not by the slow timer."""


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Look until it holds."""
    async with asyncio.timeout(20):
        for _ in count():
            if await holds():
                return
            await asyncio.sleep(0.01)


async def listens(hints: Hints) -> None:
    async def listening() -> bool:
        return hints.listening

    await until(listening)


async def is_told(watch: Watch, within: float = SOON) -> None:
    async with asyncio.timeout(within):
        await watch.changed()


async def runs_told(watch: ListWatch, last: UUID, within: float = SOON) -> set[UUID]:
    """The runs that a follower of all is told of, until it is told of the last one."""
    told: set[UUID] = set()
    async with asyncio.timeout(within):
        while last not in told:
            runs = await watch.changed()
            assert runs is not None
            told |= runs
    return told


class Process(NamedTuple):
    """A database with hints, as each process of the API has them."""

    database: Database
    hints: Hints


@asynccontextmanager
async def process(url: str) -> AsyncIterator[Process]:
    async with Database(url) as database, Hints(database) as hints:
        await listens(hints)
        yield Process(database, hints)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A database of its own, reached directly: through a pooler nothing is heard."""
    async with Database(database_url) as database:
        yield database


@pytest.fixture
async def here(database_url: str) -> AsyncIterator[Process]:
    async with process(database_url) as here:
        yield here


@pytest.fixture
async def elsewhere(database_url: str) -> AsyncIterator[Process]:
    async with process(database_url) as elsewhere:
        yield elsewhere


@asynccontextmanager
async def raw_connection(database: Database) -> AsyncIterator[asyncpg.Connection]:
    """A connection that sends no hints."""
    connection = await asyncpg.connect(**database.connect_options())
    try:
        yield connection
    finally:
        await connection.close()


async def change_untold(database: Database, run_id: UUID) -> None:
    """Change a run as somebody does who sends no hints."""
    async with raw_connection(database) as connection:
        await connection.execute(CHANGE, run_id)


# Who is told.


async def test_a_follower_in_the_same_process_is_told_at_once(database: Database, here: Process) -> None:
    run_id = await a_run(database)
    with here.hints.watch(run_id) as watch:
        await append(here.database, run_id, EntryInput())
        await is_told(watch, within=0.2)


async def test_a_follower_in_another_process_is_told_soon(
    database: Database, here: Process, elsewhere: Process
) -> None:
    run_id = await a_run(database)
    with elsewhere.hints.watch(run_id) as watch:
        await append(here.database, run_id, EntryInput())
        await is_told(watch)


async def test_a_flush_through_the_orm_is_told_too(database: Database, here: Process, elsewhere: Process) -> None:
    run_id = await a_run(database)
    with elsewhere.hints.watch(run_id) as watch:
        async with here.database.session() as session:
            run = await session.get_one(WorkflowExecution, run_id)
            session.add(ExecutionLog(workflow_execution=run, level=LogLevel.INFO, message="Hello"))
            await session.commit()
        await is_told(watch)


async def test_only_the_followers_of_the_run_are_told(database: Database, here: Process, elsewhere: Process) -> None:
    changed, unchanged = await a_run(database), await a_run(database)
    with elsewhere.hints.watch(changed) as watch, elsewhere.hints.watch(unchanged) as other:
        waiting = asyncio.create_task(other.changed())
        await append(here.database, changed, EntryInput())
        await is_told(watch)

        assert not waiting.done()
        waiting.cancel()


async def test_all_followers_of_the_run_are_told_but_those_who_left(database: Database, here: Process) -> None:
    run_id = await a_run(database)
    with here.hints.watch(run_id) as first, here.hints.watch(run_id) as second:
        with here.hints.watch(run_id) as left:
            pass
        await append(here.database, run_id, EntryInput())
        await is_told(first, within=0.2)
        await is_told(second, within=0.2)
        with pytest.raises(TimeoutError):
            await is_told(left, within=0.05)


async def test_a_change_during_a_read_tells_again(database: Database, here: Process) -> None:
    run_id = await a_run(database)
    with here.hints.watch(run_id) as watch:
        for _ in range(2):
            await append(here.database, run_id, EntryInput())
        await is_told(watch, within=0.2)
        await append(here.database, run_id, EntryInput())
        await is_told(watch, within=0.2)


async def test_a_wait_ends_when_its_time_is_over(here: Process) -> None:
    with here.hints.watch(uuid4()) as watch:
        async with asyncio.timeout(SOON):
            await watch.changed(within=0.01)


async def test_a_rollback_tells_nobody(database: Database, here: Process, elsewhere: Process) -> None:
    undone, done = await a_run(database, RUNNING), await a_run(database, RUNNING)
    async with elsewhere.hints.watch_all() as watch:
        async with here.database.session() as session:
            await append_logs(session, undone, [EntryInput()])
            await session.rollback()
        await append(here.database, done, EntryInput())

        assert await runs_told(watch, done) - {done} == set()


async def test_a_savepoint_that_is_rolled_back_does_not_silence_the_commit(
    database: Database, here: Process, elsewhere: Process
) -> None:
    run_id = await a_run(database)
    with elsewhere.hints.watch(run_id) as watch:
        async with here.database.session() as session:
            await append_logs(session, run_id, [EntryInput()])
            savepoint = await session.begin_nested()
            await append_logs(session, run_id, [EntryInput()])
            await savepoint.rollback()
            await session.commit()
        await is_told(watch)


# Followers of all runs.


async def test_a_follower_of_all_runs_is_told_which_ones_changed_here_and_elsewhere(
    database: Database, here: Process, elsewhere: Process
) -> None:
    workflow_id = await a_workflow(database)
    async with here.hints.watch_all() as watch:
        runs = [await a_run(process.database, workflow_id=workflow_id) for process in (elsewhere, here, elsewhere)]

        assert await runs_told(watch, runs[2]) == set(runs)


async def test_a_commit_of_many_runs_tells_of_each(database: Database, here: Process, elsewhere: Process) -> None:
    workflow_id = await a_workflow(database)
    runs = [WorkflowExecution(workflow_id=workflow_id, trigger_type="event") for _ in range(450)]
    wanted = {run.id for run in runs}
    async with elsewhere.hints.watch_all() as watch:
        async with here.database.session() as session:
            session.add_all(runs)
            await session.commit()
        told: set[UUID] = set()
        async with asyncio.timeout(SOON):
            while told != wanted:
                told |= await watch.changed() or set()


async def test_a_follower_of_all_that_falls_far_behind_is_told_to_read_everything() -> None:
    watch = ListWatch()
    watch.tell({uuid4() for _ in range(MAX_UNTOLD_RUNS + 1)})
    one = uuid4()

    assert await watch.changed() is None
    watch.tell([one])
    assert await watch.changed() == {one}


async def test_followers_of_all_who_come_at_once_miss_nothing_that_nobody_told_of(
    database: Database, here: Process
) -> None:
    """The first one's baseline is read before a change, the second one's after it."""
    run_id = await a_run(database, RUNNING)

    async def waiting_for_the_table(number: int) -> None:
        async def waiting() -> bool:
            found = await watching.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'relation'")
            return bool(found == number)

        await until(waiting)

    async def follow(entered: asyncio.Event) -> set[UUID] | None:
        async with here.hints.watch_all() as watch:
            entered.set()
            return await watch.changed()

    async def change(connection: asyncpg.Connection) -> None:
        async with connection.transaction():
            await connection.execute("LOCK TABLE execution_counters")
            await connection.execute(CHANGE, run_id)

    async with raw_connection(database) as watching, raw_connection(database) as one, raw_connection(database) as two:
        holding = one.transaction()
        await holding.start()
        await one.execute("LOCK TABLE execution_counters")
        first, second = asyncio.Event(), asyncio.Event()
        followers = [asyncio.create_task(follow(first))]
        await waiting_for_the_table(1)
        changing = asyncio.create_task(change(two))
        await waiting_for_the_table(2)
        followers.append(asyncio.create_task(follow(second)))
        await waiting_for_the_table(3)
        await holding.rollback()  # the three go on in the order in which they came
        async with asyncio.timeout(SOON + SLOW_TIMER_SECONDS):
            await changing
            await first.wait()
            await second.wait()
            told = await followers[0]
        followers[1].cancel()

    assert told == {run_id}


# How little is sent.


async def test_many_commits_are_few_notifications(here: Process) -> None:
    database = here.database
    run_id = await a_run(database)
    last = await a_run(database)
    payloads: list[str] = []
    done = asyncio.Event()

    def heard(_connection: object, _pid: int, _channel: str, payload: object) -> None:
        payloads.append(str(payload))
        if last.hex in str(payload):
            done.set()

    async with raw_connection(database) as connection:
        await connection.add_listener(CHANNEL, heard)
        loop = asyncio.get_running_loop()
        began = loop.time()
        for _ in range(200):
            await append(database, run_id, EntryInput())
        took = loop.time() - began
        await append(database, last, EntryInput())
        async with asyncio.timeout(SOON):
            await done.wait()
        await connection.remove_listener(CHANNEL, heard)

    of_run = [payload for payload in payloads if run_id.hex in payload]
    assert 1 <= len(of_run) <= 2 + took / hints_module.COALESCE_SECONDS
    assert len(of_run) < 200


async def test_a_notification_carries_ids_and_nothing_else(here: Process) -> None:
    database = here.database
    heard: asyncio.Queue[str] = asyncio.Queue()
    async with raw_connection(database) as connection:
        await connection.add_listener(CHANNEL, lambda *told: heard.put_nowait(str(told[3])))
        run_id = await a_run(database)
        async with asyncio.timeout(SOON):
            while not (payload := await heard.get()).endswith(run_id.hex):
                pass

    origin, *runs = payload.split(",")
    assert (len(origin), [UUID(hex=run) for run in runs]) == (32, [run_id])


async def test_after_the_hub_has_gone_nothing_is_sent(database_url: str) -> None:
    async with process(database_url) as (database, _):
        pass
    async with Database(database_url) as database, Hints(database):
        pass

    assert database.on_change is None


# When hints do not arrive.


async def listeners(connection: asyncpg.Connection) -> set[int]:
    """The backends of the database that listen and do nothing else."""
    rows = await connection.fetch(
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'"
    )
    return {pid for (pid,) in rows}


async def test_a_listener_that_is_killed_comes_back_and_is_told(database: Database, database_url: str) -> None:
    run_id = await a_run(database)
    async with raw_connection(database) as connection, process(database_url) as (_, hints):
        [pid] = await listeners(connection)
        with hints.watch(run_id) as watch:
            await connection.execute("SELECT pg_terminate_backend($1)", pid)
            await change_untold(database, run_id)
            await is_told(watch)  # as it comes back, it looks

            async def listens_again() -> bool:
                return hints.listening and bool(await listeners(connection) - {pid})

            await until(listens_again)
            async with Hints(database) as other:
                await listens(other)
                await append(database, run_id, EntryInput())
                await is_told(watch)


async def test_a_follower_of_all_is_told_to_read_everything_after_nobody_listened(
    database: Database, database_url: str
) -> None:
    async with raw_connection(database) as connection, process(database_url) as (_, hints):
        [pid] = await listeners(connection)
        async with hints.watch_all() as watch:
            await connection.execute("SELECT pg_terminate_backend($1)", pid)
            async with asyncio.timeout(SOON):
                while await watch.changed() is not None:
                    pass


async def test_where_listening_is_not_possible_the_timer_serves(database: Database, database_url: str) -> None:
    run_id = await a_run(database)
    role = f"test_{uuid4().hex}"
    async with raw_connection(database) as connection:
        await connection.execute(
            f"CREATE ROLE {role} LOGIN PASSWORD '{role}' CONNECTION LIMIT 2;"
            f" GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}"
        )
    url = make_url(database_url).set(username=role, password=role)
    try:
        async with Database(url, pool_size=2, max_overflow=0) as limited:
            async with limited.read(), limited.read():
                pass  # the two connections that the role may have are in the pool now
            async with Hints(limited) as hints:
                with hints.watch(run_id) as watch:
                    for _ in range(3):  # the first look tells all
                        await change_untold(database, run_id)
                        await is_told(watch)
                assert not hints.listening
                async with hints.watch_all() as all_runs:
                    await change_untold(database, run_id)
                    assert await runs_told(all_runs, run_id) == {run_id}
    finally:
        async with raw_connection(database) as connection:
            await connection.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")


@asynccontextmanager
async def transaction_pooler(database: Database) -> AsyncIterator[int]:
    """A server that passes everything on but notifications, as a pooler in transaction mode does."""
    target = database.connect_options()
    host, port = target["host"], target.get("port", 5432)

    async def serve(client_reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        if str(host).startswith("/"):
            reader, writer = await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
        else:
            reader, writer = await asyncio.open_connection(host, port)

        async def pass_requests() -> None:
            while data := await client_reader.read(65_536):
                writer.write(data)
            writer.close()

        async def pass_answers() -> None:
            while True:
                head = await reader.readexactly(5)
                body = await reader.readexactly(int.from_bytes(head[1:]) - 4)
                if head[:1] != b"A":
                    client.write(head + body)

        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(pass_requests())
                group.create_task(pass_answers())
        except* (asyncio.IncompleteReadError, ConnectionError):
            client.close()

    async with await asyncio.start_server(serve, "127.0.0.1") as server:
        yield server.sockets[0].getsockname()[1]


async def test_a_pooler_that_swallows_notifications_is_found_out_by_a_round_trip(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(listener_module, "ROUND_TRIP_SECONDS", 0.3)
    run_id = await a_run(database)

    async def found_out() -> bool:
        return "is a pooler in between" in caplog.text

    async with transaction_pooler(database) as port:
        url = make_url(database_url).set(host="127.0.0.1", port=port, query={"ssl": "disable"})
        async with Database(url) as pooled, Hints(pooled) as hints:
            with hints.watch(run_id) as watch:
                await until(found_out)
                assert not hints.listening
                for _ in range(2):
                    await change_untold(database, run_id)
                    await is_told(watch)


async def test_past_a_pooler_hints_arrive_over_the_direct_address(
    database: Database, database_url: str, elsewhere: Process
) -> None:
    run_id = await a_run(database)
    async with transaction_pooler(database) as port:
        url = make_url(database_url).set(host="127.0.0.1", port=port, query={"ssl": "disable"})
        async with Database(url) as pooled, Hints(pooled, database_url) as hints:
            await listens(hints)
            with hints.watch(run_id) as watch, elsewhere.hints.watch(run_id) as other:
                await append(elsewhere.database, run_id, EntryInput())
                await is_told(watch)
                await is_told(other)
                await append(pooled, run_id, EntryInput())
                await is_told(other)


async def test_a_direct_address_of_another_database_is_found_out(
    database: Database, new_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener_module, "ROUND_TRIP_SECONDS", 0.3)
    async with Hints(database, new_database_url) as hints:

        async def found_out() -> bool:
            return "or is it another database?" in (hints.listener.problem or "")

        await until(found_out)
        assert not hints.listening


# Looking without being told.


async def test_a_sweep_tells_what_changed_since_the_last_one_and_what_is_gone(database: Database) -> None:
    appended, moved, quiet, deleted = [await a_run(database, RUNNING) for _ in range(4)]
    runs = [appended, moved, quiet, deleted]
    sweep = Sweep(database)
    swept = [await sweep.changed_among(runs), await sweep.changed_among(runs)]
    await append(database, appended, EntryInput())
    await finish_run(database, moved, COMPLETED)
    async with raw_connection(database) as connection:
        await connection.execute("DELETE FROM workflow_executions WHERE id = $1", deleted)
    swept.append(await sweep.changed_among(runs))

    assert swept == [set(runs), set(), {appended, moved, deleted}]


async def test_a_sweep_of_all_runs_tells_of_new_changed_ended_and_deleted_ones(database: Database) -> None:
    appended, moved, quiet, deleted = [await a_run(database, RUNNING) for _ in range(4)]
    sweep = Sweep(database)
    swept = [await sweep.changed_of_all(), await sweep.changed_of_all()]
    await append(database, appended, EntryInput())
    await finish_run(database, moved, COMPLETED)
    new, over = await a_run(database), await a_run(database, COMPLETED)
    async with raw_connection(database) as connection:
        await connection.execute("DELETE FROM workflow_executions WHERE id = $1", deleted)
    swept.append(await sweep.changed_of_all())
    sweep.forget_all()
    swept.append(await sweep.changed_of_all())

    assert quiet not in swept[2]
    assert swept == [set(), set(), {appended, moved, new, over, deleted}, set()]
