"""Pages of other sites: what a browser would send for them is refused, unless their origin is allowed."""

from collections.abc import Iterator
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.api_server import ApiServer

ALLOWED = "https://dashboard.example.org"
CREATE = 'mutation { createWorkflow(input: { name: "Flow" }) { __typename } }'


@pytest.fixture(scope="module")
def site(module_database_url: str) -> Iterator[ApiServer]:
    """A server that allows one other site."""
    with ApiServer(module_database_url, allowed_origins=(ALLOWED,), allowed_hosts=("runs.example.org",)) as server:
        yield server


def ask(site: ApiServer, headers: dict[str, str], method: str = "POST") -> Any:
    if method == "GET":
        return site.http.get("/graphql", params={"query": "{ __typename }"}, headers=headers)
    return site.http.post("/graphql", json={"query": "{ __typename }"}, headers=headers)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example.org"},
        {"origin": "null"},
        {"origin": "https://dashboard.example.org.evil.example.org"},
        {"origin": "http://dashboard.example.org"},
        {"origin": "http://127.0.0.1:1"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"},
        {"sec-fetch-site": "same-site", "sec-fetch-mode": "cors"},
        {"host": "evil.example.org"},
        {"host": "127.0.0.1.evil.example.org"},
        {"host": ""},
    ],
)
def test_other_sites_are_refused(site: ApiServer, headers: dict[str, str], method: str) -> None:
    response = ask(site, headers, method)
    assert response.status_code == 403
    assert response.json()["errors"][0]["extensions"] == {"code": "FORBIDDEN"}
    assert "access-control-allow-origin" not in response.headers


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_allowed_site_and_the_own_pages_are_served(site: ApiServer, method: str) -> None:
    allowed = ask(site, {"origin": ALLOWED, "sec-fetch-site": "cross-site"}, method)
    assert allowed.json() == {"data": {"__typename": "Query"}}
    assert allowed.headers["access-control-allow-origin"] == ALLOWED
    assert "origin" in allowed.headers["vary"].lower()
    assert "access-control-allow-credentials" not in allowed.headers
    own = ask(site, {"origin": f"http://127.0.0.1:{site.port}", "sec-fetch-site": "same-origin"}, method)
    assert own.json() == {"data": {"__typename": "Query"}}
    for host in (f"localhost:{site.port}", "runs.example.org", "[::1]:80", "x.localhost"):
        assert ask(site, {"host": host}, method).json() == {"data": {"__typename": "Query"}}


def test_a_preflight_is_answered_for_the_allowed_site_alone(site: ApiServer) -> None:
    wish = {"access-control-request-method": "POST", "access-control-request-headers": "content-type"}
    allowed = site.http.options("/graphql", headers={"origin": ALLOWED, **wish})
    assert (allowed.status_code, allowed.headers["access-control-allow-origin"]) == (204, ALLOWED)
    refused = site.http.options("/graphql", headers={"origin": "https://evil.example.org", **wish})
    assert refused.status_code == 403
    assert "access-control-allow-origin" not in refused.headers


def test_what_a_form_of_another_site_can_send_changes_nothing(site: ApiServer) -> None:
    count = site.ask("{ workflows { totalCount } }")
    sent = [
        site.http.get("/graphql", params={"query": CREATE}),
        site.http.post("/graphql", content=f'{{"query": {CREATE!r}}}', headers={"content-type": "text/plain"}),
        site.http.post("/graphql", data={"query": CREATE}),
        site.http.post("/graphql", files={"query": CREATE.encode()}),
        site.http.post("/graphql", params={"query": CREATE}),
    ]
    assert [response.status_code for response in sent] == [405, 415, 415, 415, 415]
    assert site.ask("{ workflows { totalCount } }") == count


@pytest.mark.parametrize("origin", ["https://evil.example.org", "null", "http://127.0.0.1:1"])
async def test_a_websocket_of_another_site_is_refused(site: ApiServer, origin: Any) -> None:
    with pytest.raises((InvalidStatus, ConnectionClosed)):
        async with connect(site.ws_url, origin=origin, subprotocols=["graphql-transport-ws"]) as socket:  # type: ignore[list-item]
            await socket.recv()


@pytest.mark.parametrize("own", [True, False])
async def test_a_websocket_of_an_allowed_site_is_served(site: ApiServer, own: bool) -> None:
    origin: Any = f"http://127.0.0.1:{site.port}" if own else ALLOWED
    async with connect(site.ws_url, origin=origin, subprotocols=["graphql-transport-ws"]) as socket:  # type: ignore[list-item]
        await socket.send('{"type": "connection_init"}')
        assert '"connection_ack"' in str(await socket.recv())
