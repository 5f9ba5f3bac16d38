"""A server that goes away tells subscribers to come back, and they continue exactly elsewhere."""

import json

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.api_server import ApiServer
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
