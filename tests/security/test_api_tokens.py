"""API tokens: who has none is nobody, what a role allows, and the end of a token is the end of what it follows."""

import asyncio
import contextlib
import json
import statistics
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from db import Database
from db.enums import Role
from tests.api_server import ApiServer
from tests.api_tokens import bearer, make_token, revoke_token
from tests.conftest import connect_options
from tests.security.conftest import Tokens

SECONDS = 10.0
TYPENAME = {"query": "{ __typename }"}
CREATE = {"query": 'mutation { createWorkflow(input: { name: "Flow" }) { __typename } }'}
DELETE = {"query": 'mutation { deleteWorkflowExecution(id: "018f0000-0000-7000-8000-000000000000") { __typename } }'}
FOLLOW = {"query": "subscription { workflowExecutionsChanged { removedIds } }"}
UNAUTHENTICATED = {"code": "UNAUTHENTICATED"}


def post(server: ApiServer, body: Any, headers: dict[str, str] | None = None) -> httpx.Response:
    return server.http.post("/graphql", json=body, headers=headers or {})


def code(response: httpx.Response) -> tuple[int, str]:
    (error,) = response.json()["errors"]
    assert "data" not in response.json()
    return response.status_code, error["extensions"]["code"]


async def refused(server: ApiServer, token: str) -> None:
    """Wait until a token is worth nothing."""
    while post(server, TYPENAME, bearer(token)).status_code == 200:  # noqa: ASYNC110 - nobody tells us
        await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Basic dXNlcjpwYXNz",
        "Bearer exg_",
        "Bearer exg_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "Bearer a.b.c",
        "Bearer \u00fc".encode("latin-1"),
        "Bearer " + "x" * 7_000,
    ],
)
def test_who_proves_nothing_is_nobody(guarded: ApiServer, authorization: Any) -> None:
    headers = {} if authorization is None else {"authorization": authorization}
    for response in (post(guarded, TYPENAME, headers), guarded.http.get("/graphql", params=TYPENAME, headers=headers)):
        assert code(response) == (401, "UNAUTHENTICATED")
        assert response.headers["www-authenticate"] == "Bearer"


def test_nobody_is_let_in_before_what_they_send_is_looked_at(guarded: ApiServer) -> None:
    for content in (b"", b"{", b"x" * 100_000):
        response = guarded.http.post("/graphql", content=content, headers={"content-type": "application/json"})
        assert code(response) == (401, "UNAUTHENTICATED")


def test_roles_are_cumulative(guarded: ApiServer, tokens: Tokens) -> None:
    allowed = {
        "viewer": [200, 403, 403],
        "engine": [200, 200, 403],
        "admin": [200, 200, 200],
    }
    for role, statuses in allowed.items():
        headers = {**bearer(getattr(tokens, role)), "accept": "application/graphql-response+json"}
        responses = [post(guarded, body, headers) for body in (TYPENAME, CREATE, DELETE)]
        assert [response.status_code for response in responses] == statuses
        for response in responses:
            if response.status_code == 403:
                assert code(response) == (403, "FORBIDDEN")


def test_a_mutation_beside_a_read_needs_the_role_of_the_mutation(guarded: ApiServer, tokens: Tokens) -> None:
    document = """
        query Read { __typename }
        mutation Write { ...Fields }
        fragment Fields on Mutation { createWorkflow(input: { name: "Flow" }) { __typename } }
    """
    headers = {**bearer(tokens.viewer), "accept": "application/graphql-response+json"}
    read, write = (post(guarded, {"query": document, "operationName": name}, headers) for name in ("Read", "Write"))
    assert read.json() == {"data": {"__typename": "Query"}}
    assert code(write) == (403, "FORBIDDEN")
    assert post(guarded, {"query": "{ workflows { totalCount } }"}, headers).json() == {
        "data": {"workflows": {"totalCount": 0}}
    }


async def test_only_the_digest_of_a_token_is_kept(guarded: ApiServer, tokens: Tokens) -> None:
    connection = await asyncpg.connect(**connect_options(guarded.database_url))
    try:
        kept = str(await connection.fetch("SELECT t::text FROM api_tokens AS t"))
    finally:
        await connection.close()
    assert "viewer" in kept
    for token in (tokens.viewer, tokens.engine, tokens.admin):
        assert token not in kept
        assert token.removeprefix("exg_") not in kept


async def test_a_token_works_at_once_and_is_worth_nothing_within_seconds_of_its_revocation(
    guarded: ApiServer, database: Database
) -> None:
    for number in range(3):
        token = await make_token(database, f"short {number}")
        assert post(guarded, TYPENAME, bearer(token)).json() == {"data": {"__typename": "Query"}}
        await revoke_token(database, f"short {number}")
        async with asyncio.timeout(3):
            await refused(guarded, token)
        assert code(post(guarded, TYPENAME, bearer(token))) == (401, "UNAUTHENTICATED")


async def test_an_expired_token_is_worth_nothing(guarded: ApiServer, database: Database) -> None:
    token = await make_token(database, "brief", expires_at=datetime.now(UTC) + timedelta(seconds=1))
    assert post(guarded, TYPENAME, bearer(token)).status_code == 200
    async with asyncio.timeout(3):
        await refused(guarded, token)
    assert code(post(guarded, TYPENAME, bearer(token))) == (401, "UNAUTHENTICATED")


@pytest.mark.parametrize("ended_by", ["revocation", "expiry"])
async def test_an_event_stream_ends_with_its_token(guarded: ApiServer, database: Database, ended_by: str) -> None:
    expires_at = datetime.now(UTC) + timedelta(seconds=2) if ended_by == "expiry" else None
    token = await make_token(database, "stream", expires_at=expires_at)
    headers = {**bearer(token), "accept": "text/event-stream"}
    async with (
        asyncio.timeout(SECONDS),
        httpx.AsyncClient(timeout=SECONDS) as client,
        client.stream("POST", guarded.url, json=FOLLOW, headers=headers) as response,
    ):
        lines = response.aiter_lines()
        assert await anext(lines) == "event: next"
        if ended_by == "revocation":
            await revoke_token(database, "stream")
        rest = [line async for line in lines if line]
    last = [json.loads(line.removeprefix("data: ")) for line in rest if line.startswith("data: {")][-1]
    assert last["errors"] == [{"message": "The token has expired or was revoked", "extensions": UNAUTHENTICATED}]
    assert "event: complete" in rest


def websocket(server: ApiServer, **options: Any) -> Any:
    return connect(server.ws_url, subprotocols=["graphql-transport-ws"], **options)  # type: ignore[list-item]


async def closed(connection: Any) -> tuple[int, str]:
    with contextlib.suppress(ConnectionClosed):
        while True:
            await asyncio.wait_for(connection.recv(), SECONDS)
    return connection.close_code, connection.close_reason


@pytest.mark.parametrize("by", ["header", "parameters", "parameters with headers"])
async def test_a_websocket_is_authenticated_by_its_header_or_by_its_parameters(
    guarded: ApiServer, tokens: Tokens, by: str
) -> None:
    authorization = f"Bearer {tokens.viewer}"
    payload = {
        "header": {},
        "parameters": {"authorization": authorization},
        "parameters with headers": {"headers": {"Authorization": authorization}},
    }[by]
    options = {"additional_headers": bearer(tokens.viewer)} if by == "header" else {}
    async with websocket(guarded, **options) as connection:
        await connection.send(json.dumps({"type": "connection_init", "payload": payload}))
        assert json.loads(await connection.recv()) == {"type": "connection_ack"}
        for id_, body in (("1", TYPENAME), ("2", CREATE)):
            await connection.send(json.dumps({"type": "subscribe", "id": id_, "payload": body}))
        answers = [json.loads(await asyncio.wait_for(connection.recv(), SECONDS)) for _ in range(3)]
    by_id = {(answer["id"], answer["type"]): answer.get("payload") for answer in answers}
    assert by_id["1", "next"] == {"data": {"__typename": "Query"}}
    assert by_id["2", "error"][0]["extensions"] == {"code": "FORBIDDEN"}


@pytest.mark.parametrize("payload", [None, {}, {"authorization": "Bearer exg_x"}, {"authorization": 5}, {"headers": 1}])
async def test_a_websocket_of_nobody_is_closed(guarded: ApiServer, payload: Any) -> None:
    async with websocket(guarded) as connection:
        await connection.send(json.dumps({"type": "connection_init", "payload": payload}))
        assert (await closed(connection))[0] == 4403


async def test_while_tokens_cannot_be_checked_clients_are_told_to_come_back(guarded: ApiServer, tokens: Tokens) -> None:
    connection = await asyncpg.connect(**connect_options(guarded.database_url))
    unknown = bearer("exg_" + "A" * 43)
    assert post(guarded, TYPENAME, unknown).status_code == 401
    await connection.execute("ALTER TABLE api_tokens RENAME TO api_tokens_elsewhere")
    try:
        assert code(post(guarded, TYPENAME, bearer("exg_" + "B" * 43))) == (503, "UNAVAILABLE")
        async with websocket(guarded, additional_headers=unknown) as socket:
            await socket.send(json.dumps({"type": "connection_init"}))
            assert await closed(socket) == (1013, "Tokens cannot be checked just now; try again")
    finally:
        await connection.execute("ALTER TABLE api_tokens_elsewhere RENAME TO api_tokens")
        await connection.close()
    async with websocket(guarded, additional_headers=bearer(tokens.viewer)) as socket:
        await socket.send(json.dumps({"type": "connection_init"}))
        assert json.loads(await socket.recv()) == {"type": "connection_ack"}


async def test_who_has_not_said_who_they_are_starts_nothing(guarded: ApiServer) -> None:
    async with websocket(guarded) as connection:
        await connection.send(json.dumps({"type": "subscribe", "id": "1", "payload": TYPENAME}))
        assert (await closed(connection))[0] == 4401


@pytest.mark.parametrize("follows", [True, False])
async def test_a_websocket_closes_when_its_token_is_revoked(
    guarded: ApiServer, database: Database, follows: bool
) -> None:
    token = await make_token(database, "socket")
    async with websocket(guarded) as connection:
        init = {"type": "connection_init", "payload": {"authorization": f"Bearer {token}"}}
        await connection.send(json.dumps(init))
        assert json.loads(await connection.recv()) == {"type": "connection_ack"}
        if follows:
            await connection.send(json.dumps({"type": "subscribe", "id": "1", "payload": FOLLOW}))
            assert json.loads(await connection.recv())["type"] == "next"
        await revoke_token(database, "socket")
        assert await closed(connection) == (4403, "The token has expired or was revoked")


async def test_tokens_are_of_one_database_and_a_name_is_free_after_revocation(database: Database) -> None:
    await make_token(database, "ci", Role.ENGINE)
    with pytest.raises(ValueError, match="there is a token with the name 'ci'"):
        await make_token(database, "ci")
    await revoke_token(database, "ci")
    await make_token(database, "ci")


def test_without_authentication_whatever_is_sent_is_of_nobody(server: ApiServer) -> None:
    assert post(server, TYPENAME, bearer("exg_nonsense")).json() == {"data": {"__typename": "Query"}}


async def test_how_long_a_guess_takes_tells_nothing_of_how_near_it_is(guarded: ApiServer, database: Database) -> None:
    token = await make_token(database, "guessed")
    assert post(guarded, TYPENAME, bearer(token)).status_code == 200
    near, far = token[:-1] + ("A" if token[-1] != "A" else "B"), "exg_" + "A" * (len(token) - 4)

    def seconds(guess: str) -> float:
        began = time.perf_counter()
        assert post(guarded, TYPENAME, bearer(guess)).status_code == 401
        return time.perf_counter() - began

    for _ in range(5):  # other work tells in a median, too
        pairs = [(seconds(near), seconds(far)) for _ in range(15)]
        ratio = statistics.median(pair[0] for pair in pairs) / statistics.median(pair[1] for pair in pairs)
        if 0.9 < ratio < 1.1:
            return
    raise AssertionError(f"a guess that is nearly right takes {ratio:.2f} times as long")
