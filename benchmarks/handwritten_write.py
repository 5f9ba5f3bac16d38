"""What one would write by hand for the same reports: Starlette, asyncpg and orjson, the statements of `db.commands`.

Each call is one transaction that claims its idempotency key, takes the locks, writes, remembers the result and reads
back what it answers with, as the API's does. It checks states, but not values, and knows neither GraphQL nor hints.
"""

import os
import socket
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from uuid_utils.compat import uuid7

from db import Database

CLAIM = """INSERT INTO idempotency_keys (caller, mutation, key, arguments_digest)
    VALUES ('', $1, $2, $3) ON CONFLICT DO NOTHING RETURNING 1"""
KNOWN = "SELECT arguments_digest, result FROM idempotency_keys WHERE caller = '' AND mutation = $1 AND key = $2"
REMEMBER = "UPDATE idempotency_keys SET result = $3 WHERE caller = '' AND mutation = $1 AND key = $2"
LOCK_TO_APPEND = "SELECT id FROM workflow_executions WHERE id = $1 FOR KEY SHARE"
LOCK_RUN = """SELECT id, status, started_at, last_transition_at, workflow_id, workflow_version
    FROM workflow_executions WHERE id = $1 FOR NO KEY UPDATE"""
LOCK_RUNS = """SELECT run.id, run.status FROM workflow_executions AS run WHERE run.id IN (
        SELECT workflow_execution_id FROM node_executions WHERE id = ANY($1)
    ) ORDER BY run.id FOR NO KEY UPDATE"""
LOCK_STEPS = """SELECT step.id, step.workflow_execution_id, step.status, step.started_at, step.last_transition_at,
        step.retry_count, node.retry_config
    FROM node_executions AS step LEFT JOIN nodes AS node ON node.id = step.node_id
    WHERE step.id = ANY($1) ORDER BY step.id FOR NO KEY UPDATE OF step"""
TAKE_REVISIONS = """UPDATE execution_counters SET revision = revision + $2, last_report_at = clock_timestamp()
    WHERE workflow_execution_id = $1 RETURNING revision"""
ATTEMPTS = "SELECT id, retry_count + 1 FROM node_executions WHERE workflow_execution_id = $1 AND id = ANY($2)"
APPEND = """
    WITH counter AS (
        UPDATE execution_counters SET last_sequence = last_sequence + $2, debug_count = debug_count + $3,
            info_count = info_count + $4, warning_count = warning_count + $5, error_count = error_count + $6,
            last_append_at = clock_timestamp(), last_report_at = clock_timestamp()
        WHERE workflow_execution_id = $1 RETURNING last_sequence
    ), appended AS (
        INSERT INTO execution_logs
            (workflow_execution_id, sequence, level, message, data, timestamp, node_execution_id, attempt)
        SELECT $1, counter.last_sequence - $2 + place, level, message, data::jsonb, timestamp, step, attempt
        FROM counter, unnest($7::text[], $8::text[], $9::text[], $10::timestamptz[], $11::uuid[], $12::int[])
            WITH ORDINALITY AS entry (level, message, data, timestamp, step, attempt, place)
    )
    SELECT last_sequence FROM counter"""
WORKFLOW = "SELECT version, namespace FROM workflows WHERE id = $1"
CREATE_RUN = """INSERT INTO workflow_executions
        (id, workflow_id, workflow_version, namespace, trigger_type, status, revision, creation_digest)
    VALUES ($1, $2, $3, $4, $5, 'pending', 1, $6)"""
CREATE_STEPS = """INSERT INTO node_executions
        (id, workflow_execution_id, key, name, execution_order, creation_digest, status, revision)
    SELECT id, $1, key, name, execution_order, digest, 'pending', $2 + place
    FROM unnest($3::uuid[], $4::text[], $5::text[], $6::int[], $7::bytea[])
        WITH ORDINALITY AS step (id, key, name, execution_order, digest, place)"""
FIND_STEPS = "SELECT id, key FROM node_executions WHERE workflow_execution_id = $1 AND key = ANY($2)"
MOVE_STEPS = """UPDATE node_executions AS step SET status = new.status, started_at = new.started_at,
        ended_at = new.ended_at, last_transition_at = new.at, revision = new.revision, updated_at = clock_timestamp()
    FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::timestamptz[], $5::timestamptz[], $6::int[])
        AS new (id, status, started_at, ended_at, at, revision)
    WHERE step.id = new.id"""
UNFINISHED = """SELECT id, status FROM node_executions
    WHERE workflow_execution_id = $1 AND status IN ('pending', 'running') ORDER BY id FOR NO KEY UPDATE"""
MOVE_RUN = """UPDATE workflow_executions SET status = $2, started_at = $3, ended_at = $4, last_transition_at = $5,
        revision = $6, updated_at = clock_timestamp() WHERE id = $1"""
RUN = """SELECT id, namespace, workflow_id, workflow_version, status, trigger_type, revision, input_data, output_data,
    context, metadata, error_message, created_at, updated_at, started_at, ended_at
    FROM workflow_executions WHERE id = $1"""
STEPS = """SELECT step.id, workflow_execution_id, node_id, parent_id, step.key, coalesce(step.name, node.name) AS name,
        status, execution_order, revision, retry_count, input_data, output_data, error_message, created_at, updated_at,
        started_at, ended_at
    FROM node_executions AS step LEFT JOIN nodes AS node ON node.id = step.node_id WHERE step.id = ANY($1)"""

NEXT = {"start": ("pending", "running"), "complete": ("running", "completed")}
Work = Callable[[Any, dict[str, Any]], Awaitable[Any]]


async def append_logs(connection: Any, given: dict[str, Any]) -> Any:
    """Append entries."""
    run_id, entries = UUID(given["workflowExecutionId"]), given["entries"]
    if await connection.fetchval(LOCK_TO_APPEND, run_id) is None:
        raise LookupError(run_id)
    asked = {UUID(entry["nodeExecutionId"]) for entry in entries if entry.get("nodeExecutionId")}
    attempts = dict(await connection.fetch(ATTEMPTS, run_id, asked)) if asked else {}
    now = datetime.now(UTC)
    levels = Counter(entry["level"] for entry in entries)
    steps = [UUID(entry["nodeExecutionId"]) if entry.get("nodeExecutionId") else None for entry in entries]
    last = await connection.fetchval(
        APPEND,
        run_id,
        len(entries),
        *(levels[level] for level in ("DEBUG", "INFO", "WARNING", "ERROR")),
        [entry["level"].lower() for entry in entries],
        [entry["message"] for entry in entries],
        [orjson.dumps(entry["data"]).decode() if entry.get("data") is not None else None for entry in entries],
        [datetime.fromisoformat(entry["timestamp"]) if entry.get("timestamp") else now for entry in entries],
        steps,
        [attempts.get(step) for step in steps],
    )
    return {"count": len(entries), "firstSequence": last - len(entries) + 1, "lastSequence": last}


async def create_run(connection: Any, given: dict[str, Any]) -> Any:
    """Make a run."""
    values = given["input"]
    workflow_id, id_ = UUID(values["workflowId"]), uuid7()
    version, namespace = await connection.fetchrow(WORKFLOW, workflow_id)
    await connection.execute(
        CREATE_RUN, id_, workflow_id, version, namespace, values["triggerType"].lower(), _digest(values)
    )
    return str(id_)


async def create_steps(connection: Any, given: dict[str, Any]) -> Any:
    """Make steps."""
    run_id, steps = UUID(given["workflowExecutionId"]), given["nodeExecutions"]
    await connection.fetchrow(LOCK_RUN, run_id)
    await connection.fetch(FIND_STEPS, run_id, [step["key"] for step in steps])
    last = await connection.fetchval(TAKE_REVISIONS, run_id, len(steps))
    ids = [uuid7() for _ in steps]
    columns = ([step[name] for step in steps] for name in ("key", "name", "executionOrder"))
    digests = [_digest(step) for step in steps]
    await connection.execute(CREATE_STEPS, run_id, last - len(steps), ids, *columns, digests)
    return [str(id_) for id_ in ids]


def move_run(action: str) -> Work:
    """Start or complete a run."""

    async def move(connection: Any, given: dict[str, Any]) -> Any:
        run = await connection.fetchrow(LOCK_RUN, UUID(given["id"]))
        now = datetime.now(UTC)
        if run["status"] != NEXT[action][0]:
            raise ValueError(run["status"])
        if action == "complete":
            await connection.fetch(UNFINISHED, run["id"])
        revision = await connection.fetchval(TAKE_REVISIONS, run["id"], 1)
        times = (now, None) if action == "start" else (run["started_at"], now)
        await connection.execute(MOVE_RUN, run["id"], NEXT[action][1], *times, now, revision)
        return given["id"]

    return move


async def _move_steps(connection: Any, moves: list[tuple[str, str]]) -> Any:
    ids = {UUID(id_) for _, id_ in moves}
    runs = {run["id"]: run["status"] for run in await connection.fetch(LOCK_RUNS, ids)}
    steps = {step["id"]: step for step in await connection.fetch(LOCK_STEPS, ids)}
    (run_id,) = runs
    last = await connection.fetchval(TAKE_REVISIONS, run_id, len(moves))
    now = datetime.now(UTC)
    rows = []
    for revision, (action, id_) in enumerate(moves, start=last - len(moves) + 1):
        step = steps[UUID(id_)]
        if step["status"] != NEXT[action][0] or runs[run_id] != "running":
            raise ValueError(step["status"])
        times = (now, None) if action == "start" else (step["started_at"], now)
        rows.append((step["id"], NEXT[action][1], *times, now, revision))
    await connection.execute(MOVE_STEPS, *zip(*rows, strict=True))
    return [id_ for _, id_ in moves]


def move_step(action: str) -> Work:
    """Start or complete a step."""

    async def move(connection: Any, given: dict[str, Any]) -> Any:
        return await _move_steps(connection, [(action, given["id"])])

    return move


async def move_steps(connection: Any, given: dict[str, Any]) -> Any:
    """Start or complete many steps."""
    moves = [(name, to["id"]) for move in given["transitions"] for name, to in move.items()]
    return await _move_steps(connection, moves)


async def run_as_it_is(connection: Any, result: Any) -> Any:
    """Answer with a run."""
    return dict(await connection.fetchrow(RUN, UUID(result)))


async def steps_as_they_are(connection: Any, result: Any) -> Any:
    """Answer with steps."""
    found = {row["id"]: dict(row) for row in await connection.fetch(STEPS, [UUID(id_) for id_ in result])}
    return [found[UUID(id_)] for id_ in result]


async def as_remembered(_: Any, result: Any) -> Any:
    """Answer with numbers."""
    return result


CALLS: dict[str, tuple[Work, Callable[[Any, Any], Awaitable[Any]]]] = {
    "appendLogs": (append_logs, as_remembered),
    "createWorkflowExecution": (create_run, run_as_it_is),
    "startWorkflowExecution": (move_run("start"), run_as_it_is),
    "completeWorkflowExecution": (move_run("complete"), run_as_it_is),
    "createNodeExecutions": (create_steps, steps_as_they_are),
    "startNodeExecution": (move_step("start"), steps_as_they_are),
    "completeNodeExecution": (move_step("complete"), steps_as_they_are),
    "transitionNodeExecutions": (move_steps, steps_as_they_are),
}


def _digest(value: Any) -> bytes:
    return blake2b(orjson.dumps(value, option=orjson.OPT_SORT_KEYS), digest_size=16).digest()


async def answer(request: Request) -> Response:
    """Do a call once."""
    mutation = request.path_params["mutation"]
    given = orjson.loads(await request.body())
    key = given.pop("idempotencyKey")
    digest = _digest(given)
    work, present = CALLS[mutation]
    async with request.app.state.pool.acquire() as connection, connection.transaction():
        if await connection.fetchval(CLAIM, mutation, key, digest) is None:
            known, result = await connection.fetchrow(KNOWN, mutation, key)
            if known != digest:
                return Response(status_code=409)
            result = orjson.loads(result)
        else:
            result = await work(connection, given)
            await connection.execute(REMEMBER, mutation, key, orjson.dumps(result).decode())
        found = await present(connection, result)
    return Response(orjson.dumps({"data": found}, default=str), media_type="application/json")


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    """Connect."""
    options = Database(os.environ["DATABASE_URL"]).connect_options()
    async with asyncpg.create_pool(**options, min_size=10, max_size=20) as pool:
        app.state.pool = pool
        yield


async def readyz(_: Request) -> Response:
    """Say that it serves."""
    return Response("ready")


def main() -> None:
    """Serve on a free port."""
    routes = [Route("/write/{mutation}", answer, methods=["POST"]), Route("/readyz", readyz)]
    with socket.create_server(("127.0.0.1", 0)) as opened:
        print(f"serves http://127.0.0.1:{opened.getsockname()[1]}", flush=True)
        config = uvicorn.Config(
            Starlette(routes=routes, lifespan=lifespan), log_config=None, loop="uvloop", http="httptools"
        )
        uvicorn.Server(config).run(sockets=[opened])


if __name__ == "__main__":
    main()
