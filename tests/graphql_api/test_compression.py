"""Large answers are compressed for who accepts it."""

import gzip
import json

import httpx
import pytest

from graphql_api.http.compression import MIN_BYTES, accepts_gzip
from tests.api_server import ApiServer
from tests.graphql_api.reports import log, running

LOGS = "query ($id: UUID!, $last: Int!) { workflowExecution(id: $id) { logs(last: $last) { nodes { message } } } }"


def asked(api: ApiServer, run_id: str, last: int, **headers: str) -> tuple[httpx.Response, bytes]:
    """The answer, and its body as it came over the connection."""
    body = {"query": LOGS, "variables": {"id": run_id, "last": last}}
    with api.http.stream("POST", "/graphql", json=body, headers=headers) as response:
        return response, b"".join(response.iter_raw())


@pytest.fixture(scope="module")
def run_id(api: ApiServer) -> str:
    """A run with a long log."""
    run_id = running(api)
    log(api, run_id, *(f"entry {place} of many, and each with a text of some length" for place in range(1_000)))
    return run_id


def test_a_large_answer_is_compressed_for_who_accepts_it(api: ApiServer, run_id: str) -> None:
    plain, whole = asked(api, run_id, 1_000, **{"accept-encoding": "identity"})
    packed, short = asked(api, run_id, 1_000, **{"accept-encoding": "br, gzip"})

    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert plain.headers["vary"] == packed.headers["vary"] == "accept-encoding"
    assert int(packed.headers["content-length"]) == len(short) < len(whole) / 5
    assert gzip.decompress(short) == whole
    assert len(json.loads(whole)["data"]["workflowExecution"]["logs"]["nodes"]) == 1_000


def test_a_small_answer_is_sent_as_it_is(api: ApiServer, run_id: str) -> None:
    small, body = asked(api, run_id, 10, **{"accept-encoding": "gzip"})
    assert len(body) < MIN_BYTES
    assert not {"content-encoding", "vary"} & set(small.headers)
    assert json.loads(body)


@pytest.mark.parametrize(
    ("header", "accepts"),
    [
        ("", False),
        ("gzip", True),
        ("GZip ; q=0.5", True),
        ("deflate, gzip;q=1.0, *;q=0.5", True),
        ("*", True),
        ("gzip;q=0", False),
        ("gzip; q = 0.000", False),
        ("identity, br", False),
        ("gzipped", False),
        (";;,,", False),
    ],
)
def test_what_accepts_gzip(header: str, accepts: bool) -> None:
    assert accepts_gzip(header) is accepts
