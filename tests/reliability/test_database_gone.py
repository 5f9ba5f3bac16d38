"""The database is away for a while: that is said clearly, and when it is back everything goes on by itself."""

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api_server import ApiServer
from tests.graphql_api.reports import log, running, transition
from tests.reliability.persistent_engines import Engines
from tests.reliability.reports import a_workflow
from tests.reliability.rolling import Load
from tests.reliability.servers import OwnPostgres, own_postgres
from tests.reliability.torture import length

pytestmark = [pytest.mark.torture, pytest.mark.timeout(600)]

AWAY_SECONDS = length(4, 30)
BACK_SECONDS = 5.0
"""How long after the database's return everything has to be served again."""
PATIENCE = 5.0
"""How long an answer may take meanwhile."""
READ = {"query": "{ workflowExecutions(first: 1) { totalCount } }"}
WRITE = {"query": 'mutation { createWorkflow(input: { name: "Flow" }) { __typename } }'}


def code_of(response: httpx.Response) -> Any:
    """The code of the error that is answered; None for a success."""
    errors = response.json().get("errors")
    return errors[0]["extensions"]["code"] if errors else None


@contextmanager
def hanging(postgres: OwnPostgres) -> Iterator[None]:
    """Stop its processes meanwhile, without ending them."""
    listed = Path(f"/proc/{postgres._server.pid}/task/{postgres._server.pid}/children").read_text().split()
    processes = [postgres._server.pid, *map(int, listed)]
    for pid in processes:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in processes:
            os.kill(pid, signal.SIGCONT)


def test_errors_are_clear_meanwhile_and_nothing_acknowledged_is_lost() -> None:
    with own_postgres() as postgres, ApiServer(postgres.url) as api:
        address = api.url.removesuffix("/graphql")
        engines, workflow_id = Engines(), a_workflow(api)
        run_id = running(api)
        log(api, run_id, "before")
        with engines.at_work(address, workflow_id), Load([address], run_id, writers=0) as load:
            engines.wait_for(20)
            postgres.stop()
            until = time.monotonic() + AWAY_SECONDS
            slowest, asked = 0.0, 0
            while time.monotonic() < until:
                for body in (READ, WRITE):
                    began = time.monotonic()
                    assert code_of(api.http.post("/graphql", json=body)) == "UNAVAILABLE"
                    slowest, asked = max(slowest, time.monotonic() - began), asked + 1
                ready = api.http.get("/readyz")
                assert (ready.status_code, ready.json()["ready"]) == (503, False)
                assert ready.json()["problem"].startswith("the database does not answer")
                assert api.http.get("/healthz").status_code == 200
                time.sleep(0.1)
            postgres.start()
            back = time.monotonic()
            while api.http.get("/readyz").status_code != 200 or code_of(api.http.post("/graphql", json=WRITE)):
                assert time.monotonic() < back + BACK_SECONDS
                time.sleep(0.02)
            took = time.monotonic() - back
            log(api, run_id, "after")
            engines.wait_for(20)
            load.acknowledged += ["before", "after"]
        said = f"{asked} refusals, the slowest after {slowest:.2f} s; back after {took:.2f} s"
        print(f"\naway for {AWAY_SECONDS} s: {said}, {load.reconnections} reconnections")
        assert slowest < PATIENCE
        assert engines.repeated > 0
        load.check()
        transition(api, "deleteWorkflowExecution", run_id)  # it is none of the engines'
        asyncio.run(engines.check(postgres.url))


def test_a_database_that_hangs_is_noticed_too() -> None:
    """Its processes are stopped, as on a machine that swaps itself to death: connections stay, and answer nothing."""
    with own_postgres() as postgres, ApiServer(postgres.url, request_timeout_seconds=2.0) as api:
        run_id = running(api)
        with hanging(postgres):
            ready = api.http.get("/readyz")
            assert (ready.status_code, ready.json()["problem"]) == (503, "the database does not answer (TimeoutError)")
            answered = api.http.post("/graphql", json=READ)
            assert (answered.status_code, code_of(answered)) == (503, "UNAVAILABLE")
            assert api.http.get("/healthz").status_code == 200
        deadline = time.monotonic() + BACK_SECONDS
        while api.http.get("/readyz").status_code != 200:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        log(api, run_id, "after")
