"""The store as a bystander sees it: a connection of its own, and every row of every table."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg

from db.models.model import Model
from tests.conftest import connect_options

_EVERYTHING = " UNION ALL ".join(
    f"SELECT '{table}', md5(string_agg(entity::text, ',' ORDER BY entity::text)) FROM {table} AS entity"
    for table in Model.metadata.tables
)


async def connect(url: str) -> Any:
    """A connection of one's own."""
    return await asyncpg.connect(**connect_options(url))


async def fetch(url: str, statement: str, *arguments: Any) -> list[Any]:
    """The rows that a statement gives."""
    connection = await connect(url)
    try:
        return list(await connection.fetch(statement, *arguments))
    finally:
        await connection.close()


async def everything(url: str) -> dict[str, str]:
    """A fingerprint of every table: equal if and only if no row was written."""
    return dict(await fetch(url, _EVERYTHING))


async def eventually(look: Callable[[], Awaitable[bool]], within: float = 20) -> None:
    """Look again and again until it is so; a failure when it is not within so many seconds."""
    async with asyncio.timeout(within):
        while not await look():  # noqa: ASYNC110 - what is awaited is in the database
            await asyncio.sleep(0.02)


BROKEN = """
    SELECT format('%s run %s has a %s step', run.status, run.id, step.status)
    FROM node_executions AS step JOIN workflow_executions AS run ON run.id = step.workflow_execution_id
    WHERE (run.status IN ('completed', 'failed', 'cancelled') AND step.status IN ('pending', 'running'))
        OR (run.status <> 'running' AND step.status = 'running')
    UNION ALL
    SELECT format('run %s has %s entries up to %s, and counts %s', counter.workflow_execution_id,
        count(log), max(log.sequence), counter.last_sequence)
    FROM execution_counters AS counter LEFT JOIN execution_logs AS log USING (workflow_execution_id)
    GROUP BY counter.workflow_execution_id
    HAVING (count(log), coalesce(max(log.sequence), 0)) IS DISTINCT FROM (
        counter.last_sequence::bigint, counter.last_sequence
    ) OR (
        count(log) FILTER (WHERE log.level = 'debug'), count(log) FILTER (WHERE log.level = 'info'),
        count(log) FILTER (WHERE log.level = 'warning'), count(log) FILTER (WHERE log.level = 'error')
    ) IS DISTINCT FROM (
        counter.debug_count::bigint, counter.info_count::bigint,
        counter.warning_count::bigint, counter.error_count::bigint
    )
    UNION ALL
    SELECT format('run %s has %s changes of one revision', workflow_execution_id, count(*))
    FROM (
        SELECT workflow_execution_id, revision FROM node_executions
        UNION ALL SELECT id, revision FROM workflow_executions
    ) AS change
    GROUP BY workflow_execution_id, revision HAVING count(*) > 1
    UNION ALL
    SELECT format('step %s is its try %s only in part', step.id, step.retry_count + 1)
    FROM node_executions AS step LEFT JOIN node_execution_attempts AS attempt
        ON attempt.node_execution_id = step.id AND attempt.attempt = step.retry_count + 1
    WHERE step.started_at IS NOT NULL AND (step.status, step.started_at, step.ended_at, step.error_message)
        IS DISTINCT FROM (attempt.status, attempt.started_at, attempt.ended_at, attempt.error_message)
"""
"""Whatever breaks a promise, in one snapshot; it must be nothing at every moment."""


class Watcher:
    """Looks from a connection of its own, again and again, whether a promise is broken: `async with Watcher(url):`."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def __aenter__(self) -> "Watcher":
        self._connection = await connect(self._url)
        self.looked = 0
        self._done = asyncio.Event()
        self._watching = asyncio.create_task(self._watch())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._done.set()
        try:
            assert await self._watching == [], "while it went on"
        finally:
            await self._connection.close()
        assert await fetch(self._url, BROKEN) == []

    async def _watch(self) -> list[str]:
        while not self._done.is_set():
            if broken := await self._connection.fetch(BROKEN):
                return [str(what) for (what,) in broken]
            self.looked += 1
        return []
