"""`execgraph token`: what it makes lets in, what it shows is nothing that lets in, and what it revokes is over."""

import asyncio
import re

import pytest

from tests.api_server import ApiServer
from tests.api_tokens import bearer
from tests.commands.running import execgraph, printed, refusal
from tests.reliability.store import everything, fetch

VIEWER = {"query": "{ viewer { name role namespaces } }"}


def test_a_token_is_shown_once_and_kept_as_a_digest(database_url: str) -> None:
    made = execgraph(
        *("token", "create", "--role", "engine", "--name", "loader", "--expires", "90d"),
        *("--namespace", "a", "--namespace", "b"),
        DATABASE_URL=database_url,
    )
    assert made.exit_code == 0
    token = made.stdout.strip()
    assert re.fullmatch(r"exg_[A-Za-z0-9_-]{43}", token)
    assert made.stderr == "It is not shown again; only its digest is kept.\n"
    with ApiServer(database_url, authentication="required") as server:
        answer = server.http.post("/graphql", json=VIEWER, headers=bearer(token)).json()
        assert answer == {"data": {"viewer": {"name": "loader", "role": "ENGINE", "namespaces": ["a", "b"]}}}
    header, row = printed("token", "list", DATABASE_URL=database_url).splitlines()
    assert header.split() == ["NAME", "ROLE", "NAMESPACES", "CREATED", "EXPIRES", "STATE"]
    assert re.fullmatch(r"loader +engine +a,b +\S+ \S+Z +\S+ \S+Z +valid", row)
    ((stored,),) = asyncio.run(fetch(database_url, "SELECT api_tokens::text FROM api_tokens"))
    assert token not in stored
    assert token[4:] not in stored


def test_a_revoked_token_lets_nobody_in_and_its_name_is_free(database_url: str) -> None:
    create = ("token", "create", "--role", "viewer", "--name", "board")
    first = printed(*create, DATABASE_URL=database_url).strip()
    assert printed("token", "revoke", "board", DATABASE_URL=database_url) == "Revoked board.\n"
    second = printed(*create, DATABASE_URL=database_url).strip()
    with ApiServer(database_url, authentication="required") as server:
        statuses = [
            server.http.post("/graphql", json=VIEWER, headers=bearer(token)).status_code for token in (first, second)
        ]
    assert statuses == [401, 200]
    listed = printed("token", "list", DATABASE_URL=database_url).splitlines()
    assert sorted(row.split()[-1] for row in listed[1:]) == ["revoked", "valid"]
    assert refusal("token", "revoke", "nobody", DATABASE_URL=database_url) == (
        "There is no token with the name 'nobody'"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--role", "god", "--name", "x"], "Invalid value for '--role'"),
        (["--role", "admin"], "Missing option '--name'"),
        (["--role", "admin", "--name", ""], "name: must not be empty"),
        (["--role", "admin", "--name", "x", "--expires", "0d"], "Invalid value for --expires: '0d' must be a number"),
        (["--role", "admin", "--name", "x", "--expires", "soon"], "Invalid value for --expires: 'soon'"),
        (["--role", "admin", "--name", "x", "--expires", "9999999d"], "Invalid value for --expires: '9999999d'"),
        (["--role", "admin", "--name", "taken"], "name: "),
    ],
)
def test_what_cannot_be_is_refused_in_one_line_and_makes_nothing(
    database_url: str, arguments: list[str], message: str
) -> None:
    printed("token", "create", "--role", "viewer", "--name", "taken", DATABASE_URL=database_url)
    before = asyncio.run(everything(database_url))
    assert refusal("token", "create", *arguments, DATABASE_URL=database_url).startswith(message)
    assert asyncio.run(everything(database_url)) == before
