"""What takes too long or too much is given up in clear: statements, bodies, and connections that say nothing."""

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import Iterator

import pytest

from tests.api_server import ApiServer
from tests.graphql_api.raw_clients import connected, until
from tests.graphql_api.reports import running
from tests.pgbouncer import POOLER_VARIABLE
from tests.reliability.store import connect

RUNS = "{ workflowExecutions { totalCount } }"
CANCEL = "mutation ($id: UUID!) { cancelWorkflowExecution(id: $id) { ... on WorkflowExecution { status } } }"
FLOOD = 800


@pytest.fixture
def hurried(database_url: str) -> Iterator[ApiServer]:
    """A server with short limits."""
    with ApiServer(
        database_url, statement_timeout_seconds=0.5, body_timeout_seconds=0.5, connection_init_seconds=2.0
    ) as server:
        yield server


@pytest.mark.skipif(
    POOLER_VARIABLE in os.environ, reason="through a pooler the statement_timeout of the database role counts"
)
@pytest.mark.parametrize("kind", ["a read", "a report"])
async def test_a_statement_that_takes_too_long_is_given_up(hurried: ApiServer, kind: str) -> None:
    run_id = running(hurried)
    connection = await connect(hurried.database_url)
    try:
        async with connection.transaction():
            await connection.execute("LOCK TABLE workflow_executions IN ACCESS EXCLUSIVE MODE")
            began = time.monotonic()
            document, variables = (RUNS, {}) if kind == "a read" else (CANCEL, {"id": run_id})
            body = await asyncio.to_thread(hurried.post, document, **variables)
            assert 0.4 < time.monotonic() - began < 5
    finally:
        await connection.close()
    (error,) = body["errors"]
    assert error["message"] == "This took the database too long; ask for less"
    assert error["extensions"] == {"code": "UNAVAILABLE"}
    assert hurried.ask(RUNS) == {"totalCount": 1}
    assert hurried.ask(CANCEL, id=run_id) == {"status": "CANCELLED"}


def test_a_body_that_trickles_in_is_given_up(hurried: ApiServer) -> None:
    with connected(hurried) as client:
        client.sendall(
            b"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            b"Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"
        )
        began = time.monotonic()
        client.settimeout(0.1)
        answer = b""
        while b"\r\n\r\n" not in answer and time.monotonic() < began + 10:
            try:
                answer += client.recv(65_536)
            except TimeoutError:
                client.sendall(b" ")
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert 0.4 < time.monotonic() - began < 5


def test_a_flood_of_silent_connections_keeps_nobody_waiting_and_ends(hurried: ApiServer) -> None:
    began = time.monotonic()
    flood = [connected(hurried) for _ in range(FLOOD)]
    for place, client in enumerate(flood):
        client.settimeout(0)
        if place % 2:
            client.send(b"POST /graphql HTTP/1.1\r\nHost: 127")  # and nothing more
    if time.monotonic() - began < 2.0:  # they are all still there
        asked = time.monotonic()
        assert hurried.ask(RUNS) == {"totalCount": 0}
        assert time.monotonic() - asked < 2.0
    until(lambda: all(map(is_closed, flood)))
    assert hurried.ask(RUNS) == {"totalCount": 0}
    for client in flood:
        client.close()


def test_all_bodies_together_have_a_limit_and_small_ones_are_read_all_the_same(database_url: str) -> None:
    head = (
        b"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        b"Content-Type: application/json\r\nContent-Length: 1000000\r\n\r\n"
    )
    with ApiServer(database_url, max_bodies_bytes=1_500_000) as server:
        clients = [connected(server) for _ in range(4)]
        for client in clients:
            client.sendall(head + b"{" + b" " * 600_000)  # and the rest never comes
        refused: list[socket.socket] = []

        def two_are_refused() -> bool:
            for client in clients:
                client.settimeout(0)
                with contextlib.suppress(BlockingIOError, ConnectionError):
                    if client not in refused and client.recv(65_536).startswith(b"HTTP/1.1 503 "):
                        refused.append(client)
            return len(refused) == 2

        until(two_are_refused)
        assert server.ask(RUNS) == {"totalCount": 0}
        for client in clients:
            client.close()
        large = {"query": RUNS, "variables": {"unused": " " * 1_000_000}}
        until(lambda: server.http.post("/graphql", json=large).status_code == 200)


def is_closed(client: socket.socket) -> bool:
    """Whether the other side has closed a connection that waits for nothing."""
    try:
        return client.recv(65_536) == b""
    except BlockingIOError:
        return False
    except ConnectionError:
        return True
