"""Clients that stop reading: no memory grows, nobody waits for them, and they are let go of after a while."""

import re
import socket
import time
from collections.abc import Iterator

import pytest

from tests.api_server import ApiServer
from tests.graphql_api.raw_clients import LIMIT, RawClient, until
from tests.graphql_api.reports import log, running

TRANSPORTS = ["websocket", "event stream"]
MESSAGE = "x" * 6_000
ENTRIES = 1_000
"""Of one call; as many as one event holds, and far more than any buffer between server and client."""
TIMEOUT = 1.5


@pytest.fixture(scope="module")
def hurried(module_database_url: str) -> Iterator[ApiServer]:
    """A server that soon loses its patience."""
    with ApiServer(module_database_url, client_timeout_seconds=TIMEOUT, ping_seconds=0.5) as server:
        yield server


@pytest.fixture(scope="module")
def patient(module_database_url: str) -> Iterator[ApiServer]:
    """One that does not."""
    with ApiServer(module_database_url, client_timeout_seconds=120) as server:
        yield server


def long_log(api: ApiServer, calls: int = 1) -> str:
    """A run with a long log, which ends with a short entry."""
    run_id = running(api)
    for _ in range(calls):
        log(api, run_id, *([MESSAGE] * ENTRIES))
    log(api, run_id, "the end")
    return run_id


def sequences(received: bytes) -> list[int]:
    return [int(number) for number in re.findall(rb'"sequence":(\d+)', received)]


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_client_that_never_reads_is_disconnected(hurried: ApiServer, transport: str) -> None:
    run_id = long_log(hurried)
    began = time.monotonic()
    with RawClient(hurried, transport, run_id) as client:
        until(lambda: hurried.followers(run_id) == 1)
        until(lambda: hurried.followers(run_id) == 0)
        assert time.monotonic() - began >= TIMEOUT
        assert client.is_closed()


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_client_that_reads_slowly_is_not_disconnected_and_gets_everything(hurried: ApiServer, transport: str) -> None:
    run_id = long_log(hurried)
    began = time.monotonic()
    with RawClient(hurried, transport, run_id, buffer=65_536) as client:
        received = client.read_until(b'"the end"', chunk=262_144, pause=0.06)
    assert time.monotonic() - began > TIMEOUT
    assert sequences(received) == list(range(1, ENTRIES + 2))


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_client_that_reads_on_after_a_while_gets_everything_and_cost_one_event_meanwhile(
    patient: ApiServer, transport: str
) -> None:
    run_id = long_log(patient, calls=3)
    before = patient.context.feeds.delivery.catch_ups
    with RawClient(patient, transport, run_id) as client:
        until(lambda: patient.followers(run_id) == 1)
        for number in range(5):
            log(patient, run_id, f"more {number}")
        until(lambda: patient.context.feeds.delivery.catch_ups > before)
        time.sleep(0.5)  # it must not go on reading for the client meanwhile
        # One event is on its way, and at most one more is ready to follow it.
        assert patient.context.feeds.delivery.catch_ups - before <= 2
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1_048_576)
        received = client.read_until(b'"more 4"')
    assert sequences(received) == list(range(1, 3 * ENTRIES + 7))


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_nobody_waits_for_a_client_that_does_not_read(patient: ApiServer, transport: str) -> None:
    run_id = long_log(patient)
    with RawClient(patient, transport, run_id):
        until(lambda: patient.followers(run_id) == 1)
        with RawClient(patient, transport, run_id, buffer=1_048_576) as other:
            other.read_until(b'"the end"')
            log(patient, run_id, "and more")
            other.read_until(b'"and more"')
    until(lambda: patient.followers(run_id) == 0, within=LIMIT)
