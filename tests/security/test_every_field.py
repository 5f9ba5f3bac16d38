"""Every field over every transport: who is nobody, who has too low a role and who belongs elsewhere gets nothing."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from db import Database
from db.enums import Role
from graphql_api.security.roles import required_role
from tests.api_server import ApiServer
from tests.api_tokens import bearer, make_token
from tests.graphql_api.reports import log, running, steps, workflow
from tests.security.conftest import Tokens
from tests.security.requests import FIELDS, NOTHING, PARENTS, ROOTS, Request

TRANSPORTS = ("POST", "GET", "server-sent events", "WebSocket")
NOWHERE = {"workflow": NOTHING, "run": NOTHING, "step": NOTHING}
MARKER = "of-another-team"
SECONDS = 10.0


async def answered(
    server: ApiServer, transport: str, document: str, variables: dict[str, Any], token: str | None
) -> dict[str, Any]:
    """The first answer, whole; `{}` if there is none."""
    if transport == "WebSocket":
        return await over_websocket(server, document, variables, token)
    return await asyncio.to_thread(over_http, server, transport, document, variables, token)


def over_http(
    server: ApiServer, transport: str, document: str, variables: dict[str, Any], token: str | None
) -> dict[str, Any]:
    headers = bearer(token) if token else {}
    if transport == "GET":
        params = {"query": document, "variables": json.dumps(variables)}
        return dict(server.http.get("/graphql", params=params, headers=headers).json())
    if transport == "POST":
        return dict(
            server.http.post("/graphql", json={"query": document, "variables": variables}, headers=headers).json()
        )
    headers = {**headers, "accept": "text/event-stream"}
    with server.http.stream(
        "POST", "/graphql", json={"query": document, "variables": variables}, headers=headers, timeout=SECONDS
    ) as response:
        if response.headers["content-type"].startswith("application/json"):
            response.read()
            return dict(response.json())
        for line in response.iter_lines():
            if line.startswith("data: {"):
                return dict(json.loads(line.removeprefix("data: ")))
    return {}


async def over_websocket(
    server: ApiServer, document: str, variables: dict[str, Any], token: str | None
) -> dict[str, Any]:
    payload = {"authorization": f"Bearer {token}"} if token else {}
    async with connect(server.ws_url, subprotocols=["graphql-transport-ws"]) as socket:  # type: ignore[list-item]
        try:
            await socket.send(json.dumps({"type": "connection_init", "payload": payload}))
            await socket.recv()
            subscribe = {"query": document, "variables": variables}
            await socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": subscribe}))
            async with asyncio.timeout(SECONDS):
                message = json.loads(await socket.recv())
        except ConnectionClosed as closed:
            code = {4403: "UNAUTHENTICATED"}.get(closed.rcvd.code if closed.rcvd else 0, str(closed))
            return {"errors": [{"extensions": {"code": code}}]}
    return {"errors": message["payload"]} if message["type"] == "error" else dict(message.get("payload", {}))


def codes(answer: dict[str, Any]) -> set[str]:
    """Those of the errors of an answer that has no data."""
    assert not any((answer.get("data") or {}).values()), answer
    return {error["extensions"]["code"] for error in answer["errors"]}


def takes(transport: str, root: str) -> bool:
    """Whether such an operation can be asked for at all that way."""
    streams = transport in ("server-sent events", "WebSocket")
    return root == "Query" or (root == "Subscription" and streams) or (root == "Mutation" and transport != "GET")


ROOT_FIELDS = [(root, name) for root, name in FIELDS if root in ROOTS]


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_nobody_gets_anything_of_any_field(guarded: ApiServer, transport: str) -> None:
    for root, name in ROOT_FIELDS:
        answer = await answered(guarded, transport, *Request(root, name, NOWHERE).plain(), None)
        assert codes(answer) == {"UNAUTHENTICATED"}, (root, name, answer)


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_role_that_is_too_low_gets_nothing_of_any_field(
    guarded: ApiServer, tokens: Tokens, transport: str
) -> None:
    held = {Role.VIEWER: tokens.viewer, Role.ENGINE: tokens.engine}
    tried = 0
    for root, name in ROOT_FIELDS:
        for role, token in held.items():
            if takes(transport, root) and role.rank < required_role(root, name).rank:
                answer = await answered(guarded, transport, *Request(root, name, NOWHERE).plain(), token)
                assert codes(answer) == {"FORBIDDEN"}, (root, name, role, answer)
                tried += 1
    assert tried > 15 or transport == "GET"


@dataclass
class Elsewhere:
    """Things of one team, and the token of another."""

    server: ApiServer
    ids: dict[str, str]
    token: str


@pytest.fixture
async def elsewhere(server: ApiServer, guarded: ApiServer, database: Database) -> Elsewhere:
    """Both servers are on one database: the one without authentication makes the things."""
    workflow_id, _ = workflow(server, MARKER, name=MARKER, namespace="theirs")
    run_id = running(server, workflow_id)
    (step_id,) = steps(server, run_id, MARKER)
    log(server, run_id, MARKER)
    token = await make_token(database, "ours", Role.ADMIN, namespaces=["ours"])
    return Elsewhere(guarded, {"workflow": workflow_id, "run": run_id, "step": step_id}, token)


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_what_belongs_to_others_is_answered_as_what_is_not_there(elsewhere: Elsewhere, transport: str) -> None:
    server, token = elsewhere.server, elsewhere.token
    for parent, name in FIELDS:
        root = parent if parent in ROOTS else "Query"
        silent = name == "workflowExecutionsChanged"  # until something happens
        makes = name in ("createWorkflow", "registerWorkflow")
        if parent not in (*ROOTS, *PARENTS) or not takes(transport, root) or silent or makes:
            continue
        told = []
        for ids in (elsewhere.ids, NOWHERE):
            answer = await answered(server, transport, *Request(parent, name, ids).plain(), token)
            text = json.dumps(answer)
            for id_ in ids.values():
                text = text.replace(id_, "an id")
            told.append(text)
        assert told[0] == told[1], (parent, name)
        assert MARKER not in told[0], (parent, name)
