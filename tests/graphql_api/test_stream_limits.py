"""What streams are held to, the same over a WebSocket and as server-sent events, each with a clear refusal."""

import contextlib
import json
import time
from collections.abc import Iterator

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from tests.api_server import ApiServer
from tests.graphql_api.raw_clients import LOGS, RawClient, connected, until
from tests.graphql_api.reports import log, running

PROTOCOLS = [Subprotocol("graphql-transport-ws")]
SILENCE = 0.6
PING = 0.3
TIMEOUT = 1.0
SUBSCRIPTIONS = 3
OPERATIONS = 2
BYTES = 20_000
FULL = f"The server has {SUBSCRIPTIONS} subscriptions, as many as it may; try again later"


@pytest.fixture(scope="module")
def strict(module_database_url: str) -> Iterator[ApiServer]:
    """A server that allows little."""
    with ApiServer(
        module_database_url,
        connection_init_seconds=SILENCE,
        ping_seconds=PING,
        client_timeout_seconds=TIMEOUT,
        max_subscriptions=SUBSCRIPTIONS,
        max_operations_per_connection=OPERATIONS,
        max_body_bytes=BYTES,
    ) as server:
        yield server


def test_a_websocket_that_is_not_initialised_in_time_is_closed(strict: ApiServer) -> None:
    began = time.monotonic()
    with connect(strict.ws_url, subprotocols=PROTOCOLS) as socket, pytest.raises(ConnectionClosed) as closed:
        socket.recv(20)
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4408, "Connection initialisation timeout")
    assert time.monotonic() - began >= SILENCE


@pytest.mark.parametrize("said", [b"", b"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n"])
def test_a_connection_that_asks_for_nothing_in_time_is_closed(strict: ApiServer, said: bytes) -> None:
    began = time.monotonic()
    with connected(strict) as client:
        client.sendall(said)
        with contextlib.suppress(ConnectionResetError):
            assert client.recv(100) == b""
    assert time.monotonic() - began >= SILENCE


def test_a_websocket_is_pinged_and_stays_open_as_long_as_it_answers(strict: ApiServer) -> None:
    run_id = running(strict)
    with connect(strict.ws_url, subprotocols=PROTOCOLS) as socket:
        socket.send(json.dumps({"type": "connection_init"}))
        assert json.loads(socket.recv(20)) == {"type": "connection_ack"}
        payload = {"query": LOGS, "variables": {"run": run_id}}
        socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
        with pytest.raises(TimeoutError):
            socket.recv(3 * TIMEOUT)
        log(strict, run_id, "still there")
        assert json.loads(socket.recv(20))["payload"]["data"]["executionLogs"]["lastSequence"] == 1


def test_a_websocket_that_answers_no_ping_is_disconnected(strict: ApiServer) -> None:
    run_id = running(strict)
    began = time.monotonic()
    with RawClient(strict, "websocket", run_id, buffer=65_536) as client:
        client.read_until(b"\x89\x04")  # a ping with 4 bytes
        assert client.is_closed()
    assert time.monotonic() - began >= PING + TIMEOUT
    until(lambda: strict.followers(run_id) == 0)


def test_an_event_stream_gets_comments(strict: ApiServer) -> None:
    with RawClient(strict, "event stream", running(strict), buffer=65_536) as client:
        client.read_until(b"\r\n:\n\n\r\n")
        assert client.read_until(b"\r\n:\n\n\r\n3\r\n:\n\n").count(b":\n\n") >= 2


def test_a_process_has_so_many_subscriptions_over_all_its_connections(strict: ApiServer) -> None:
    run_id = running(strict)
    transports = ["websocket", "event stream", "websocket"]
    clients = [RawClient(strict, transport, run_id, buffer=65_536) for transport in transports]
    until(lambda: strict.followers(run_id) == SUBSCRIPTIONS)
    refused = strict.context.subscribers.refused
    error = {"message": FULL, "extensions": {"code": "UNAVAILABLE"}}
    with RawClient(strict, "event stream", run_id, buffer=65_536) as client:
        received = client.read_until(b"event: complete")
        assert b"event: next\ndata: " + json.dumps({"errors": [error]}, separators=(",", ":")).encode() in received
    with connect(strict.ws_url, subprotocols=PROTOCOLS) as socket:
        socket.send(json.dumps({"type": "connection_init"}))
        payload = {"query": LOGS, "variables": {"run": run_id}}
        socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
        assert json.loads(socket.recv(20)) == {"type": "connection_ack"}
        assert json.loads(socket.recv(20)) == {"id": "1", "type": "error", "payload": [error]}
        assert strict.context.subscribers.refused - refused == 2
        clients.pop().vanish()
        until(lambda: strict.followers(run_id) == SUBSCRIPTIONS - 1)
        socket.send(json.dumps({"id": "2", "type": "subscribe", "payload": payload}))
        until(lambda: strict.followers(run_id) == SUBSCRIPTIONS)
    for client in clients:
        client.vanish()
    until(lambda: len(strict.context.subscribers) == 0)


def test_a_websocket_has_so_many_operations(strict: ApiServer) -> None:
    run_id = running(strict)
    with connect(strict.ws_url, subprotocols=PROTOCOLS) as socket:
        socket.send(json.dumps({"type": "connection_init"}))
        assert json.loads(socket.recv(20)) == {"type": "connection_ack"}
        payload = {"query": LOGS, "variables": {"run": run_id}}
        for number in range(OPERATIONS + 1):
            socket.send(json.dumps({"id": str(number), "type": "subscribe", "payload": payload}))
        refused = json.loads(socket.recv(20))
    message = f"At most {OPERATIONS} operations at a time on one connection"
    error = {"message": message, "extensions": {"code": "BAD_USER_INPUT"}}
    assert refused == {"id": str(OPERATIONS), "type": "error", "payload": [error]}
    until(lambda: strict.followers(run_id) == 0)


def test_a_message_is_no_longer_than_a_body(strict: ApiServer) -> None:
    long = "{ __typename }" + " " * BYTES
    body = strict.http.post("/graphql", json={"query": long}, headers={"accept": "text/event-stream"})
    assert (body.status_code, body.json()["errors"][0]["message"]) == (413, f"The body is larger than {BYTES} bytes")
    with connect(strict.ws_url, subprotocols=PROTOCOLS) as socket:
        socket.send(json.dumps({"type": "connection_init"}))
        assert json.loads(socket.recv(20)) == {"type": "connection_ack"}
        with contextlib.suppress(ConnectionClosed):  # it may be refused before all of it is sent
            socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": {"query": long}}))
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(20)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1009
    assert f"exceeds limit of {BYTES} bytes" in closed.value.rcvd.reason
