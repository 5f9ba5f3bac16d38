"""Followers of one log share its reads, and each gets exactly the entries that its filter selects, in order."""

import asyncio
import random
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from db import Database, LogLevel, TriggerType
from db.commands.execution_logs import append_logs
from db.commands.workflow_executions import (
    complete_workflow_execution,
    create_workflow_execution,
    delete_workflow_execution,
    start_workflow_execution,
)
from db.commands.workflows import create_workflow
from db.errors import NotFoundError
from db.feeds import Feeds
from db.feeds import feed as feed_module
from db.feeds import logs as logs_module
from db.filters import ExecutionLogFilter
from db.hints import Hints
from tests.statements import counted_statements

LIMIT_SECONDS = 30
ALL = ExecutionLogFilter()
GRACE = 0.1


@pytest.fixture
async def feeds(database: Database) -> AsyncIterator[Feeds]:
    async with Hints(database) as hints:
        yield Feeds(database, hints, GRACE)


@pytest.fixture
async def run_id(database: Database) -> UUID:
    async def make(session: Any) -> UUID:
        workflow_id = await create_workflow(session, namespace="default", name="w")
        run_id = await create_workflow_execution(session, workflow_id=workflow_id, trigger_type=TriggerType.MANUAL)
        await start_workflow_execution(session, run_id)
        return run_id

    return await database.run(make)


def entry(number: int) -> Any:
    level = list(LogLevel)[number % 4]
    return SimpleNamespace(
        level=level, message=f"Entry {number}", data=None, timestamp=None, node_execution_id=None, attempt=None
    )


async def append(database: Database, run_id: UUID, count: int) -> None:
    await database.run(lambda session: append_logs(session, run_id, [entry(number) for number in range(count)]))


async def complete(database: Database, run_id: UUID) -> None:
    await database.run(lambda session: complete_workflow_execution(session, run_id))


async def follow(
    feeds: Feeds, run_id: UUID, where: ExecutionLogFilter = ALL, after: int = 0, pause: float = 0, limit: int = 1_000
) -> list[int]:
    """Follow to the end, and give the sequences in the order in which they came."""
    got: list[int] = []
    async with feeds.log(run_id, where) as feed:
        async for tail, _ in feed.follow(where, after, limit):
            got += [found.sequence for found in tail.entries]
            if pause:
                await asyncio.sleep(random.uniform(0, pause))
    return got


async def test_followers_of_all_kinds_get_exactly_what_they_asked_for(
    database: Database, feeds: Feeds, run_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs_module, "MAX_ENTRIES", 40)  # slow followers fall behind what is kept
    await append(database, run_id, 100)
    filters = {
        "all": ALL,
        "errors": ExecutionLogFilter(min_level=LogLevel.ERROR),
        "search": ExecutionLogFilter(search="ENTRY 1"),
        "range": ExecutionLogFilter(from_sequence=50, to_sequence=250, levels=(LogLevel.INFO, LogLevel.DEBUG)),
        "nothing": ExecutionLogFilter(levels=()),
    }
    followers = {
        (name, after, pause, limit): asyncio.create_task(follow(feeds, run_id, where, after, pause, limit))
        for name, where in filters.items()
        for after in (0, 90, 150)
        for pause, limit in ((0, 1_000), (0.02, 7))
    }

    async def write() -> None:
        for _ in range(20):
            await append(database, run_id, random.randint(1, 5))

    async with asyncio.timeout(LIMIT_SECONDS):
        await asyncio.gather(*(write() for _ in range(4)))
        await complete(database, run_id)
        results = {key: await task for key, task in followers.items()}
    written = await follow(feeds, run_id)
    assert written == list(range(1, len(written) + 1))
    for (name, after, pause, limit), got in results.items():
        expected = await follow(Feeds(database, feeds._hints, GRACE), run_id, filters[name], after)
        assert got == expected, (name, after, pause, limit)


async def test_a_hundred_followers_cost_about_one_read_of_each_append(
    database: Database, feeds: Feeds, run_id: UUID
) -> None:
    followers = [
        asyncio.create_task(follow(feeds, run_id, ExecutionLogFilter(levels=(level,))))
        for _ in range(25)
        for level in LogLevel
    ]
    async with asyncio.timeout(LIMIT_SECONDS):
        while feeds.followers(run_id) < 100:  # noqa: ASYNC110
            await asyncio.sleep(0)
        await append(database, run_id, 4)
        with counted_statements() as statements:
            for _ in range(10):
                await append(database, run_id, 4)
            await complete(database, run_id)
            results = [await follower for follower in followers]
    reads = sum("FROM execution_logs" in statement for statement in statements)
    assert [len(result) for result in results] == [11] * 100
    # One a hint, and a few for the end; those that were late to begin have one of their own.
    assert 0 < reads <= 100 + 20


async def test_nothing_is_kept_of_a_run_that_nobody_follows(database: Database, feeds: Feeds, run_id: UUID) -> None:
    await append(database, run_id, 10)
    await complete(database, run_id)
    async with asyncio.timeout(LIMIT_SECONDS):
        assert await follow(feeds, run_id) == list(range(1, 11))
    assert feeds._feeds == {}
    assert feeds._hints._watches == {}


async def test_what_is_kept_is_bounded(
    database: Database, feeds: Feeds, run_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs_module, "MAX_CHARACTERS", 100)
    async with asyncio.timeout(LIMIT_SECONDS), feeds.log(run_id, ALL) as feed:
        news = feed.follow(ALL, 0, 1_000)
        for reached in (50, 100, 150):
            await append(database, run_id, 50)
            assert (await anext(news))[0].last_sequence == reached
        assert 0 < sum(kept.size for kept in feed._kept) <= 100
        behind, _ = await anext(feed.follow(ALL, 0, 1_000))
        await news.aclose()
    assert [found.sequence for found in behind.entries] == list(range(1, 151))


async def test_what_is_kept_is_forgotten_after_a_while(
    database: Database, feeds: Feeds, run_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_module, "KEEP_SECONDS", 0.05)
    await append(database, run_id, 1)
    async with asyncio.timeout(LIMIT_SECONDS), feeds.log(run_id, ALL) as feed:
        news, slow = feed.follow(ALL, 0, 1_000), feed.follow(ALL, 0, 1_000)
        await anext(news)
        await anext(slow)
        await append(database, run_id, 50)
        await anext(news)
        while feed._kept or feed._tails:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        assert [found.sequence for found in (await anext(slow))[0].entries] == list(range(2, 52))
        await news.aclose()
        await slow.aclose()


async def test_a_run_that_is_deleted_is_gone_for_its_followers(database: Database, feeds: Feeds, run_id: UUID) -> None:
    await append(database, run_id, 3)
    async with asyncio.timeout(LIMIT_SECONDS), feeds.log(run_id, ALL) as feed:
        early, late = feed.follow(ALL, 0, 10), feed.follow(ALL, 3, 10)
        await anext(early)
        waiting = [asyncio.ensure_future(anext(follower)) for follower in (early, late)]
        await asyncio.sleep(0)
        await database.run(lambda session: delete_workflow_execution(session, run_id))
        assert [type(told) for told in await asyncio.gather(*waiting, return_exceptions=True)] == [NotFoundError] * 2
