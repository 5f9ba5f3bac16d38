"""The entries of a run are numbered 1, 2, 3, ... without a gap, whoever appends and whatever becomes of the run."""

import asyncio
from uuid import UUID

from db import Database, ExecutionLog, ExecutionStatus, LogLevel
from db.commands.workflow_executions import complete_workflow_execution
from tests.db.builders import EntryInput, a_run, append, run_of
from tests.reliability.store import Watcher, fetch

WRITERS = 8
APPENDS = 40
LEVELS = list(LogLevel)


async def append_by_command(database: Database, run_id: UUID, writer: int, place: int) -> None:
    message = f"{writer}-{place}"
    await append(database, run_id, *(EntryInput(message, LEVELS[place % 4]) for _ in range(place % 3 + 1)))


async def append_by_model(database: Database, run_id: UUID, writer: int, place: int) -> None:
    async with database.session() as session, session.begin():
        for _ in range(place % 3 + 1):
            entry = ExecutionLog(workflow_execution_id=run_id, level=LEVELS[place % 4], message=f"{writer}-{place}")
            session.add(entry)


async def test_eight_writers_append_while_the_run_completes(database: Database, database_url: str) -> None:
    run_id = await a_run(database, ExecutionStatus.RUNNING)
    halfway = asyncio.Event()

    async def write(writer: int) -> None:
        for place in range(APPENDS):
            if place == APPENDS // 2:
                halfway.set()
            await (append_by_model if writer % 2 else append_by_command)(database, run_id, writer, place)

    async def complete() -> None:
        await halfway.wait()
        await database.run_command(lambda session: complete_workflow_execution(session, run_id))

    seen: list[int] = []
    written = asyncio.Event()

    async def follow() -> None:
        """Ask for what comes after what was seen, as a reader does: there must never be a hole."""
        statement = """SELECT sequence FROM execution_logs
            WHERE workflow_execution_id = $1 AND sequence > $2 ORDER BY sequence"""
        while True:
            last_round = written.is_set()
            seen.extend(n for (n,) in await fetch(database_url, statement, run_id, seen[-1] if seen else 0))
            if last_round:
                return

    async with Watcher(database_url):
        following = asyncio.create_task(follow())
        await asyncio.gather(complete(), *(write(writer) for writer in range(WRITERS)))
        written.set()
        await following
    count = WRITERS * sum(place % 3 + 1 for place in range(APPENDS))
    assert seen == list(range(1, count + 1))
    assert (await run_of(database, run_id)).status == ExecutionStatus.COMPLETED
    statement = """SELECT message, count(*), max(sequence) - min(sequence) + 1 FROM execution_logs GROUP BY message"""
    found = {message: (entries, span) for message, entries, span in await fetch(database_url, statement)}
    assert found == {
        f"{writer}-{place}": (place % 3 + 1, place % 3 + 1) for writer in range(WRITERS) for place in range(APPENDS)
    }
