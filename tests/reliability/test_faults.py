"""Whatever is killed, cut or restarted: an acknowledged report is there exactly once, and nothing that was not sent."""

import asyncio
import random
from collections.abc import Iterator

import pytest

from tests.api_server import ApiServer
from tests.reliability.persistent_engines import Engines
from tests.reliability.reports import a_workflow
from tests.reliability.servers import OwnPostgres, ServerProcess, own_postgres
from tests.reliability.store import fetch
from tests.reliability.torture import length

pytestmark = [pytest.mark.torture, pytest.mark.timeout(600)]

KILLS = length(5, 50)
CUTS = length(20, 300)
RESTARTS = length(1, 5)


async def test_the_process_is_killed_again_and_again(database_url: str) -> None:
    engines, chance = Engines(), random.Random(1)
    with ApiServer(database_url) as api:
        workflow_id = a_workflow(api)
    with ServerProcess(database_url) as server, engines.at_work(server.url, workflow_id):
        for _ in range(KILLS):
            engines.wait_for(chance.randrange(5, 60))
            await asyncio.sleep(chance.uniform(0, 0.01))  # anywhere between two answers
            server.kill()
            server.start()
        engines.wait_for(20)
    assert engines.repeated >= KILLS
    await engines.check(database_url)


CUT = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


async def test_its_connections_are_cut_again_and_again(database_url: str) -> None:
    engines, chance = Engines(), random.Random(2)
    with ApiServer(database_url) as api:
        workflow_id = a_workflow(api)
        with engines.at_work(api.url.removesuffix("/graphql"), workflow_id):
            for _ in range(CUTS):
                engines.wait_for(chance.randrange(1, 15))
                await fetch(database_url, CUT)
            engines.wait_for(20)
    assert engines.repeated > 0
    await engines.check(database_url)


@pytest.fixture(name="own_postgres")
def an_own_postgres() -> Iterator[OwnPostgres]:
    with own_postgres() as postgres:
        yield postgres


async def test_the_database_is_restarted_and_crashes(own_postgres: OwnPostgres) -> None:
    engines, url = Engines(), own_postgres.url
    with ApiServer(url) as api:
        workflow_id = a_workflow(api)
        with engines.at_work(api.url.removesuffix("/graphql"), workflow_id):
            for _ in range(RESTARTS):
                engines.wait_for(50)
                own_postgres.stop()
                own_postgres.start()
                engines.wait_for(50)
                await own_postgres.crash()
            engines.wait_for(50)
    assert engines.repeated > 0
    await engines.check(url)
