"""What one would write by hand for these questions alone, with the columns that are asked for and no others."""

import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from db import Database

RUN = "SELECT id, status, created_at, started_at, ended_at FROM workflow_executions WHERE id = $1"
STEPS = """
    SELECT id, status, execution_order, key, started_at, ended_at, retry_count, error_message,
        extract(epoch FROM ended_at - started_at)::float8 AS duration_seconds
    FROM node_executions WHERE workflow_execution_id = $1 ORDER BY execution_order, id LIMIT 1000
"""
LOGS_OF_STEPS = """
    SELECT entry.* FROM unnest($2::uuid[]) AS step (id), LATERAL (
        SELECT node_execution_id, sequence, level, message, timestamp FROM execution_logs
        WHERE workflow_execution_id = $1 AND node_execution_id = step.id ORDER BY sequence LIMIT 10
    ) AS entry
"""
RUNS = """
    SELECT run.id, run.status, run.trigger_type, run.created_at, run.started_at, run.ended_at,
        extract(epoch FROM run.ended_at - run.started_at)::float8 AS duration_seconds,
        workflow.id AS workflow_id, workflow.name AS workflow_name, counter.error_count, counter.warning_count
    FROM workflow_executions AS run
    JOIN workflows AS workflow ON workflow.id = run.workflow_id
    JOIN execution_counters AS counter ON counter.workflow_execution_id = run.id
    ORDER BY run.created_at DESC, run.id DESC LIMIT 50
"""
NEWEST = """
    SELECT sequence, level, message, timestamp, node_execution_id, attempt FROM execution_logs
    WHERE workflow_execution_id = $1 {} ORDER BY sequence DESC LIMIT 1000
"""


def _other(value: Any) -> str:
    return str(value)  # asyncpg's UUIDs


def _answer(value: Any) -> Response:
    return Response(orjson.dumps(value, default=_other), media_type="application/json")


async def _fetch(request: Request, statement: str, *arguments: Any) -> list[dict[str, Any]]:
    async with request.app.state.pool.acquire() as connection:
        return [dict(row) for row in await connection.fetch(statement, *arguments)]


async def one_run(request: Request) -> Response:
    """A run by its id."""
    (run,) = await _fetch(request, RUN, request.path_params["id"])
    return _answer(run)


async def tree(request: Request) -> Response:
    """A run, its steps and ten entries of each."""
    id_ = request.path_params["id"]
    (run,) = await _fetch(request, RUN, id_)
    steps = await _fetch(request, STEPS, id_)
    entries: dict[Any, list[Any]] = {step["id"]: [] for step in steps}
    for entry in await _fetch(request, LOGS_OF_STEPS, id_, list(entries)):
        entries[entry.pop("node_execution_id")].append(entry)
    for step in steps:
        step["logs"] = entries[step["id"]]
    return _answer({**run, "steps": steps})


async def steps(request: Request) -> Response:
    """A run and its steps."""
    (run,) = await _fetch(request, RUN, request.path_params["id"])
    return _answer({**run, "steps": await _fetch(request, STEPS, request.path_params["id"])})


async def runs(request: Request) -> Response:
    """The newest runs with their workflow and counts."""
    found = await _fetch(request, RUNS)
    for run in found:
        run["workflow"] = {"id": run.pop("workflow_id"), "name": run.pop("workflow_name")}
        run["logCounts"] = {"error": run.pop("error_count"), "warning": run.pop("warning_count")}
    return _answer(found)


async def newest(request: Request) -> Response:
    """The newest entries of a run."""
    return _answer((await _fetch(request, NEWEST.format(""), request.path_params["id"]))[::-1])


async def errors(request: Request) -> Response:
    """The newest error entries of a run."""
    found = await _fetch(request, NEWEST.format("AND level = 'error'"), request.path_params["id"])
    return _answer(found[::-1])


@asynccontextmanager
async def _connected(app: Starlette) -> AsyncIterator[None]:
    options = Database(os.environ["DATABASE_URL"]).connect_options()
    async with asyncpg.create_pool(**options, min_size=4, max_size=10) as app.state.pool:
        yield


def main() -> None:
    """Serve on a free port."""
    routes = [
        Route("/one_run/{id:uuid}", one_run),
        Route("/tree/{id:uuid}", tree),
        Route("/steps/{id:uuid}", steps),
        Route("/runs", runs),
        Route("/newest/{id:uuid}", newest),
        Route("/errors/{id:uuid}", errors),
    ]
    opened = socket.socket()
    opened.bind(("127.0.0.1", 0))
    print(f"serves http://127.0.0.1:{opened.getsockname()[1]}", flush=True)
    config = uvicorn.Config(
        Starlette(routes=routes, lifespan=_connected), log_config=None, loop="uvloop", http="httptools"
    )
    uvicorn.Server(config).run(sockets=[opened])


if __name__ == "__main__":
    main()
