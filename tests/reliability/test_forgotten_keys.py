"""Idempotency keys are kept for a time that is a setting."""

from datetime import timedelta

from db import Database
from db.commands.idempotency import forget_calls
from tests.api_server import ApiServer
from tests.reliability.reports import a_key, a_run, entries, report
from tests.reliability.store import eventually, fetch


async def is_remembered(api: ApiServer, key: str) -> bool:
    return await fetch(api.database_url, "SELECT FROM idempotency_keys WHERE key = $1", key) != []


async def test_keys_are_forgotten_once_they_are_old(api: ApiServer, shared_database: Database) -> None:
    call = {"workflowExecutionId": a_run(api), "entries": entries("one"), "idempotencyKey": a_key()}
    report(api, "appendLogs", **call)
    await shared_database.run(lambda session: forget_calls(session, timedelta(hours=1), 10_000))
    assert report(api, "appendLogs", **call)["lastSequence"] == 1
    await shared_database.run(lambda session: forget_calls(session, timedelta(0), 10_000))
    assert report(api, "appendLogs", **call)["lastSequence"] == 2


async def test_the_server_forgets_keys_after_the_time_that_is_set(api: ApiServer) -> None:
    call = {"workflowExecutionId": a_run(api), "entries": entries("one"), "idempotencyKey": a_key()}
    report(api, "appendLogs", **call)
    with ApiServer(api.database_url, idempotency_hours=1e-9):

        async def forgotten() -> bool:
            return not await is_remembered(api, call["idempotencyKey"])

        await eventually(forgotten)
    assert report(api, "appendLogs", **call)["lastSequence"] == 2
