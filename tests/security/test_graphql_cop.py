"""The thirteen checks of GraphQL Cop, on a server as it would be exposed: none of them finds anything."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from db import Database
from db.enums import Role
from tests.api_server import ApiServer
from tests.api_tokens import bearer, make_token
from tests.security.test_documents import ATTACKS

Post = Callable[..., httpx.Response]
TYPENAME = "query cop { __typename }"


@pytest.fixture
def exposed(database_url: str) -> Iterator[ApiServer]:
    """A server that asks who is there, and shows its schema to nobody."""
    with ApiServer(database_url, authentication="required", introspection=False) as server:
        yield server


@pytest.fixture
async def ask(exposed: ApiServer, database: Database) -> Post:
    """Sends a request as a viewer."""
    token = await make_token(database, "cop", Role.VIEWER)

    def send(method: str = "POST", **request: Any) -> httpx.Response:
        headers = {**bearer(token), **request.pop("headers", {})}
        return exposed.http.request(method, "/graphql", headers=headers, **request)

    return send


def query(text: str) -> dict[str, Any]:
    return {"json": {"query": text}}


def has_no_data(response: httpx.Response) -> bool:
    return not response.json().get("data")


SUGGESTED = "Did you mean"
CHECKS: dict[str, tuple[dict[str, Any], Callable[[httpx.Response], bool]]] = {
    "alias overloading": (
        query("query cop { " + " ".join(f"alias{number}: __typename" for number in range(101)) + " }"),
        has_no_data,
    ),
    "array batching": (
        {"json": [{"query": TYPENAME}] * 10},
        lambda r: r.status_code == 400 and len(r.json()["errors"]) == 1,
    ),
    "directive overloading": (
        query("query cop { __typename @aa@aa@aa@aa@aa@aa@aa@aa@aa@aa }"),
        lambda r: len(r.json()["errors"]) < 10,
    ),
    "circular introspection": (query(ATTACKS["introspection in circles"][0]), has_no_data),  # type: ignore[arg-type]
    "field duplication": (query("query cop { " + "__typename \n" * 500 + "}"), has_no_data),
    "introspection": (query("query cop { __schema { types { name fields { name } } } }"), has_no_data),
    "field suggestions": (query("query cop { __schema { directive } workflo }"), lambda r: SUGGESTED not in r.text),
    "an IDE": (
        {"method": "GET", "headers": {"accept": "text/html"}},
        lambda r: r.status_code == 406 and "<html" not in r.text.lower(),
    ),
    "queries by GET from other sites": (
        {
            "method": "GET",
            "params": {"query": TYPENAME},
            "headers": {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"},
        },
        lambda r: r.status_code == 403 and has_no_data(r),
    ),
    "mutations by GET": (
        {"method": "GET", "params": {"query": "mutation cop { __typename }"}},
        lambda r: r.status_code == 405 and has_no_data(r),
    ),
    "forms": ({"data": {"query": TYPENAME}}, lambda r: r.status_code == 415 and has_no_data(r)),
    "tracing": (query(TYPENAME), lambda r: r.json() == {"data": {"__typename": "Query"}}),
    "errors that are not handled": (
        query("qwerty cop { abc }"),
        lambda r: "exception" not in r.text.lower() and "traceback" not in r.text.lower() and has_no_data(r),
    ),
}


def test_there_are_thirteen() -> None:
    assert len(CHECKS) == 13


@pytest.mark.parametrize("check", CHECKS)
def test_what_graphql_cop_looks_for_is_not_found(ask: Post, check: str) -> None:
    request, is_safe = CHECKS[check]
    response = ask(**request)
    assert is_safe(response), (response.status_code, response.text)


def test_a_query_by_get_takes_a_token_that_no_page_of_another_site_has(exposed: ApiServer) -> None:
    assert exposed.http.get("/graphql", params={"query": TYPENAME}).status_code == 401
