"""Whatever happens, every subscriber ends with exactly the entries that its filter selects, in order, none twice."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy.exc import DBAPIError, InterfaceError

from db import Database, ExecutionLog, LogLevel
from db.hints import Hints
from tests.reliability.reports import document
from tests.reliability.servers import OwnPostgres, ServerProcess, own_postgres
from tests.reliability.store import fetch
from tests.reliability.subscribers import Subscriber
from tests.reliability.torture import length

pytestmark = [pytest.mark.torture, pytest.mark.timeout(600)]

SECONDS = length(8, 75)
SUBSCRIBERS = length(40, 200)
RUNS = length(3, 5)
WRITERS = 4
"""Of each kind: through the API, and through the ORM."""
PAUSE = 0.15
"""Seconds that a writer rests at most, between two transactions and within one."""
DONE_SECONDS = 120
LEVELS = [level.name for level in LogLevel]
WORDS = ("alpha", "Beta", "GAMMA", "Ünïcode", "100 %", "under_score")
LISTENERS = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND query LIKE 'LISTEN%'
"""


class Torture:
    """The runs, who writes to them and who follows them, and what is done to all of these."""

    def __init__(self, postgres: OwnPostgres, servers: list[ServerProcess]) -> None:
        self.done: Counter[str] = Counter()
        self._postgres = postgres
        self._servers = servers
        self._steps: dict[str, list[str]] = {}
        self._until = 0.0
        self._left_to_break = {"restarts of the database", "servers killed"}
        self._message = 0

    def _goes_on(self) -> bool:
        """For as long as it is to last, and until everything was broken."""
        return time.monotonic() < self._until or bool(self._left_to_break)

    async def report(self, chance: random.Random, mutation: str, **arguments: Any) -> Any:
        """Report to one of the servers, again and again under one key, until it is acknowledged."""
        key, began = uuid4().hex, time.monotonic()
        query = document(mutation, *arguments, "idempotencyKey")
        body = {"query": query, "variables": {**arguments, "idempotencyKey": key}}
        while time.monotonic() < began + DONE_SECONDS:
            try:
                async with httpx.AsyncClient(timeout=30) as http:
                    answer = (await http.post(f"{chance.choice(self._servers).url}/graphql", json=body)).json()
            except (httpx.TransportError, ValueError):
                answer = {}
            if answer.get("data"):
                (result,) = answer["data"].values()
                assert "message" not in result, result
                return result
            self.done["reports repeated"] += 1
            await asyncio.sleep(0.05)
        raise AssertionError(f"{mutation} was never acknowledged")

    async def begin(self) -> None:
        """Make the runs, each with two steps."""
        chance = random.Random(0)
        workflow = await self.report(chance, "createWorkflow", input={"name": "Torture"})
        for _ in range(RUNS):
            given = {"workflowId": workflow["id"], "triggerType": "MANUAL"}
            run_id = (await self.report(chance, "createWorkflowExecution", input=given))["id"]
            await self.report(chance, "startWorkflowExecution", id=run_id)
            inputs = [{"name": name, "executionOrder": 1} for name in ("one", "two")]
            made = await self.report(chance, "createNodeExecutions", workflowExecutionId=run_id, nodeExecutions=inputs)
            self._steps[run_id] = [step["id"] for step in made["nodeExecutions"]]
        self._until = time.monotonic() + SECONDS

    def subscribers(self) -> list[Subscriber]:
        """Subscribers of all kinds."""
        chance, ports = random.Random(1), [server.port for server in self._servers]
        subscribers = []
        for place in range(SUBSCRIBERS):
            run_id = chance.choice(list(self._steps))
            filters: list[dict[str, Any] | None] = [
                None,
                {"minLevel": chance.choice(LEVELS)},
                {"levels": chance.sample(LEVELS, 2)},
                {"search": chance.choice(WORDS).upper()},
                {"nodeExecutionIds": chance.sample(self._steps[run_id], 1)},
                {"fromSequence": 20, "toSequence": 120, "levels": ["INFO", "ERROR"]},
                {"minLevel": "INFO", "search": "a"},
            ]
            subscribers.append(Subscriber(place, ports, run_id, filters[place % len(filters)]))
        return subscribers

    def _entries(self, chance: random.Random, run_id: str) -> list[tuple[str, str, str | None]]:
        entries = []
        for _ in range(chance.choice((1, 1, 1, 2, 5))):
            self._message += 1
            step = chance.choice([None, *self._steps[run_id]])
            entries.append((chance.choice(LEVELS), f"{chance.choice(WORDS)} {self._message}", step))
        return entries

    async def write_by_api(self, place: int) -> None:
        """Append until the time is over."""
        chance = random.Random(100 + place)
        while self._goes_on():
            run_id = chance.choice(list(self._steps))
            entries = [
                {"level": level, "message": message, "nodeExecutionId": step}
                for level, message, step in self._entries(chance, run_id)
            ]
            await self.report(chance, "appendLogs", workflowExecutionId=run_id, entries=entries)
            self.done["entries by the API"] += len(entries)
            await asyncio.sleep(chance.uniform(0, PAUSE))

    async def write_by_orm(self, place: int) -> None:
        """Append in transactions that stay open for a while, to several runs; half of the writers send no hints."""
        chance = random.Random(200 + place)
        async with Database(self._postgres.url, pool_size=2) as database:
            hints = Hints(database)
            if place % 2:
                await hints.__aenter__()
            try:
                while self._goes_on():
                    await self._write_one(chance, database)
                    await asyncio.sleep(chance.uniform(0, PAUSE))
            finally:
                if place % 2:
                    await hints.__aexit__()

    async def _write_one(self, chance: random.Random, database: Database) -> None:
        try:
            async with database.session() as session:
                # In one order, as any code has to that locks several rows.
                for run_id in sorted(chance.sample(list(self._steps), chance.choice((1, 1, 2)))):
                    for level, message, step in self._entries(chance, run_id):
                        session.add(
                            ExecutionLog(
                                workflow_execution_id=UUID(run_id),
                                level=LogLevel[level],
                                message=message,
                                node_execution_id=step and UUID(step),
                            )
                        )
                    await session.flush()
                await asyncio.sleep(chance.uniform(0, PAUSE))
                if chance.random() < 0.1:
                    await session.rollback()
                    self.done["ORM transactions taken back"] += 1
                    return
                await session.commit()
                self.done["ORM transactions"] += 1
        except (DBAPIError, InterfaceError, OSError):
            self.done["ORM transactions that failed"] += 1
            await asyncio.sleep(0.1)

    async def break_things(self) -> None:
        """Kill what listens again and again, restart the database once, kill a server once."""
        began = time.monotonic()
        while self._goes_on():
            await asyncio.sleep(SECONDS / 20)
            passed = (time.monotonic() - began) / SECONDS
            if passed > 0.35 and "restarts of the database" in self._left_to_break:
                await asyncio.to_thread(self._postgres.stop)
                await asyncio.sleep(0.3)
                await asyncio.to_thread(self._postgres.start)
                self._broke("restarts of the database")
            elif passed > 0.65 and "servers killed" in self._left_to_break:
                self._servers[1].kill()
                await asyncio.sleep(0.5)
                await asyncio.to_thread(self._servers[1].start)
                self._broke("servers killed")
            else:
                self.done["LISTEN connections killed"] += len(await fetch(self._postgres.url, LISTENERS))

    def _broke(self, what: str) -> None:
        self._left_to_break.remove(what)
        self.done[what] += 1

    async def end(self) -> None:
        """Complete the runs."""
        for run_id in self._steps:
            await self.report(random.Random(2), "completeWorkflowExecution", id=run_id)

    async def expected(self, subscriber: Subscriber) -> list[int]:
        """The sequences that the subscriber's filter selects, by what is in the table."""
        rows = await fetch(
            self._postgres.url,
            "SELECT sequence, level, message, node_execution_id FROM execution_logs"
            " WHERE workflow_execution_id = $1 ORDER BY sequence",
            UUID(subscriber.run_id),
        )
        where = subscriber.filter or {}
        least = LEVELS.index(where.get("minLevel", "DEBUG"))
        levels, steps = where.get("levels", LEVELS), where.get("nodeExecutionIds")
        return [
            sequence
            for sequence, level, message, step in rows
            if LEVELS.index(level.upper()) >= least
            and level.upper() in levels
            and where.get("search", "").lower() in message.lower()
            and (steps is None or str(step) in steps)
            and where.get("fromSequence", 0) <= sequence <= where.get("toSequence", 2**31)
        ]


@pytest.fixture
def postgres() -> Iterator[OwnPostgres]:
    with own_postgres() as postgres:
        yield postgres


async def test_every_subscriber_ends_with_exactly_what_its_filter_selects(postgres: OwnPostgres) -> None:
    settings = {"pool_size": "5", "pool_overflow": "5", "log_grace_seconds": "1", "ping_seconds": "5"}
    with (
        ServerProcess(postgres.url, **settings) as one,
        ServerProcess(postgres.url, **settings) as other,
    ):
        torture = Torture(postgres, [one, other])
        await torture.begin()
        subscribers = torture.subscribers()
        following = [asyncio.create_task(subscriber.follow()) for subscriber in subscribers]
        try:
            await asyncio.gather(
                torture.break_things(),
                *(torture.write_by_api(place) for place in range(WRITERS)),
                *(torture.write_by_orm(place) for place in range(WRITERS)),
            )
            await torture.end()
            done, late = await asyncio.wait(following, timeout=DONE_SECONDS)
        finally:
            for task in following:
                task.cancel()
        for task in done:
            task.result()
        assert [subscriber.name for subscriber in subscribers if not subscriber.complete] == [], len(late)
        for subscriber in subscribers:
            got = [entry["sequence"] for entry in subscriber.entries]
            assert got == await torture.expected(subscriber), subscriber.name
    torture.done["entries delivered"] = sum(len(subscriber.entries) for subscriber in subscribers)
    torture.done["subscriptions"] = sum(subscriber.connections for subscriber in subscribers)
    torture.done["left by the subscriber"] = sum(subscriber.left for subscriber in subscribers)
    torture.done["cut"] = sum(subscriber.was_cut for subscriber in subscribers)
    print(f"\n{SECONDS} s, {SUBSCRIBERS} subscribers of {RUNS} runs: {dict(torture.done)}")
    assert torture.done.keys() >= {"restarts of the database", "servers killed", "ORM transactions"}
    assert torture.done["LISTEN connections killed"] > 0
    assert torture.done["left by the subscriber"] > 0
    assert torture.done["cut"] > 0
