"""Commands on the driver: the statements, parameters and results of a session, without one."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from sqlalchemy import bindparam, insert, select, text, update

from db import Database, Workflow
from db.commands.execution_logs import append_logs
from db.commands.workflow_executions import start_workflow_execution
from db.database import TRIES
from db.errors import InvalidInputError
from db.models import ExecutionCounter, WorkflowExecution
from db.queries.node_executions import steps_by_id
from db.queries.workflow_executions import runs_by_id
from db.queries.workflows import workflows_by_id
from db.state_machine import UNFINISHED
from db.transaction import Transaction
from tests.db.builders import EntryInput, NodeInput, StepInput, a_run, a_workflow, nodes_of, run_of, some_steps

DEEP = {"a": [1, 2.5, None, {"ü": "\u2028", "big": 2**64 - 1, "small": -(2**63)}]}


@pytest.fixture
def database(shared_database: Database) -> Database:
    """Each test looks only at what it makes."""
    return shared_database


async def both_ways(database: Database, statement: Any, **parameters: Any) -> list[Any]:
    """What a statement gives in a command, which has to be what it gives in a session."""

    async def rows(transaction: Transaction) -> list[dict[str, Any]]:
        return [dict(row._mapping) for row in (await transaction.execute(statement, parameters)).all()]

    by_driver = await database.run_command(rows)
    assert by_driver == await database.run(rows)
    assert [[type(value) for value in row.values()] for row in by_driver] == [
        [type(value) for value in row.values()] for row in await database.run(rows)
    ]
    return by_driver


async def test_records_are_read_as_in_a_session(database: Database) -> None:
    workflow = await a_workflow(database, NodeInput("a", retry_config={"max_retries": 2}))
    (node_id,) = await nodes_of(database, workflow)
    run = await a_run(database, workflow_id=workflow, input_data=DEEP, context=[], metadata={"k": "v"})
    steps = await some_steps(database, run, StepInput(node_id=node_id, input_data=DEEP), StepInput(name="Second"))

    for read, ids in ((workflows_by_id, [workflow]), (runs_by_id, [run]), (steps_by_id, [*steps, uuid4()])):

        async def records(transaction: Transaction, read: Any = read, ids: Any = ids) -> Any:
            return await read(await transaction.reader(), ids)

        assert await database.run_command(records) == await database.run(records)


async def test_all_kinds_of_statements_give_what_they_give_in_a_session(database: Database) -> None:
    run = await a_run(database, input_data=DEEP)
    by_id = WorkflowExecution.id == bindparam("id")

    columns = select(WorkflowExecution.id, WorkflowExecution.status, WorkflowExecution.input_data).where(by_id)
    (found,) = await both_ways(database, columns, id=run)
    assert (found["id"], found["input_data"]) == (run, DEEP)
    listed = select(WorkflowExecution.id).where(by_id, WorkflowExecution.status.in_(UNFINISHED)).limit(1)
    assert await both_ways(database, listed, id=run) == [{"id": run}]
    assert await both_ways(database, listed, id=uuid4()) == []
    plain = text("SELECT CAST(:at AS timestamptz) AS at, CAST(:at AS timestamptz) AS again, :name || '!' AS name")
    noon = datetime(2026, 1, 12, 12, tzinfo=UTC)
    assert await both_ways(database, plain, at=noon, name="x") == [{"at": noon, "again": noon, "name": "x!"}]
    counted = update(ExecutionCounter).where(ExecutionCounter.workflow_execution_id == bindparam("run"))
    returned = counted.values(error_count=7).returning(ExecutionCounter.error_count)
    assert await both_ways(database, returned, run=run) == [{"error_count": 7}]


async def test_no_rows_are_no_rows_whatever_is_asked_of_them(database: Database) -> None:
    async def nothing(transaction: Transaction) -> list[Any]:
        statement = text("SELECT id FROM workflow_executions WHERE id = :id")
        results = [await transaction.execute(statement, {"id": uuid4()}) for _ in range(3)]
        return [results[0].all(), results[1].scalars().all(), results[2].one_or_none()]

    assert await database.run_command(nothing) == [[], [], None]


@pytest.mark.parametrize(
    "statement",
    [
        select(Workflow.id).where(Workflow.id.in_(bindparam("ids", expanding=True))),
        insert(WorkflowExecution.__table__).values(workflow_id=bindparam("workflow")),  # type: ignore[arg-type]
    ],
)
async def test_what_would_be_made_anew_for_each_execution_is_refused(database: Database, statement: Any) -> None:
    with pytest.raises(TypeError, match=r"a list has to be one parameter|a default that is made in Python"):
        await database.run_command(lambda session: session.execute(statement, {"ids": []}))


async def test_readers_are_told_after_the_commit_and_of_nothing_that_was_undone(database: Database) -> None:
    run = await a_run(database)
    told: list[tuple[set[UUID], str]] = []
    seen = asyncio.Event()
    reads: list[asyncio.Task[None]] = []

    async def look(runs: set[UUID]) -> None:
        told.append((runs, (await run_of(database, run)).status))
        seen.set()

    async def undone(session: Transaction) -> None:
        await append_logs(session, run, [EntryInput()])
        raise InvalidInputError("field", "no")

    database.on_change = lambda runs: reads.append(asyncio.ensure_future(look(runs)))
    with pytest.raises(InvalidInputError):
        await database.run_command(undone)
    await database.run_command(lambda session: start_workflow_execution(session, run))

    async with asyncio.timeout(10):
        await seen.wait()
    assert told == [({run}, "running")]


@pytest.mark.parametrize(
    ("failure", "times"),
    [
        ("serialization_failure", TRIES),
        ("deadlock_detected", TRIES),
        ("unique_violation", TRIES),
        ("check_violation", 1),
    ],
)
async def test_a_command_is_tried_again_where_that_may_help(database: Database, failure: str, times: int) -> None:
    tried = []

    async def work(session: Transaction) -> None:
        tried.append(None)
        await session.execute(text(f"DO $$ BEGIN RAISE {failure}; END $$"))

    with pytest.raises(asyncpg.PostgresError):
        await database.run_command(work)

    assert len(tried) == times


BACKEND = text("SELECT pg_backend_pid()")


async def test_a_connection_that_was_cut_while_it_was_idle_is_not_handed_out(database_url: str) -> None:
    async def backend(session: Transaction) -> int:
        return int((await session.execute(BACKEND)).scalar_one())

    async with Database(database_url) as database:
        first = await database.run_command(backend)
        administrator = await asyncpg.connect(**database.connect_options())
        assert await administrator.fetchval("SELECT pg_terminate_backend($1, 10000)", first)
        await administrator.close()

        assert await database.run_command(backend) != first


async def test_commands_wait_for_a_connection_and_the_pool_says_how_it_stands(database_url: str) -> None:
    async with Database(database_url, pool_size=1, max_overflow=0) as database:
        assert database.pools()["write"] == (0, 0, 1)
        entered, leave = asyncio.Event(), asyncio.Event()

        async def hold(session: Transaction) -> None:
            await session.execute(BACKEND)
            entered.set()
            await leave.wait()

        holder = asyncio.create_task(database.run_command(hold))
        await entered.wait()
        waiting = asyncio.create_task(database.run_command(lambda session: session.execute(BACKEND)))
        done, _ = await asyncio.wait({waiting}, timeout=0.05)
        assert (done, database.pools()["write"]) == (set(), (1, 0, 1))
        leave.set()
        await asyncio.gather(holder, waiting)
        assert database.pools()["write"] == (0, 1, 1)


async def test_what_is_cancelled_leaves_neither_changes_nor_a_spoiled_connection(database_url: str) -> None:
    async with Database(database_url, pool_size=1, max_overflow=0) as database:
        run = await a_run(database)
        sleeping = asyncio.Event()

        async def work(session: Transaction) -> None:
            await append_logs(session, run, [EntryInput()])
            sleeping.set()
            await session.execute(text("SELECT pg_sleep(60)"))

        task = asyncio.create_task(database.run_command(work))
        await sleeping.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

        appended = await database.run_command(lambda session: append_logs(session, run, [EntryInput()]))
        assert appended == (1, 1)
