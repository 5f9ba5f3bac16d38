"""What is wrong with a request's body is refused before GraphQL sees it, and the server lives."""

import json
import socket
from collections.abc import Iterator

import httpx
import pytest

from tests.api_server import ApiServer

TYPENAME = b'{"query": "{ __typename }"}'
JSON = "application/json"


@pytest.fixture(autouse=True)
def the_server_lives(api: ApiServer) -> Iterator[None]:
    yield
    assert api.ask("{ __typename }") == "Query"


def sent(api: ApiServer, content: bytes, content_type: str | None = JSON) -> httpx.Response:
    return api.http.post("/graphql", content=content, headers={"content-type": content_type} if content_type else {})


def refusal(response: httpx.Response) -> tuple[int, str]:
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    (error,) = response.json()["errors"]
    assert set(response.json()) == {"errors"}
    assert error["extensions"]["code"] in ("GRAPHQL_VALIDATION_FAILED", "BAD_USER_INPUT")
    return response.status_code, error["message"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "The body is not valid JSON: Expecting value: line 1 column 1 (char 0)"),
        (
            b"{",
            "The body is not valid JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
        ),
        (
            b"{ __typename }",
            "The body is not valid JSON: Expecting property name enclosed in double quotes: line 1 column 3 (char 2)",
        ),
        (TYPENAME + b"x", "The body is not valid JSON: Extra data: line 1 column 28 (char 27)"),
        (b"[" * 100_000, "The body is not valid JSON: nested too deep: line 1 column 1 (char 0)"),
        (b'{"a":' * 100_000, "The body is not valid JSON: nested too deep: line 1 column 1 (char 0)"),
        (
            b'{"query": "{ __typename }", "variables": {"a": NaN}}',
            "The body is not valid JSON: NaN is no JSON: line 1 column 1 (char 0)",
        ),
        (
            b'{"query": "{ __typename }", "variables": {"a": -Infinity}}',
            "The body is not valid JSON: -Infinity is no JSON: line 1 column 1 (char 0)",
        ),
        (b'{"query": "\xff"}', "The body is not valid JSON: not UTF-8: line 1 column 1 (char 0)"),
        (b'{"query": "\xed\xa0\x80"}', "The body is not valid JSON: not UTF-8: line 1 column 1 (char 0)"),
        (TYPENAME.decode().encode("utf-16"), "The body is not valid JSON: not UTF-8: line 1 column 1 (char 0)"),
        (b"[" + TYPENAME + b"]", "Batches of operations are not supported; send one operation a request"),
        (b'"{ __typename }"', "The body must be a JSON object"),
        (b"null", "The body must be a JSON object"),
        (b"{}", "`query` must be a non-empty string"),
        (b'{"query": null}', "`query` must be a non-empty string"),
        (b'{"query": ""}', "`query` must be a non-empty string"),
        (b'{"query": ["{ __typename }"]}', "`query` must be a non-empty string"),
        (b'{"query": "{ __typename }", "variables": []}', "`variables` must be an object or null"),
        (b'{"query": "{ __typename }", "variables": "{}"}', "`variables` must be an object or null"),
        (b'{"query": "{ __typename }", "extensions": 1}', "`extensions` must be an object or null"),
        (b'{"query": "{ __typename }", "operationName": 1}', "`operationName` must be a string or null"),
    ],
)
def test_what_is_no_request_is_refused_with_400(api: ApiServer, body: bytes, message: str) -> None:
    assert refusal(sent(api, body)) == (400, message)


def test_null_parameters_are_absent_ones(api: ApiServer) -> None:
    body = {"query": "{ __typename }", "variables": None, "operationName": None, "extensions": None, "id": 1}
    assert sent(api, json.dumps(body).encode()).json() == {"data": {"__typename": "Query"}}


def test_a_byte_order_mark_is_skipped(api: ApiServer) -> None:
    assert sent(api, b"\xef\xbb\xbf" + TYPENAME).json() == {"data": {"__typename": "Query"}}


@pytest.mark.parametrize(
    "content_type", [None, "text/plain", "application/graphql", "multipart/form-data; boundary=x", "application/jsonp"]
)
def test_another_content_type_is_refused_with_415(api: ApiServer, content_type: str | None) -> None:
    assert refusal(sent(api, TYPENAME, content_type)) == (415, "The content type must be application/json")


def test_the_charset_is_utf_8(api: ApiServer) -> None:
    for charset in ("utf-8", "UTF-8", '"utf-8"', "utf8"):
        assert sent(api, TYPENAME, f"application/json; charset={charset}").status_code == 200
    assert refusal(sent(api, TYPENAME, "application/json; charset=latin-1")) == (415, "The charset must be utf-8")


def test_a_body_of_20_mb_is_refused_with_413(api: ApiServer) -> None:
    large = sent(api, b'{"query": "{ __typename }", "x": "' + b"x" * 20_000_000 + b'"}')
    assert refusal(large) == (413, "The body is larger than 16777216 bytes")
    assert large.headers["connection"] == "close"


def test_a_body_whose_length_nobody_said_is_read_no_further_than_it_has_to_be(api: ApiServer) -> None:
    read = 0

    def endless() -> Iterator[bytes]:
        nonlocal read
        while read < 1_000:
            read += 1
            yield b"x" * 1_000_000

    with httpx.Client(timeout=30) as client:
        try:
            response = client.post(api.url, content=endless(), headers={"content-type": JSON})
            assert response.status_code == 413
        except httpx.WriteError:
            pass  # the server closed while we wrote
    assert read < 200


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"])
def test_another_method_is_refused_with_405(api: ApiServer, method: str) -> None:
    response = api.http.request(method, "/graphql", content=TYPENAME, headers={"content-type": JSON})
    assert (response.status_code, response.headers["allow"]) == (405, "GET, POST")


def test_a_body_that_breaks_off_changes_nothing(api: ApiServer) -> None:
    with socket.create_connection(("127.0.0.1", api.port)) as half:
        half.sendall(
            b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 999\r\n\r\n{"
        )
