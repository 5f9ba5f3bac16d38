"""A server that goes away tells subscribers to come back, and they continue exactly elsewhere."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from uuid import UUID

import asyncpg
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.api_server import ApiServer
from tests.conftest import connect_options
from tests.graphql_api.raw_clients import RawClient, until
from tests.graphql_api.reports import log, running

LOGS = """
subscription ($run: UUID!, $after: Int! = 0) {
    executionLogs(workflowExecutionId: $run, after: $after) { entries { sequence } lastSequence }
}
"""


def test_a_websocket_is_closed_as_going_away_and_continued_elsewhere(database_url: str) -> None:
    with ApiServer(database_url) as server, ApiServer(database_url) as other:
        run = running(server)
        log(server, run, "a", "b", "c")
        with connect(server.ws_url, subprotocols=["graphql-transport-ws"]) as socket:  # type: ignore[list-item]
            socket.send(json.dumps({"type": "connection_init"}))
            assert json.loads(socket.recv(10)) == {"type": "connection_ack"}
            variables = {"run": run}
            socket.send(
                json.dumps({"id": "1", "type": "subscribe", "payload": {"query": LOGS, "variables": variables}})
            )
            first = json.loads(socket.recv(10))["payload"]["data"]["executionLogs"]
            assert [entry["sequence"] for entry in first["entries"]] == [1, 2, 3]
            server.stop()
            with pytest.raises(ConnectionClosed) as closed:
                socket.recv(10)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1001
        log(other, run, "d", "e")
        with connect(other.ws_url, subprotocols=["graphql-transport-ws"]) as socket:  # type: ignore[list-item]
            socket.send(json.dumps({"type": "connection_init"}))
            socket.recv(10)
            variables = {"run": run, "after": first["lastSequence"]}
            socket.send(
                json.dumps({"id": "1", "type": "subscribe", "payload": {"query": LOGS, "variables": variables}})
            )
            then = json.loads(socket.recv(10))["payload"]["data"]["executionLogs"]
            assert [entry["sequence"] for entry in then["entries"]] == [4, 5]


def test_an_event_stream_ends_without_completing(server: ApiServer) -> None:
    run = running(server)
    request = {"query": LOGS, "variables": {"run": run}}
    log(server, run, "a")
    with server.http.stream("POST", "/graphql", json=request, headers={"accept": "text/event-stream"}) as response:
        lines = response.iter_lines()
        assert next(lines) == "event: next"
        server.stop()
        assert [line for line in lines if line][1:] == ["retry: 500"]


LOCK = "SELECT 1 FROM execution_counters WHERE workflow_execution_id = $1 FOR UPDATE"
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
APPEND = """mutation ($run: UUID!) {
    appendLogs(workflowExecutionId: $run, entries: [{level: INFO, message: "in flight"}]) { __typename }
}"""
APPENDED = {"data": {"appendLogs": {"__typename": "AppendLogsPayload"}}}


@contextmanager
def held_up(server: ApiServer, run: str) -> Iterator[Callable[[], None]]:
    """Hold up what appends to a run until what this gives is called, which waits until the server is going away."""
    loop = asyncio.new_event_loop()
    ask = loop.run_until_complete
    options = connect_options(server.database_url)
    holding = ask(asyncpg.connect(**options))
    transaction = holding.transaction()
    ask(transaction.start())
    ask(holding.fetch(LOCK, UUID(run)))

    def let_go() -> None:
        until(server.draining.begun.is_set)
        ask(transaction.rollback())

    try:
        yield let_go
    finally:
        ask(holding.close())
        loop.close()


def wait_until_held_up(server: ApiServer) -> None:
    """Wait until something waits for a lock."""

    async def look() -> bool:
        connection = await asyncpg.connect(**connect_options(server.database_url))
        try:
            return bool(await connection.fetchval(WAITING))
        finally:
            await connection.close()

    until(lambda: asyncio.run(look()))


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
def test_a_request_in_flight_is_answered(database_url: str, accept: str) -> None:
    with ApiServer(database_url, drain_seconds=20) as server, ThreadPoolExecutor(2) as pool:
        run = running(server)
        with held_up(server, run) as let_go:
            body = {"query": APPEND, "variables": {"run": run}}
            asked = pool.submit(server.http.post, "/graphql", json=body, headers={"accept": accept})
            wait_until_held_up(server)
            stopping = pool.submit(server.stop)
            let_go()
            answer = asked.result(30)
            stopping.result(30)
    if accept == "application/json":
        assert answer.json() == APPENDED
    else:
        written = json.dumps(APPENDED, separators=(",", ":"))
        assert answer.text == f"event: next\ndata: {written}\n\nevent: complete\ndata: \n\n"


def test_an_operation_in_flight_on_a_websocket_is_answered_before_it_is_closed(database_url: str) -> None:
    with ApiServer(database_url, drain_seconds=20) as server, ThreadPoolExecutor(1) as pool:
        run = running(server)
        with (
            held_up(server, run) as let_go,
            connect(server.ws_url, subprotocols=["graphql-transport-ws"]) as socket,  # type: ignore[list-item]
        ):
            socket.send(json.dumps({"type": "connection_init"}))
            assert json.loads(socket.recv(10)) == {"type": "connection_ack"}
            payload = {"query": APPEND, "variables": {"run": run}}
            socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
            wait_until_held_up(server)
            stopping = pool.submit(server.stop)
            let_go()
            assert json.loads(socket.recv(30)) == {"id": "1", "type": "next", "payload": APPENDED}
            assert json.loads(socket.recv(30)) == {"id": "1", "type": "complete"}
            with pytest.raises(ConnectionClosed) as closed:
                socket.recv(10)
        stopping.result(30)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1001


@pytest.mark.parametrize("transport", ["websocket", "event stream"])
def test_a_client_that_does_not_read_does_not_hold_it_up(database_url: str, transport: str) -> None:
    with ApiServer(database_url, drain_seconds=1, client_timeout_seconds=120) as server:
        run = running(server)
        log(server, run, *(["x" * 6_000] * 1_000))
        with RawClient(server, transport, run):
            until(lambda: server.followers(run) == 1)
            began = time.monotonic()
            server.stop()
            assert time.monotonic() - began < 10
