"""A client can ask who it is and what is open to it."""

from db import Database
from db.enums import Role
from tests.api_server import ApiServer
from tests.api_tokens import bearer, make_token
from tests.security.conftest import Tokens

VIEWER = {"query": "{ viewer { name role namespaces } }"}


def test_who_has_a_token_learns_its_role(guarded: ApiServer, tokens: Tokens) -> None:
    for role in ("viewer", "engine", "admin"):
        response = guarded.http.post("/graphql", json=VIEWER, headers=bearer(getattr(tokens, role)))
        assert response.json() == {"data": {"viewer": {"name": role, "role": role.upper(), "namespaces": None}}}
    assert guarded.http.post("/graphql", json=VIEWER).status_code == 401


async def test_who_is_limited_to_namespaces_learns_which(guarded: ApiServer) -> None:
    async with Database(guarded.database_url) as database:
        token = await make_token(database, "night", Role.ENGINE, namespaces=["b", "a"])
    response = guarded.http.post("/graphql", json=VIEWER, headers=bearer(token))
    assert response.json() == {"data": {"viewer": {"name": "night", "role": "ENGINE", "namespaces": ["a", "b"]}}}


def test_without_authentication_everything_is_open(server: ApiServer) -> None:
    assert server.ask("{ viewer { name role namespaces } }") == {"name": None, "role": "ADMIN", "namespaces": None}
