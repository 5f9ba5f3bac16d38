"""Who asks a feed while it is being read waits for that read, and is not told what it was before."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import count

import asyncpg

from db import Database
from db.feeds import Feeds
from db.filters import ExecutionLogFilter
from db.hints import Hints
from db.queries.following import LogTail
from tests.db.builders import EntryInput, a_run, append

ALL = ExecutionLogFilter()


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Look until it holds."""
    async with asyncio.timeout(20):
        for _ in count():
            if await holds():
                return
            await asyncio.sleep(0.01)


async def test_two_who_ask_at_once_get_the_same_news_though_the_second_asks_amid_the_read(database: Database) -> None:
    run_id = await a_run(database)
    await append(database, run_id, EntryInput())
    connection = await asyncpg.connect(**database.connect_options())
    told: list[list[tuple[list[int], int] | None]] = []

    async def reads() -> bool:
        return bool(await connection.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"))

    def short(tail: LogTail | None) -> tuple[list[int], int] | None:
        return tail and ([entry.sequence for entry in tail.entries], tail.last_sequence)

    async with Hints(database) as hints:
        with Feeds(database, hints).follow(run_id, ALL) as (feed, _):
            await feed.tail(ALL, 0, 10, grace=1)  # the first to come catches up on its own
            for after in (1, 2):
                await append(database, run_id, EntryInput())
                async with connection.transaction():
                    await connection.execute("LOCK TABLE execution_counters")
                    first = asyncio.create_task(feed.tail(ALL, after, 10, grace=1))
                    await until(reads)
                    second = asyncio.create_task(feed.tail(ALL, after, 10, grace=1))
                    await asyncio.wait([second], timeout=0.05)
                async with asyncio.timeout(20):
                    told.append([short(await first), short(await second)])
    await connection.close()

    assert told == [[([2], 2)] * 2, [([3], 3)] * 2]
