"""SQL in every string that a client can send is a string, and nothing else."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from db.models.model import Model
from tests.api_server import ApiServer
from tests.graphql_api.reports import log, run, running, steps, workflow
from tests.reliability.store import connect
from tests.security.requests import FIELDS, NOTHING, PARENTS, Request, places

INJECTIONS = [
    "'; DROP TABLE execution_logs; --",
    "' OR '1'='1",
    "\\'; DELETE FROM workflow_executions; --",
    "$1) OR TRUE; --",
    "%' UNION SELECT digest FROM api_tokens; --",
    "x', 'y'); TRUNCATE workflows CASCADE; --",
    '"; SELECT pg_sleep(20); --',
    "E'\\\\' || (SELECT version()) || '",
    "{0} %s %(id)s :id ? {{7*7}} ${jndi:x}",
]
TEXT = {"String", "JSON", "ID", "Cursor"}
TABLES = tuple(Model.metadata.tables)
WAYS = [
    (parent, name, argument, way)
    for (parent, name), field in FIELDS.items()
    if parent != "Subscription"
    for argument, at in field.args.items()
    for way in places(at.type)
]


@pytest.fixture(scope="module")
def attacked(module_database_url: str) -> Iterator[ApiServer]:
    """A server with something to lose."""
    with ApiServer(module_database_url) as server:
        log(server, running(server), "to be kept")
        yield server


async def rows(server: ApiServer) -> dict[str, int]:
    """How many rows each table has."""
    connection = await connect(server.database_url)
    try:
        return {table: await connection.fetchval(f"SELECT count(*) FROM {table}") for table in TABLES}
    finally:
        await connection.close()


def test_the_places_for_text_are_found() -> None:
    assert ("Query", "workflowExecutions", "filter", ("search",)) in WAYS
    assert ("WorkflowExecution", "logs", "filter", ("search",)) in WAYS
    assert ("Mutation", "appendLogs", "entries", (0, "message")) in WAYS
    assert {parent for parent, *_ in WAYS} == {"Query", "Mutation", *PARENTS}


@pytest.mark.parametrize(("parent", "name", "argument", "way"), WAYS, ids=str)
async def test_sql_in_a_string_is_a_string(
    attacked: ApiServer, parent: str, name: str, argument: str, way: tuple[Any, ...]
) -> None:
    workflow_id, _ = workflow(attacked)
    run_id = running(attacked, workflow_id) if name != "startWorkflowExecution" else run(attacked, workflow_id)
    (step_id,) = steps(attacked, run_id, "step")
    deletes = name == "deleteWorkflowExecution"
    ids = {"workflow": workflow_id, "run": NOTHING if deletes else run_id, "step": step_id}
    before = await rows(attacked)
    for text in INJECTIONS:
        document, variables = Request(parent, name, ids).with_text(argument, way, text)
        response = attacked.post(document, **variables)
        codes = {error["extensions"]["code"] for error in response.get("errors", [])}
        assert codes <= {"BAD_USER_INPUT", "NOT_FOUND"}, (document, variables, response)
        told = json.dumps(response)
        assert not any(word in told for word in ("asyncpg", "syntax error", "PostgreSQL 1")), told
    after = await rows(attacked)
    assert all(after[table] >= count for table, count in before.items()), (before, after)
