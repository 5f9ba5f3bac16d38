"""graphql-transport-ws: what the protocol asks of a server, and what clients should not send."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from tests.api_server import ApiServer
from tests.graphql_api.reports import log, running

LIMIT = 15.0
INIT = {"type": "connection_init"}
ACK = {"type": "connection_ack"}
TYPENAME = {"query": "{ __typename }"}


@asynccontextmanager
async def socket(api: ApiServer, protocol: str = "graphql-transport-ws") -> AsyncIterator[ClientConnection]:
    async with connect(api.ws_url, subprotocols=[Subprotocol(protocol)]) as connection:
        yield connection


async def send(connection: ClientConnection, *messages: Any) -> None:
    for message in messages:
        await connection.send(message if isinstance(message, str | bytes) else json.dumps(message))


async def received(connection: ClientConnection) -> Any:
    async with asyncio.timeout(LIMIT):
        return json.loads(await connection.recv())


async def closed(connection: ClientConnection) -> tuple[int | None, str | None]:
    """The code and the reason of the close that comes, whatever comes before it."""
    async with asyncio.timeout(LIMIT):
        await connection.wait_closed()
    return connection.close_code, connection.close_reason


def subscribe(id_: str, query: str, **payload: Any) -> dict[str, Any]:
    return {"type": "subscribe", "id": id_, "payload": {"query": query, **payload}}


def follow(run_id: str, id_: str = "1") -> dict[str, Any]:
    query = "subscription ($run: UUID!) { executionLogs(workflowExecutionId: $run) { lastSequence } }"
    return subscribe(id_, query, variables={"run": run_id})


async def watched(api: ApiServer, run_id: str, number: int) -> None:
    """Wait until so many followers of the run are known to the server."""
    limit = time.monotonic() + LIMIT
    while api.followers(run_id) != number:
        assert time.monotonic() < limit, f"{api.followers(run_id)} followers, not {number}"
        await asyncio.sleep(0.01)


async def test_queries_mutations_and_subscriptions_share_a_socket(api: ApiServer) -> None:
    run_id = running(api)
    log(api, run_id, "hello")
    async with socket(api) as connection:
        assert connection.subprotocol == "graphql-transport-ws"
        await send(connection, INIT, follow(run_id, "a"))
        assert await received(connection) == ACK
        data = {"executionLogs": {"lastSequence": 1}}
        assert await received(connection) == {"id": "a", "type": "next", "payload": {"data": data}}
        await send(connection, subscribe("b", "{ __typename }"))
        assert await received(connection) == {"id": "b", "type": "next", "payload": {"data": {"__typename": "Query"}}}
        assert await received(connection) == {"id": "b", "type": "complete"}
        await send(connection, subscribe("b", "{ colour }"))
        (error,) = (refused := await received(connection))["payload"]
        assert (refused["id"], refused["type"]) == ("b", "error")
        assert error["extensions"] == {"code": "GRAPHQL_VALIDATION_FAILED"}


@pytest.mark.parametrize(
    ("payload", "code", "message"),
    [
        ({"query": "{"}, "GRAPHQL_VALIDATION_FAILED", "Syntax Error: Expected Name, found <EOF>."),
        ({"query": ""}, "GRAPHQL_VALIDATION_FAILED", 'Request data is missing a "query" value'),
        ({**TYPENAME, "operationName": "A"}, "GRAPHQL_VALIDATION_FAILED", 'Unknown operation named "A".'),
        (
            {"query": "query A { __typename } query B { __typename }"},
            "GRAPHQL_VALIDATION_FAILED",
            "The document has several operations: name the one to execute",
        ),
        (
            {"query": 'subscription { executionLogs(workflowExecutionId: "x") { complete } }'},
            "GRAPHQL_VALIDATION_FAILED",
            "UUID cannot represent 'x': expected 8-4-4-4-12 hexadecimal digits",
        ),
        (
            {
                "query": "subscription ($id: UUID!) { executionLogs(workflowExecutionId: $id) { complete } }",
                "variables": {"id": "x"},
            },
            "BAD_USER_INPUT",
            "Variable '$id' has invalid value: UUID cannot represent 'x': expected 8-4-4-4-12 hexadecimal digits",
        ),
    ],
)
async def test_what_is_wrong_with_an_operation_is_its_error_and_the_socket_stays(
    api: ApiServer, payload: dict[str, Any], code: str, message: str
) -> None:
    async with socket(api) as connection:
        await send(connection, INIT, {"type": "subscribe", "id": "1", "payload": payload})
        assert await received(connection) == ACK
        (error,) = (refused := await received(connection))["payload"]
        assert (refused["id"], refused["type"]) == ("1", "error")
        assert (error["extensions"], error["message"]) == ({"code": code}, message)
        await send(connection, {"type": "ping"})
        assert await received(connection) == {"type": "pong"}


@pytest.mark.parametrize("init", [INIT, {**INIT, "payload": {}}, {**INIT, "payload": None}])
async def test_a_socket_is_initialised_with_any_payload_or_none(api: ApiServer, init: dict[str, Any]) -> None:
    async with socket(api) as connection:
        await send(connection, {"type": "ping"}, init)
        assert await received(connection) == {"type": "pong"}
        assert await received(connection) == ACK


@pytest.mark.parametrize(
    ("messages", "code", "reason"),
    [
        (["{"], 4400, "WebSocket message must be valid JSON"),
        (["[" * 200_000], 4400, "WebSocket message must be valid JSON"),
        (['{"type": "connection_init", "payload": {"a": NaN}}'], 4400, "WebSocket message must be valid JSON"),
        ([b'{"type": "connection_init"}'], 4400, "WebSocket message type must be text"),
        (["null"], 4400, "Invalid message"),
        ([[INIT]], 4400, "Invalid message"),
        ([{}], 4400, "Invalid message"),
        ([{"type": 1}], 4400, "Invalid message"),
        ([{"type": "start"}], 4400, "Unknown message type: start"),
        ([{"type": "connection_init", "payload": []}], 4400, "Invalid connection init payload"),
        ([INIT, INIT], 4429, "Too many initialisation requests"),
        ([{"type": "subscribe", "id": "1", "payload": TYPENAME}], 4401, "Unauthorized"),
        ([INIT, {"type": "subscribe", "id": "1"}], 4400, "Invalid message"),
        ([INIT, {"type": "subscribe", "id": "", "payload": TYPENAME}], 4400, "Invalid message"),
        ([INIT, {"type": "subscribe", "id": 1, "payload": TYPENAME}], 4400, "Invalid message"),
        ([INIT, {"type": "subscribe", "id": "1", "payload": {"query": 1}}], 4400, "Invalid message"),
        ([INIT, {"type": "subscribe", "id": "1", "payload": {**TYPENAME, "variables": []}}], 4400, "Invalid message"),
        (
            [INIT, {"type": "subscribe", "id": "1", "payload": {**TYPENAME, "operationName": 1}}],
            4400,
            "Invalid message",
        ),
        ([INIT, {"type": "complete"}], 4400, "Invalid message"),
    ],
)
async def test_what_is_no_message_closes_the_socket(
    api: ApiServer, messages: list[Any], code: int, reason: str
) -> None:
    async with socket(api) as connection:
        await send(connection, *messages)
        assert await closed(connection) == (code, reason)
    assert api.ask("{ __typename }") == "Query"


async def test_an_id_is_used_for_one_operation_at_a_time(api: ApiServer) -> None:
    run_id = running(api)
    async with socket(api) as connection:
        await send(connection, INIT, follow(run_id), follow(run_id))
        assert await closed(connection) == (4409, "Subscriber for 1 already exists")
    await watched(api, run_id, 0)


async def test_a_message_that_is_too_large_closes_the_socket(api: ApiServer) -> None:
    async with socket(api) as connection:
        with contextlib.suppress(ConnectionClosed):  # it may be refused before all of it is sent
            await send(connection, INIT, {**subscribe("1", "{ __typename }"), "x": "x" * 17_000_000})
        assert (await closed(connection))[0] == 1009


@pytest.mark.parametrize("protocol", ["graphql-ws", "mqtt"])
async def test_another_protocol_is_refused(api: ApiServer, protocol: str) -> None:
    async with socket(api, protocol) as connection:
        assert await closed(connection) == (4406, "Subprotocol not acceptable")


async def test_an_id_of_any_characters_is_answered(api: ApiServer) -> None:
    async with socket(api) as connection:
        await send(connection, INIT, subscribe("\ud800\0", "{ __typename }"))
        assert await received(connection) == ACK
        assert (await received(connection))["id"] == "\ud800\0"


async def test_100_operations_are_the_most_of_a_socket(api: ApiServer) -> None:
    run_id = running(api)
    async with socket(api) as connection:
        await send(connection, INIT, *(follow(run_id, str(number)) for number in range(101)))
        assert await received(connection) == ACK
        refused = await received(connection)
        assert (refused["id"], refused["type"]) == ("100", "error")
        assert refused["payload"][0]["extensions"] == {"code": "BAD_USER_INPUT"}
        await watched(api, run_id, 100)
    await watched(api, run_id, 0)


async def test_a_subscription_that_the_client_completes_is_over(api: ApiServer) -> None:
    run_id = running(api)
    async with socket(api) as connection:
        await send(connection, INIT, follow(run_id))
        await watched(api, run_id, 1)
        await send(connection, {"type": "complete", "id": "1"}, {"type": "complete", "id": "unknown"})
        await watched(api, run_id, 0)
        log(api, run_id, "nobody hears")
        await send(connection, {"type": "ping"})
        assert [await received(connection) for _ in range(2)] == [ACK, {"type": "pong"}]


async def test_a_socket_that_goes_away_is_followed_no_more(api: ApiServer) -> None:
    run_id = running(api)
    async with socket(api) as connection:
        await send(connection, INIT, follow(run_id, "1"), follow(run_id, "2"))
        await watched(api, run_id, 2)
    await watched(api, run_id, 0)

    async with socket(api) as connection:
        await send(connection, INIT, follow(run_id))
        await watched(api, run_id, 1)
        connection.transport.abort()
        await watched(api, run_id, 0)
