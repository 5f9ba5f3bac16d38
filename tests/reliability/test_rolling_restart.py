"""Server processes are replaced under load: nobody's request fails, and subscribers continue exactly."""

import os
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.api_server import ApiServer
from tests.graphql_api.reports import running
from tests.reliability.rolling import Load, Process
from tests.reliability.torture import length

pytestmark = [pytest.mark.torture, pytest.mark.timeout(600)]

ROUNDS = length(1, 5)
ENTRIES = 40
"""Between two events."""


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def a_run(database_url: str) -> str:
    with ApiServer(database_url) as server:
        return running(server)


def eventually(look: Callable[[], bool], within: float = 120) -> None:
    """Look again and again until it is so."""
    deadline = time.monotonic() + within
    while not look():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.05)


def connections_of_all(server: Process) -> float:
    """How many connections for reading all workers may have, each 20."""
    page = httpx.get(f"{server.address}/metrics").text
    return next(
        float(line.split()[-1])
        for line in page.splitlines()
        if line.startswith('execgraph_pool_connections_limit{pool="read"}')
    )


def test_two_processes_are_restarted_in_turn_and_clients_that_go_to_the_other_one_notice_nothing(
    database_url: str,
) -> None:
    run_id = a_run(database_url)
    one, other = free_ports(2)
    with (
        Process(database_url, one) as first,
        Process(database_url, other) as second,
        Load([first.address, second.address], run_id) as load,
    ):
        for _ in range(ROUNDS):
            for process in (first, second):
                load.wait_for(ENTRIES)
                process.stop()
                load.wait_for(ENTRIES)
                process.start()
        load.wait_for(ENTRIES)
    print(f"\n{len(load.acknowledged)} entries, {load.refusals} refusals, {load.reconnections} reconnections")
    load.check()
    assert load.refusals > 0
    assert load.reconnections > 0


def test_workers_are_restarted_one_by_one_and_nobody_is_even_refused(database_url: str) -> None:
    run_id = a_run(database_url)
    (port,) = free_ports(1)
    with Process(database_url, port, "--workers", "2") as server, Load([server.address], run_id) as load:
        for _ in range(ROUNDS):
            load.wait_for(ENTRIES)
            before = server.workers()
            assert len(before) == 2
            server.signal(signal.SIGHUP)
            eventually(lambda old=before: not server.workers() & old and len(server.workers()) == 2)  # type: ignore[misc]
        load.wait_for(ENTRIES)

        page = httpx.get(f"{server.address}/metrics").text
        counted = [line for line in page.splitlines() if line.startswith("execgraph_log_entries_appended_total")]
        assert float(counted[0].split()[-1]) >= len(load.acknowledged) - 3  # of all workers, those that are gone too
        assert connections_of_all(server) == 40  # of the two that live
    print(f"\n{len(load.acknowledged)} entries, {load.refusals} refusals, {load.reconnections} reconnections")
    load.check()
    assert load.refusals == 0


def test_a_worker_that_dies_is_replaced_and_none_outlives_the_supervisor(database_url: str) -> None:
    (port,) = free_ports(1)
    with Process(database_url, port, "--workers", "2") as server:
        eventually(lambda: connections_of_all(server) == 40)  # both serve
        before = server.workers()
        os.kill(min(before), signal.SIGKILL)
        eventually(lambda: len(server.workers()) == 2 and server.workers() != before)
        workers = server.workers()
        assert max(before) in workers
        assert httpx.get(f"{server.address}/healthz").status_code == 200
        server.signal(signal.SIGKILL)
        eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))
