"""The log: a line for each entry, and the id of the request in it and in the answer."""

import io
import json
import logging
import re
import sys
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from graphql_api.observability.logs import JsonFormatter, TextFormatter
from graphql_api.observability.request_id import REQUEST_ID
from tests.api_server import ApiServer
from tests.conftest import connect_options


class Lines:
    """What is logged, formatted as it would be on stderr."""

    def __init__(self, formatter: logging.Formatter) -> None:
        self._stream = io.StringIO()
        self.handler = logging.StreamHandler(self._stream)
        self.handler.setFormatter(formatter)

    def json(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._stream.getvalue().splitlines()]


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Iterator[Lines]:
    caplog.set_level(logging.INFO)
    made = Lines(JsonFormatter())
    logging.getLogger().addHandler(made.handler)
    yield made
    logging.getLogger().removeHandler(made.handler)


def record(**extra: Any) -> logging.LogRecord:
    made = logging.LogRecord("execgraph.x", logging.WARNING, __file__, 1, "%s is %s", ("a", "b"), None)
    made.__dict__.update(extra)
    return made


def formatted(formatter: logging.Formatter, given: logging.LogRecord, request_id: str = "") -> str:
    token = REQUEST_ID.set(request_id)
    try:
        return formatter.format(given)
    finally:
        REQUEST_ID.reset(token)


def test_a_json_line_has_the_time_the_level_the_message_the_request_and_the_fields() -> None:
    written = json.loads(formatted(JsonFormatter(), record(run=7, at=UUID(int=1)), "r-1"))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00", written.pop("time"))
    assert written == {
        "level": "warning",
        "logger": "execgraph.x",
        "message": "a is b",
        "request_id": "r-1",
        "run": 7,
        "at": "00000000-0000-0000-0000-000000000001",
    }


@pytest.mark.parametrize("value", ["\ud800", {("a", 1): 2}, 2**80, float("nan"), {1: {2}}])
def test_whatever_is_logged_a_line_is_one_json_object(value: Any) -> None:
    line = formatted(JsonFormatter(), record(value=value))
    assert "\n" not in line
    assert json.loads(line)["message"] == "a is b"


def test_a_traceback_is_in_its_line() -> None:
    try:
        raise ValueError("broken\nin two")
    except ValueError:
        given = record(exc_info=sys.exc_info())
    (line,) = formatted(JsonFormatter(), given).splitlines()
    assert json.loads(line)["exception"].endswith("ValueError: broken\nin two")
    assert formatted(TextFormatter(), given).splitlines()[1] == "Traceback (most recent call last):"


def test_a_line_of_text_has_the_same() -> None:
    assert formatted(TextFormatter(), record(run=7), "r-1") == "WARNING execgraph.x: a is b run=7 request_id=r-1"


def test_an_answer_carries_the_clients_id_where_it_is_a_plain_one(api: ApiServer) -> None:
    def answered(given: str | None) -> str:
        headers = {} if given is None else {"x-request-id": given}
        response = api.http.post("/graphql", json={"query": "{ __typename }"}, headers=headers)
        return str(response.headers["x-request-id"])

    assert answered("engine-7:42") == "engine-7:42"
    made = [answered(given) for given in (None, None, "a b", "x" * 129, "", 'a"b')]
    assert len(set(made)) == len(made)
    assert all(re.fullmatch(r"[0-9a-f]{12}-[0-9a-f]+", id_) for id_ in made), made


async def test_an_internal_error_is_logged_with_the_id_of_its_request(server: ApiServer, lines: Lines) -> None:
    connection = await asyncpg.connect(**connect_options(server.database_url))
    await connection.execute("ALTER TABLE workflows RENAME TO hidden")
    await connection.close()
    query = {"query": "{ workflows { totalCount } }"}
    answer = server.http.post("/graphql", json=query, headers={"x-request-id": "mine"}).json()
    (line,) = (line for line in lines.json() if line["logger"] == "execgraph.errors")
    assert line["request_id"] == "mine"
    assert answer["errors"][0]["extensions"]["errorId"] in line["message"]
    assert 'relation "workflows" does not exist' in line["exception"]


def test_slow_requests_are_logged_and_all_where_that_is_asked_for(database_url: str, lines: Lines) -> None:
    def logged() -> list[tuple[str, int]]:
        return [(line["message"], line["status"]) for line in lines.json() if line["logger"] == "execgraph.requests"]

    with ApiServer(database_url) as api:
        api.post("{ __typename }")
    assert logged() == []
    with ApiServer(database_url, slow_request_seconds=0.000001) as api:
        api.post("{ __typename }")
    assert logged() == [("POST /graphql", 200)]
    with ApiServer(database_url, log_requests=True) as api:
        api.http.get("/nowhere")
    assert logged()[1:] == [("GET /nowhere", 404)]
    last = [line for line in lines.json() if line["logger"] == "execgraph.requests"][-1]
    assert last["client"] == "127.0.0.1"
    assert 0 <= last["milliseconds"] < 5_000
