"""Behind a real pgbouncer in transaction mode: everything works, hints are known not to arrive, and a setting helps."""

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from db import Database, ExecutionLog, LogLevel
from db import listener as listener_module
from db.hints import SLOW_TIMER_SECONDS, Hints
from tests.api_server import ApiServer
from tests.graphql_api.followers import following
from tests.graphql_api.raw_clients import LOGS, until
from tests.graphql_api.reports import log, running, steps, transition
from tests.pgbouncer import pgbouncer

pytestmark = pytest.mark.skipif(shutil.which("pgbouncer") is None, reason="pgbouncer is not installed")

SERVERS = 4
"""Connections to PostgreSQL that all clients share: fewer than the API has, so that they are really shared."""


@pytest.fixture
def pooled_url(database_url: str) -> Iterator[str]:
    with pgbouncer(database_url, SERVERS) as url:
        yield url


def hints(api: ApiServer) -> str:
    return str(api.http.get("/readyz").json()["hints"])


async def append_elsewhere(database: Database, run_id: str, message: str) -> None:
    async with database.session() as session:
        session.add(ExecutionLog(workflow_execution_id=run_id, level=LogLevel.INFO, message=message))
        await session.commit()


def messages(event: Any) -> list[str]:
    return [entry["message"] for entry in event["entries"]]


async def test_the_timer_serves_and_readyz_says_so(
    pooled_url: str, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener_module, "ROUND_TRIP_SECONDS", 1.0)
    with ApiServer(pooled_url) as api:
        until(lambda: "is a pooler in between" in hints(api))
        run_id = running(api)
        async with Database(database_url) as elsewhere, Hints(elsewhere), following(api, LOGS, run=run_id) as follower:
            for number in range(3):
                await append_elsewhere(elsewhere, run_id, f"entry {number}")
                assert messages(await follower.event()) == [f"entry {number}"]
            log(api, run_id, "here")
            assert messages(await follower.event()) == ["here"]
        assert not api.hints.listening


async def test_over_a_direct_address_hints_arrive(pooled_url: str, database_url: str) -> None:
    with ApiServer(pooled_url, listen_url=database_url) as api:
        until(lambda: hints(api) == "arrive")
        run_id = running(api)
        async with Database(database_url) as elsewhere, Hints(elsewhere), following(api, LOGS, run=run_id) as follower:
            for number in range(3):
                await append_elsewhere(elsewhere, run_id, f"entry {number}")
                assert messages(await follower.event(SLOW_TIMER_SECONDS - 2)) == [f"entry {number}"]


def test_many_reports_and_questions_at_once_share_few_connections(pooled_url: str) -> None:
    with ApiServer(pooled_url) as api, ThreadPoolExecutor(16) as pool:

        def work(number: int) -> list[str]:
            run_id = running(api)
            for step in steps(api, run_id, "one", "two"):
                transition(api, "startNodeExecution", step)
                log(api, run_id, f"{number}", nodeExecutionId=step)
                transition(api, "completeNodeExecution", step)
            transition(api, "completeWorkflowExecution", run_id)
            query = "query ($id: UUID!) { workflowExecution(id: $id) { status logs { nodes { message } } } }"
            found = api.ask(query, id=run_id)
            return [found["status"], *(entry["message"] for entry in found["logs"]["nodes"])]

        assert list(pool.map(work, range(24))) == [["COMPLETED", str(number), str(number)] for number in range(24)]
