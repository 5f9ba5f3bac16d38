"""Appending entries, and hearing of a run: numbers without a gap, counts by level, and runs that fall silent."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import DBAPIError

from db import Database, ExecutionStatus, LogLevel, NodeExecution, WorkflowExecution
from db.commands.execution_logs import COPIED, append_logs
from db.commands.heartbeats import fail_silent_run, find_silent_runs, record_heartbeats
from db.commands.node_creation import create_node_executions
from db.commands.node_executions import (
    complete_node_execution,
    retry_node_execution,
    start_node_execution,
)
from db.commands.workflow_executions import delete_workflow_execution, start_workflow_execution
from db.errors import InvalidInputError, NotFoundError
from db.filters import ExecutionLogFilter
from db.models import ExecutionCounter
from db.paging import Page
from db.queries.execution_logs import logs_of_runs
from db.records import ExecutionLogRecord
from db.transaction import Transaction
from db.validation import MAX_BATCH_BYTES
from tests.db.builders import (
    COMPLETED,
    FAILED,
    NOON,
    PENDING,
    RUNNING,
    EntryInput,
    Parsed,
    StepInput,
    a_run,
    a_step,
    append,
    attempts_of,
    counter_of,
    finish_run,
    run_of,
    some_steps,
    step_of,
)


@pytest.fixture
def database(shared_database: Database) -> Database:
    """Each test looks only at the runs that it makes."""
    return shared_database


async def logs(database: Database, run_id: UUID) -> list[ExecutionLogRecord]:
    async with database.reader() as reader:
        [entries] = await logs_of_runs(reader, [run_id], ExecutionLogFilter(), Page(1000))
    return list(entries.rows)


async def refusal(database: Database, run_id: UUID, entries: Sequence[EntryInput]) -> InvalidInputError:
    with pytest.raises(InvalidInputError) as refused:
        await append(database, run_id, *entries)
    return refused.value


# Entries.


async def test_an_entry_is_kept_as_it_is_given(database: Database) -> None:
    run_id = await a_run(database, RUNNING)
    step_id = await a_step(database, run_id)
    entry = EntryInput("안녕 \U0001f600\n\t", LogLevel.WARNING, {"n": [None]}, NOON, step_id, 7)
    appended = await append(database, run_id, entry)

    assert appended == (1, 1)
    (kept,) = await logs(database, run_id)
    assert vars(Parsed(kept)) == {
        "place": 1,
        "last_sequence": 1,
        "workflow_execution_id": run_id,
        "sequence": 1,
        "node_execution_id": step_id,
        "attempt": 7,
        "level": "warning",
        "message": "안녕 \U0001f600\n\t",
        "data": {"n": [None]},
        "timestamp": NOON,
    }


async def test_an_entry_without_a_time_is_of_now(database: Database) -> None:
    run_id = await a_run(database)
    before = datetime.now(UTC)
    await append(database, run_id, EntryInput())

    assert before <= (await logs(database, run_id))[0].timestamp <= datetime.now(UTC)


async def test_entries_are_numbered_in_their_order_from_where_the_last_call_ended(database: Database) -> None:
    run_id = await a_run(database)
    numbers = [await append(database, run_id, *(EntryInput(f"{n}") for n in range(size))) for size in (3, 1, 5)]

    assert numbers == [(1, 3), (4, 4), (5, 9)]
    assert [(entry.sequence, entry.message) for entry in await logs(database, run_id)] == [
        *((1, "0"), (2, "1"), (3, "2"), (4, "0")),
        *((5, "0"), (6, "1"), (7, "2"), (8, "3"), (9, "4")),
    ]


async def test_entries_are_counted_by_level_and_take_no_revision(database: Database) -> None:
    run_id = await a_run(database)
    levels = [LogLevel.DEBUG, *[LogLevel.INFO] * 2, *[LogLevel.WARNING] * 3, *[LogLevel.ERROR] * 4]
    for level in (levels, levels[3:]):
        await append(database, run_id, *(EntryInput(level=each) for each in level))

    assert await counter_of(database, run_id) == {
        "revision": 1,
        "last_sequence": 17,
        "debug_count": 1,
        "info_count": 2,
        "warning_count": 6,
        "error_count": 8,
    }


async def test_each_run_numbers_its_own(database: Database) -> None:
    runs = [await a_run(database) for _ in range(2)]

    assert [(await append(database, run_id, EntryInput())).last_sequence for run_id in (*runs, *runs)] == [1, 1, 2, 2]


@pytest.mark.parametrize("status", [PENDING, COMPLETED, FAILED])
async def test_entries_are_accepted_whatever_the_status_of_the_run(database: Database, status: ExecutionStatus) -> None:
    assert await append(database, await a_run(database, status), EntryInput()) == (1, 1)


async def test_an_entry_of_a_step_is_of_its_present_attempt_unless_it_says_otherwise(database: Database) -> None:
    run_id = await a_run(database, RUNNING)
    step_id = await a_step(database, run_id, FAILED)
    of_step = EntryInput(node_execution_id=step_id)
    await append(database, run_id, of_step, EntryInput())
    await database.run(lambda session: retry_node_execution(session, step_id, force=True))
    await append(database, run_id, of_step, EntryInput(node_execution_id=step_id, attempt=1), EntryInput())

    assert [entry.attempt for entry in await logs(database, run_id)] == [1, None, 2, 1, None]


async def test_appends_at_once_are_numbered_without_a_gap_each_call_in_a_row(database: Database) -> None:
    run_id = await a_run(database)
    calls = await asyncio.gather(
        *(append(database, run_id, *(EntryInput(f"{writer}") for _ in range(7))) for writer in range(20))
    )
    entries = await logs(database, run_id)

    assert [entry.sequence for entry in entries] == list(range(1, 141))
    assert [{entry.message for entry in entries[call[0] - 1 : call[1]]} for call in calls] == [
        {f"{writer}"} for writer in range(20)
    ]


async def test_a_call_that_is_rolled_back_leaves_no_hole(database: Database) -> None:
    run_id = await a_run(database)
    async with database.session() as session:
        await append_logs(session, run_id, [EntryInput("undone")] * 3)
        await session.rollback()

    assert await append(database, run_id, EntryInput()) == (1, 1)


async def test_entries_of_an_unknown_run_are_not_found(database: Database) -> None:
    unknown = uuid4()

    with pytest.raises(NotFoundError) as refused:
        await append(database, unknown, EntryInput())

    assert refused.value.id == unknown


@pytest.mark.parametrize(
    ("entries", "field"),
    [
        ([], "entries"),
        ([EntryInput()] * 10_001, "entries"),
        ([EntryInput(), EntryInput("")], "entries[1].message"),
        ([EntryInput("a\x00")], "entries[0].message"),
        ([EntryInput("\ud800")], "entries[0].message"),
        ([EntryInput("x" * 262_145)], "entries[0].message"),
        ([EntryInput(), EntryInput(data={"a": 2**64})], "entries[1].data"),
        ([EntryInput(timestamp=datetime.now(UTC) + timedelta(hours=1))], "entries[0].timestamp"),
        ([EntryInput(attempt=1)], "entries[0].attempt"),
        ([EntryInput(attempt=0, node_execution_id=uuid4())], "entries[0].attempt"),
        ([EntryInput(attempt=2**31, node_execution_id=uuid4())], "entries[0].attempt"),
        ([EntryInput(), EntryInput(node_execution_id=uuid4())], "entries[1].node_execution_id"),
    ],
)
async def test_entries_that_cannot_be_are_refused_with_the_path_and_none_is_written(
    database: Database, entries: list[EntryInput], field: str
) -> None:
    run_id = await a_run(database)

    assert (await refusal(database, run_id, entries)).field == field
    assert (await counter_of(database, run_id))["last_sequence"] == 0


async def test_a_step_of_another_run_is_refused(database: Database) -> None:
    step_id = await a_step(database, await a_run(database))
    error = await refusal(database, await a_run(database), [EntryInput(), EntryInput(node_execution_id=step_id)])

    assert (error.field, str(error)) == ("entries[1].node_execution_id", f"{step_id} is no step of this run")


@pytest.mark.parametrize("letter", ["x", "한"])
async def test_a_call_brings_at_most_8_mib_whatever_the_letters(database: Database, letter: str) -> None:
    run_id = await a_run(database)
    message = letter * (262_144 // len(letter.encode()))
    size = len(message.encode())
    entries = [EntryInput(message)] * (MAX_BATCH_BYTES // size)
    rest = EntryInput("x" * (MAX_BATCH_BYTES - size * len(entries) + 1))

    error = await refusal(database, run_id, [*entries, rest])
    assert (error.field, str(error)) == ("entries", "hold 8388609 bytes; at most 8388608 are allowed")


async def test_ten_thousand_entries_are_one_call(database: Database) -> None:
    assert await append(database, await a_run(database), *[EntryInput()] * 10_000) == (1, 10_000)


def many(count: int, step_id: UUID) -> list[EntryInput]:
    """Entries of every kind."""
    levels = list(LogLevel)
    return [
        EntryInput(
            f"안녕 \U0001f600\t{number}",
            levels[number % 4],
            (None, {"n": [None, 1.5, "\\"]}, "text", 7)[number % 4],
            NOON + timedelta(microseconds=number) if number % 3 else None,
            step_id if number % 2 else None,
            number + 1 if number % 4 == 1 else None,
        )
        for number in range(count)
    ]


@pytest.mark.parametrize("is_session", [True, False])
async def test_many_entries_are_kept_as_few_are(database: Database, is_session: bool) -> None:
    run_id, few_run_id = await a_run(database, RUNNING), await a_run(database, RUNNING)
    step_id, few_step_id = await a_step(database, run_id), await a_step(database, few_run_id)
    do: Any = database.run if is_session else database.run_command
    entries = many(COPIED, few_step_id)
    before = datetime.now(UTC)
    appended = await do(lambda session: append_logs(session, run_id, many(COPIED, step_id)))
    for start in range(0, COPIED, COPIED - 1):
        part = entries[start : start + COPIED - 1]
        await do(lambda session, part=part: append_logs(session, few_run_id, part))

    assert appended == (1, COPIED)
    kept, expected = [
        [
            vars(Parsed(entry))
            | {"workflow_execution_id": None, "node_execution_id": entry.node_execution_id in (step_id, few_step_id)}
            | ({} if entry.timestamp < before else {"timestamp": None})
            for entry in await logs(database, each)
        ]
        for each in (run_id, few_run_id)
    ]
    assert kept == expected
    assert len(kept) == COPIED
    assert [(entry["level"], entry["message"]) for entry in kept] == [(entry.level, entry.message) for entry in entries]
    counters = [await counter_of(database, each) for each in (run_id, few_run_id)]
    assert counters[0] == counters[1]


async def test_many_entries_of_several_writers_have_their_numbers_side_by_side(database: Database) -> None:
    run_id = await a_run(database)

    async def write(writer: int) -> list[tuple[int, int]]:
        entries = [EntryInput(f"{writer}") for _ in range(COPIED + writer)]
        return [
            await database.run_command(lambda session: append_logs(session, run_id, entries))  # type: ignore[misc]
            for _ in range(2)
        ]

    appended = sorted(numbers for each in await asyncio.gather(*map(write, range(4))) for numbers in each)

    assert [first for first, _ in appended] == [1, *(last + 1 for _, last in appended[:-1])]
    async with database.reader() as reader:
        [entries] = await logs_of_runs(reader, [run_id], ExecutionLogFilter(), Page(10_000))
    assert [entry.sequence for entry in entries.rows] == list(range(1, appended[-1][1] + 1))
    for first, last in appended:
        assert len({entry.message for entry in entries.rows[first - 1 : last]}) == 1


@pytest.mark.parametrize("count", [1, COPIED])
async def test_what_is_refused_by_postgresql_leaves_nothing(database: Database, count: int) -> None:
    run_id = await a_run(database)

    async def append_and_fail(session: Transaction) -> None:
        await append_logs(session, run_id, [EntryInput("before")])
        await append_logs(session, run_id, [EntryInput(level="no level")] * count)  # type: ignore[arg-type]

    with pytest.raises((asyncpg.PostgresError, DBAPIError)):
        await database.run_command(append_and_fail)

    assert await logs(database, run_id) == []
    assert await append(database, run_id, EntryInput()) == (1, 1)


async def test_an_append_tells_of_its_run(database: Database) -> None:
    run_id = await a_run(database)
    told: list[set[UUID]] = []
    database.on_change = told.append
    await append(database, run_id, EntryInput())

    assert told == [{run_id}]


async def test_the_entries_go_with_their_run(database: Database) -> None:
    run_id = await a_run(database)
    await append(database, run_id, EntryInput())
    await database.run(lambda session: delete_workflow_execution(session, run_id))

    assert await logs(database, run_id) == []


# Heartbeats.


async def heard_long_ago(database: Database, *run_ids: UUID, seconds: float = 3600) -> None:
    """Let the last that was heard of these runs be long ago."""
    then = datetime.now(UTC) - timedelta(seconds=seconds)
    statement = update(ExecutionCounter).where(ExecutionCounter.workflow_execution_id.in_(run_ids))
    await database.run(lambda session: session.execute(statement.values(last_report_at=then)))


async def a_watched_run(database: Database, seconds: int = 60) -> UUID:
    run_id = await a_run(database)
    await database.run(lambda session: start_workflow_execution(session, run_id, heartbeat_timeout_seconds=seconds))
    return run_id


async def silent_runs(database: Database, *, listening_for: timedelta = timedelta(days=1)) -> set[UUID]:
    return set(await database.run(lambda session: find_silent_runs(session, listening_for, 10_000)))


async def test_a_run_of_which_nothing_is_heard_within_its_timeout_is_silent(database: Database) -> None:
    silent, heard, unwatched, ended = [
        *[await a_watched_run(database) for _ in range(2)],
        await a_run(database, RUNNING),
        await a_watched_run(database),
    ]
    await finish_run(database, ended, COMPLETED)
    await heard_long_ago(database, silent, unwatched, ended, seconds=61)
    await heard_long_ago(database, heard, seconds=50)

    assert await silent_runs(database) & {silent, heard, unwatched, ended} == {silent}


async def test_a_run_has_its_whole_timeout_from_when_reports_could_be_heard(database: Database) -> None:
    run_id = await a_watched_run(database)
    await heard_long_ago(database, run_id)

    found = [run_id in await silent_runs(database, listening_for=timedelta(seconds=seconds)) for seconds in (59, 61)]
    assert found == [False, True]


@pytest.mark.parametrize("report", ["heartbeat", "entry", "start", "step", "step start", "step end", "orm"])
async def test_whatever_is_reported_of_a_run_is_heard(database: Database, report: str) -> None:
    run_id = await a_watched_run(database)
    pending, running = await some_steps(database, run_id, StepInput(), StepInput())
    await database.run(lambda session: start_node_execution(session, running))
    if report == "start":
        run_id = await a_run(database)
    await heard_long_ago(database, run_id)

    if report == "orm":
        async with database.session() as session:
            (await session.get_one(NodeExecution, pending)).skip()
            await session.commit()
    else:
        commands = {
            "heartbeat": lambda session: record_heartbeats(session, [run_id]),
            "entry": lambda session: append_logs(session, run_id, [EntryInput()]),
            "start": lambda session: start_workflow_execution(session, run_id, heartbeat_timeout_seconds=60),
            "step": lambda session: create_node_executions(session, run_id, [StepInput()]),
            "step start": lambda session: start_node_execution(session, pending),
            "step end": lambda session: complete_node_execution(session, running),
        }
        await database.run(commands[report])

    assert run_id not in await silent_runs(database)


async def test_a_heartbeat_changes_nothing_else(database: Database) -> None:
    run_id = await a_watched_run(database)
    before = await run_of(database, run_id), await counter_of(database, run_id)
    told: list[Any] = []
    database.on_change = told.append
    await database.run(lambda session: record_heartbeats(session, [run_id, run_id, uuid4()]))

    assert (await run_of(database, run_id), await counter_of(database, run_id)) == before
    assert told == []


async def test_no_heartbeats_are_no_batch(database: Database) -> None:
    with pytest.raises(InvalidInputError) as refused:
        await database.run(lambda session: record_heartbeats(session, []))

    assert refused.value.field == "workflow_execution_ids"


@pytest.mark.parametrize("seconds", [0, -1, 2**31])
async def test_a_timeout_out_of_range_is_refused(database: Database, seconds: int) -> None:
    run_id = await a_run(database)
    with pytest.raises(InvalidInputError) as refused:
        await database.run(lambda session: start_workflow_execution(session, run_id, heartbeat_timeout_seconds=seconds))

    assert refused.value.field == "heartbeat_timeout_seconds"


async def test_a_silent_run_fails_with_its_steps_and_an_entry_that_says_why(database: Database) -> None:
    run_id = await a_watched_run(database)
    step_id = await a_step(database, run_id, RUNNING)
    await heard_long_ago(database, run_id)
    heard_at = await last_report(database, run_id)

    assert await database.run(lambda session: fail_silent_run(session, run_id)) is True
    run = await run_of(database, run_id)
    assert (run.status, run.error_message) == (FAILED, "No heartbeat for 60 seconds")
    assert (await step_of(database, step_id)).status == "cancelled"
    assert [(entry.level, entry.message, entry.data) for entry in map(Parsed, await logs(database, run_id))] == [
        (
            LogLevel.WARNING,
            "No heartbeat for 60 seconds: the run was failed and its unfinished steps were cancelled",
            {"heartbeat_timeout_seconds": 60, "last_report_at": heard_at.isoformat()},
        )
    ]
    assert await attempts_of(database, step_id) == [(1, "cancelled", None)]


async def last_report(database: Database, run_id: UUID) -> datetime:
    statement = text("SELECT last_report_at FROM execution_counters WHERE workflow_execution_id = :run")
    async with database.read() as connection:
        reported: datetime = (await connection.execute(statement, {"run": run_id})).scalar_one()
    return reported


async def test_a_run_that_is_heard_of_after_all_goes_on(database: Database) -> None:
    run_id = await a_watched_run(database)

    assert await database.run(lambda session: fail_silent_run(session, run_id)) is False
    assert (await run_of(database, run_id)).status == RUNNING


async def test_a_silent_run_that_ended_meanwhile_stays_as_it_ended(database: Database) -> None:
    run_id = await a_watched_run(database)
    await finish_run(database, run_id, COMPLETED)
    await heard_long_ago(database, run_id)

    assert await database.run(lambda session: fail_silent_run(session, run_id)) is False
    assert (await run_of(database, run_id)).status == COMPLETED


async def test_a_silent_run_is_failed_once_by_many_at_once(database: Database) -> None:
    run_id = await a_watched_run(database)
    await heard_long_ago(database, run_id)
    failed = await asyncio.gather(*(database.run(lambda session: fail_silent_run(session, run_id)) for _ in range(5)))

    assert sorted(failed) == [False] * 4 + [True]
    assert len(await logs(database, run_id)) == 1


async def test_a_run_that_an_engine_takes_up_is_watched_by_its_own_timeout(database: Database) -> None:
    run_id = await a_watched_run(database, seconds=5)

    async with database.session() as session:
        assert (await session.get_one(WorkflowExecution, run_id)).heartbeat_timeout_seconds == 5
