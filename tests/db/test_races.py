"""Many clients at once: exactly one wins, nobody sees what must not be, and nobody ends in a deadlock."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from itertools import count
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from db import Database, ExecutionLog, ExecutionStatus, LogLevel, NodeExecution, WorkflowExecution
from db.commands.heartbeats import record_heartbeats
from db.commands.node_creation import create_node_executions
from db.commands.node_executions import (
    cancel_node_execution,
    complete_node_execution,
    fail_node_execution,
    retry_node_execution,
    skip_node_execution,
    start_node_execution,
)
from db.commands.workflow_executions import (
    cancel_workflow_execution,
    complete_workflow_execution,
    delete_workflow_execution,
    fail_workflow_execution,
    start_workflow_execution,
)
from db.database import sqlstate
from db.errors import InvalidTransitionError, NotFoundError
from tests.conftest import connect_options
from tests.db.builders import (
    CANCELLED,
    COMPLETED,
    FAILED,
    PENDING,
    RUNNING,
    SKIPPED,
    EntryInput,
    StepInput,
    a_run,
    a_step,
    append,
    attempts_of,
    counter_of,
    run_of,
    some_steps,
    step_of,
)

CLIENTS = 30

Command = Callable[..., Awaitable[Any]]


async def deadlocks_of(url: str) -> int:
    """How often PostgreSQL broke a deadlock in the database, once all connections to it have been closed."""
    connection = await asyncpg.connect(**connect_options(url))
    alone = "SELECT count(*) = 1 FROM pg_stat_activity WHERE datname = current_database()"
    try:
        async with asyncio.timeout(10):
            for _ in count():
                if await connection.fetchval(alone):
                    break
                await asyncio.sleep(0.01)
        deadlocks: int = await connection.fetchval(
            "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        )
        return deadlocks
    finally:
        await connection.close()


@pytest.fixture
async def database(module_database_url: str) -> AsyncIterator[Database]:
    """A database with a connection for each client, in which no deadlock happens."""
    async with Database(module_database_url, pool_size=CLIENTS) as database:
        yield database
    assert await deadlocks_of(module_database_url) == 0


async def test_a_deadlock_would_be_seen(database_url: str) -> None:
    async with Database(database_url) as database:
        runs = [await a_run(database) for _ in range(2)]
        both_hold = asyncio.Barrier(2)

        async def lock(ids: list[UUID]) -> None:
            async with database.session() as session:
                await session.execute(text("SET LOCAL deadlock_timeout = '10ms'"))
                await session.get_one(WorkflowExecution, ids[0], with_for_update=True)
                await both_hold.wait()
                await session.get_one(WorkflowExecution, ids[1], with_for_update=True)

        ends = await asyncio.gather(lock(runs), lock(runs[::-1]), return_exceptions=True)
    assert [sqlstate(end) for end in ends if isinstance(end, DBAPIError)] == ["40P01"]
    assert await deadlocks_of(database_url) == 1


async def race(database: Database, id_: UUID, *commands: tuple[Command, dict[str, Any]]) -> Counter[str]:
    """How the clients fared who did the commands, by turns, at once."""

    async def client(number: int) -> str:
        command, values = commands[number % len(commands)]
        try:
            await database.run(lambda session: command(session, id_, **values))
        except InvalidTransitionError:
            return "refused"
        return "won"

    return Counter(await asyncio.gather(*(client(number) for number in range(CLIENTS))))


COMPLETE = (complete_workflow_execution, {})
FAIL = (fail_workflow_execution, {"error_message": "It broke"})
CANCEL = (cancel_workflow_execution, {})


@pytest.mark.parametrize(
    ("status", "commands"),
    [
        (PENDING, [(start_workflow_execution, {})]),
        (RUNNING, [COMPLETE]),
        (RUNNING, [FAIL]),
        (RUNNING, [CANCEL]),
        (RUNNING, [COMPLETE, FAIL, CANCEL]),
    ],
    ids=["start", "complete", "fail", "cancel", "complete, fail or cancel"],
)
async def test_of_many_clients_one_moves_the_run(
    database: Database, status: ExecutionStatus, commands: list[tuple[Command, dict[str, Any]]]
) -> None:
    run_id = await a_run(database, status)
    before = await run_of(database, run_id)

    assert await race(database, run_id, *commands) == {"won": 1, "refused": CLIENTS - 1}
    assert (await run_of(database, run_id)).revision == before.revision + 1


COMPLETE_STEP = (complete_node_execution, {})
FAIL_STEP = (fail_node_execution, {"error_message": "It broke"})
CANCEL_STEP = (cancel_node_execution, {})
START_STEP = (start_node_execution, {})
SKIP_STEP = (skip_node_execution, {})


@pytest.mark.parametrize(
    ("status", "commands"),
    [
        (PENDING, [START_STEP]),
        (PENDING, [SKIP_STEP]),
        (PENDING, [START_STEP, SKIP_STEP]),
        (RUNNING, [COMPLETE_STEP]),
        (RUNNING, [FAIL_STEP]),
        (RUNNING, [CANCEL_STEP]),
        (RUNNING, [COMPLETE_STEP, FAIL_STEP, CANCEL_STEP]),
        (FAILED, [(retry_node_execution, {"force": True})]),
    ],
    ids=["start", "skip", "start or skip", "complete", "fail", "cancel", "complete, fail or cancel", "retry"],
)
async def test_of_many_clients_one_moves_the_step(
    database: Database, status: ExecutionStatus, commands: list[tuple[Command, dict[str, Any]]]
) -> None:
    step_id = await a_step(database, await a_run(database, RUNNING), status)
    before = await step_of(database, step_id)

    assert await race(database, step_id, *commands) == {"won": 1, "refused": CLIENTS - 1}
    after = await step_of(database, step_id)
    assert after.revision == before.revision + 1
    assert after.retry_count == (1 if status is FAILED else 0)


@pytest.mark.parametrize(
    ("end", "may_be"),
    [(COMPLETE, {COMPLETED, SKIPPED, RUNNING}), (FAIL, {COMPLETED, CANCELLED}), (CANCEL, {COMPLETED, CANCELLED})],
    ids=["complete", "fail", "cancel"],
)
async def test_nobody_ever_sees_a_finished_run_with_an_unfinished_step(
    database: Database, end: tuple[Command, dict[str, Any]], may_be: set[ExecutionStatus]
) -> None:
    over = asyncio.Event()

    async def watch() -> int:
        """Look from a connection of its own until it is over; each look is one snapshot."""
        async with database.read() as connection:
            looked = 0
            while not over.is_set():
                assert (await connection.execute(_INCONSISTENT)).all() == []
                looked += 1
            return looked

    async def do(command: Command, id_: UUID, **values: Any) -> None:
        with suppress(InvalidTransitionError):
            await database.run(lambda session: command(session, id_, **values))

    async def begin_and_complete(step_id: UUID) -> None:
        await do(start_node_execution, step_id)
        await do(complete_node_execution, step_id)

    async def one_round() -> tuple[UUID, list[UUID]]:
        run_id = await a_run(database, RUNNING)
        steps = await some_steps(database, run_id, *(StepInput() for _ in range(4)))
        await do(start_node_execution, steps[0])
        await do(fail_node_execution, steps[0], error_message="It broke")
        await asyncio.gather(
            do(retry_node_execution, steps[0], force=True),
            *(begin_and_complete(step_id) for step_id in steps[1:]),
            do(end[0], run_id, **end[1]),
            do(create_node_executions, run_id, steps=[StepInput()]),
        )
        return run_id, steps[1:]

    watching = asyncio.create_task(watch())
    rounds = await asyncio.gather(*(one_round() for _ in range(5)))
    over.set()

    assert await watching > 0
    for run_id, steps in rounds:
        run = await run_of(database, run_id)
        if run.status is not RUNNING:
            assert {(await step_of(database, step_id)).status for step_id in steps} <= may_be - {RUNNING}


_INCONSISTENT = text(
    "SELECT run.id FROM workflow_executions AS run JOIN node_executions AS step ON step.workflow_execution_id = run.id"
    " WHERE run.status IN ('completed', 'failed', 'cancelled') AND step.status IN ('pending', 'running')"
)


async def test_entries_are_numbered_without_a_gap_while_their_run_goes_on_and_ends(database: Database) -> None:
    run_id = await a_run(database)
    step_id = await a_step(database, run_id)

    async def write() -> None:
        for size in (1, 7, 3):
            await append(database, run_id, *[EntryInput(node_execution_id=step_id), EntryInput()] * size)

    async def write_through_the_orm() -> None:
        async with database.session() as session:
            for _ in range(5):
                session.add(ExecutionLog(workflow_execution_id=run_id, level=LogLevel.ERROR, message="m"))
                await session.commit()

    async def go_on() -> None:
        for command, id_ in (
            (start_workflow_execution, run_id),
            (start_node_execution, step_id),
            (complete_node_execution, step_id),
            (complete_workflow_execution, run_id),
        ):
            await database.run(lambda session, command=command, id_=id_: command(session, id_))

    await asyncio.gather(*(write() for _ in range(8)), *(write_through_the_orm() for _ in range(2)), go_on())

    async with database.session() as session:
        found = select(ExecutionLog.sequence).where(ExecutionLog.workflow_execution_id == run_id)
        sequences = sorted((await session.scalars(found)).all())
    assert sequences == list(range(1, 187))
    counted = await counter_of(database, run_id)
    assert (counted["last_sequence"], counted["info_count"], counted["error_count"]) == (186, 176, 10)
    assert (await run_of(database, run_id)).status == COMPLETED


async def test_flushes_and_commands_do_not_block_each_other_for_good(database: Database) -> None:
    """Sessions that change runs, steps and entries of several runs in one flush, beside all that engines do."""
    runs = [await a_run(database, RUNNING) for _ in range(3)]
    mine = [await a_step(database, run_id, RUNNING) for run_id in runs]
    theirs = [await a_step(database, run_id) for run_id in runs]

    async def flush(turn: int) -> None:
        async with database.session() as session:
            steps = [await session.get_one(NodeExecution, mine[(turn + place) % 3]) for place in range(3)]
            run = await session.get_one(WorkflowExecution, runs[turn % 3])
            run.context = {"turn": turn}
            for place, step in enumerate(steps):
                run_id = runs[(turn + 2 * place) % 3]
                session.add(ExecutionLog(workflow_execution_id=run_id, level=LogLevel.INFO, message="m"))
                session.add(NodeExecution(workflow_execution_id=run_id, name="More", execution_order=turn))
                step.output_data = {"turn": turn}
            await session.commit()

    async def command(turn: int) -> None:
        run_id, step_id = runs[turn % 3], theirs[turn % 3]
        for work in (
            lambda session: record_heartbeats(session, runs[::-1]),
            lambda session: start_node_execution(session, step_id),
            lambda session: create_node_executions(session, run_id, [StepInput(key=f"{turn}")]),
            lambda session: fail_node_execution(session, step_id, error_message="It broke"),
            lambda session: retry_node_execution(session, step_id, force=True),
        ):
            with suppress(InvalidTransitionError):
                await database.run(work)
            await append(database, run_id, EntryInput(node_execution_id=step_id), EntryInput())

    await asyncio.gather(*(flush(turn) for turn in range(12)), *(command(turn) for turn in range(9)))

    counted = [(await counter_of(database, run_id))["last_sequence"] for run_id in runs]
    assert counted == [12 + 30] * 3


async def test_fail_and_log_in_one_session_beside_appends_and_heartbeats(database: Database) -> None:
    """The code that deadlocks with FOR UPDATE on the run."""
    runs = [await a_run(database, RUNNING) for _ in range(6)]

    async def fail_and_log(run_id: UUID) -> None:
        async with database.session() as session:
            run = await session.get_one(WorkflowExecution, run_id)
            run.fail("It broke")
            session.add(ExecutionLog(workflow_execution_id=run_id, level=LogLevel.ERROR, message="It broke"))
            await session.commit()

    async def report(run_id: UUID) -> None:
        for _ in range(3):
            await append(database, run_id, EntryInput())
            await database.run(lambda session: record_heartbeats(session, [run_id]))

    await asyncio.gather(*(fail_and_log(run_id) for run_id in runs), *(report(run_id) for run_id in runs * 3))

    assert [(await counter_of(database, run_id))["last_sequence"] for run_id in runs] == [10] * 6


async def test_a_run_that_is_deleted_amid_reports_is_gone_and_nothing_is_left_of_it(database: Database) -> None:
    run_id = await a_run(database, RUNNING)
    steps = await some_steps(database, run_id, *(StepInput() for _ in range(5)))
    gone: Counter[type] = Counter()

    async def report(step_id: UUID) -> None:
        for work in (
            lambda session: start_node_execution(session, step_id),
            lambda session: create_node_executions(session, run_id, [StepInput()]),
            lambda session: complete_node_execution(session, step_id),
        ):
            try:
                await append(database, run_id, EntryInput())
                await database.run(work)
            except (NotFoundError, InvalidTransitionError) as error:
                gone[type(error)] += 1

    async def delete() -> str:
        try:
            await database.run(lambda session: delete_workflow_execution(session, run_id))
        except NotFoundError:
            return "gone"
        return "deleted"

    await asyncio.gather(*(report(step_id) for step_id in steps))
    ends = await asyncio.gather(*(delete() for _ in range(3)), *(report(step_id) for step_id in steps))

    assert Counter(ends[:3]) == {"deleted": 1, "gone": 2}
    async with database.read() as connection:
        assert (await connection.execute(_LEFT, {"run": run_id})).all() == []


_LEFT = text(
    "SELECT sequence FROM execution_logs WHERE workflow_execution_id = :run"
    " UNION ALL SELECT execution_order FROM node_executions WHERE workflow_execution_id = :run"
    " UNION ALL SELECT revision FROM execution_counters WHERE workflow_execution_id = :run"
)


async def test_attempts_are_kept_whoever_retries(database: Database) -> None:
    step_id = await a_step(database, await a_run(database, RUNNING))

    async def engine() -> None:
        for command, values in (START_STEP, FAIL_STEP, (retry_node_execution, {"force": True})) * 3:
            with suppress(InvalidTransitionError):
                await database.run(lambda session, command=command, values=values: command(session, step_id, **values))

    await asyncio.gather(*(engine() for _ in range(10)))

    step = await step_of(database, step_id)
    attempts = await attempts_of(database, step_id)
    assert [number for number, _, _ in attempts] == list(range(1, len(attempts) + 1))
    assert len(attempts) == step.retry_count + (step.status != PENDING)
    assert {status for _, status, _ in attempts[:-1]} <= {FAILED}
