"""Surprises are masked with an id that stands in the log; a database that is away is worth another try."""

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import asyncpg
import pytest
from sqlalchemy.engine import make_url

from tests.api_server import ApiServer
from tests.conftest import administer, connect_options, url_of
from tests.graphql_api.reports import log, running, steps

APPEND = """
mutation ($run: UUID!) {
    appendLogs(workflowExecutionId: $run, entries: [{ level: INFO, message: "hello" }]) {
        ... on AppendLogsPayload { lastSequence }
    }
}
"""


async def in_database(server: ApiServer, *statements: str) -> None:
    """Execute SQL behind the server's back."""
    connection = await asyncpg.connect(**connect_options(server.database_url))
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


@contextmanager
def database_away(server: ApiServer) -> Iterator[None]:
    """The server's database accepts no connections meanwhile, and those that there were are gone."""
    name = make_url(server.database_url).database
    administer(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    administer(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}'")
    yield
    administer(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")


def masked(error: dict[str, Any], caplog: pytest.LogCaptureFixture) -> dict[str, Any]:
    """The error without its id, which has to stand in the log beside the traceback."""
    error_id = error["extensions"].pop("errorId")
    (record,) = (record for record in caplog.records if error_id in record.getMessage())
    assert record.exc_info is not None
    return error


async def test_a_surprise_is_masked_in_a_query_and_the_rest_is_answered(
    server: ApiServer, caplog: pytest.LogCaptureFixture
) -> None:
    run_id = running(server)
    await in_database(server, "ALTER TABLE execution_logs RENAME TO hidden_logs")
    query = "query ($id: UUID!) { workflowExecution(id: $id) { logs { totalCount } } __typename }"
    response = server.post(query, id=run_id)
    (error,) = response["errors"]
    assert masked(error, caplog) == {
        "message": "Internal server error",
        "locations": [{"line": 1, "column": 51}],
        "path": ["workflowExecution", "logs"],
        "extensions": {"code": "INTERNAL_SERVER_ERROR"},
    }
    assert response["data"] == {"workflowExecution": None, "__typename": "Query"}
    assert "hidden_logs" not in str(response)
    assert 'relation "execution_logs" does not exist' in caplog.text


async def test_a_surprise_in_a_mutation_is_masked_and_nothing_is_half_written(
    server: ApiServer, caplog: pytest.LogCaptureFixture
) -> None:
    run_id = running(server)
    (step_id,) = steps(server, run_id, "load")
    log(server, run_id, "before")
    await in_database(server, "ALTER TABLE node_executions RENAME COLUMN ended_at TO over_at")
    cancel = "mutation ($id: UUID!) { cancelWorkflowExecution(id: $id) { __typename } }"
    (error,) = server.post(cancel, id=run_id)["errors"]
    assert masked(error, caplog)["extensions"] == {"code": "INTERNAL_SERVER_ERROR"}

    await in_database(server, "ALTER TABLE node_executions RENAME COLUMN over_at TO ended_at")
    state = """query ($run: UUID!, $step: UUID!) {
        workflowExecution(id: $run) { status revision } nodeExecution(id: $step) { status }
    }"""
    assert server.post(state, run=run_id, step=step_id) == {
        "data": {"workflowExecution": {"status": "RUNNING", "revision": 2}, "nodeExecution": {"status": "PENDING"}}
    }


async def test_a_surprise_in_a_subscription_is_masked(server: ApiServer, caplog: pytest.LogCaptureFixture) -> None:
    run_id = running(server)
    await in_database(server, "ALTER TABLE execution_logs RENAME TO hidden_logs")
    query = f'subscription {{ executionLogs(workflowExecutionId: "{run_id}") {{ lastSequence }} }}'
    response = server.http.post("/graphql", json={"query": query}, headers={"accept": "text/event-stream"})
    assert "INTERNAL_SERVER_ERROR" in response.text
    assert "execution_logs" not in response.text
    assert 'relation "execution_logs" does not exist' in caplog.text


def test_a_database_that_is_away_is_said_to_be_unavailable_and_is_used_again_when_it_is_back(server: ApiServer) -> None:
    run_id = running(server)
    unavailable = {"message": "The database cannot be reached; try again", "code": "UNAVAILABLE"}

    def refused(query: str, **variables: Any) -> dict[str, str]:
        (error,) = server.post(query, **variables)["errors"]
        return {"message": error["message"], **error["extensions"]}

    with database_away(server):
        for _ in range(3):  # over connections that broke, then over none
            assert refused(APPEND, run=run_id) == unavailable
            assert refused("{ workflows { totalCount } }") == unavailable
        assert server.post("{ __typename }") == {"data": {"__typename": "Query"}}
        assert server.http.get("/healthz").status_code == 200
        ready = server.http.get("/readyz")
        assert (ready.status_code, ready.json()["ready"]) == (503, False)

    deadline = time.monotonic() + 10  # at once, or when a pooler in between has noticed
    while server.http.get("/readyz").status_code != 200:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert server.ask(APPEND, run=run_id) == {"lastSequence": 1}


def test_a_database_without_tables_is_not_ready(new_database_url: str) -> None:
    with ApiServer(new_database_url) as server:
        response = server.http.get("/readyz")
        assert (response.status_code, response.json()) == (
            503,
            {"ready": False, "problem": "the tables are missing: run `execgraph migrate`"},
        )
        assert server.http.get("/healthz").text == "ok\n"


async def test_a_database_of_an_older_revision_is_not_ready(server: ApiServer) -> None:
    assert server.http.get("/readyz").json()["ready"] is True
    await in_database(server, "UPDATE alembic_version SET version_num = '0001'")
    response = server.http.get("/readyz")
    assert response.status_code == 503
    assert response.json()["problem"].startswith("the tables are of revision 0001, this version needs ")


async def test_a_database_of_a_newer_revision_is_ready_so_that_one_may_migrate_before_one_restarts(
    server: ApiServer,
) -> None:
    await in_database(server, "UPDATE alembic_version SET version_num = '9999'")
    assert server.http.get("/readyz").status_code == 200


def test_a_database_that_takes_no_writes_is_not_ready(server: ApiServer) -> None:
    name = make_url(server.database_url).database
    administer(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    administer(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}'")
    for _ in range(2):  # the connections that were cut are noticed first
        response = server.http.get("/readyz")
    assert (response.status_code, response.json()) == (
        503,
        {"ready": False, "problem": "the database takes no writes: is it a standby?"},
    )


async def test_a_server_whose_pool_is_exhausted_is_not_ready_until_a_connection_is_free(database_url: str) -> None:
    with ApiServer(database_url, pool_size=1, pool_overflow=0) as server:
        run_id = running(server)
        holder = await asyncpg.connect(**connect_options(database_url))
        holding = holder.transaction()
        await holding.start()
        await holder.execute("SELECT FROM workflow_executions FOR UPDATE")
        with ThreadPoolExecutor() as threads:
            waiting = threads.submit(server.post, APPEND, run=run_id)
            blocked = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            async with asyncio.timeout(10):
                while not await holder.fetchval(f"{blocked} AND datname = current_database()"):  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
            response = await asyncio.to_thread(server.http.get, "/readyz")
            await holding.rollback()
            assert waiting.result(10)["data"]["appendLogs"] == {"lastSequence": 1}
        await holder.close()
        assert (response.status_code, response.json()) == (
            503,
            {"ready": False, "problem": "all connections of the write pool are in use"},
        )
        assert server.http.get("/readyz").status_code == 200


def test_a_server_whose_database_does_not_exist_says_so(new_database_url: str) -> None:
    with ApiServer(url_of("no_such_database")) as server:
        response = server.http.get("/readyz")
        assert response.status_code == 503
        assert response.json()["problem"].startswith("the database does not answer")
        assert server.post("{ workflows { totalCount } }")["errors"][0]["extensions"] == {"code": "UNAVAILABLE"}
