"""What streams are compared with: LISTEN and SELECT by asyncpg, notified off the write path, over a plain WebSocket."""

import asyncio
import os
import socket
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from benchmarks.handwritten_write import append_logs, readyz
from benchmarks.handwritten_write import lifespan as pooled
from db import Database

SELECT = """SELECT sequence, level, message, data, timestamp FROM execution_logs
    WHERE workflow_execution_id = $1 AND sequence > $2 ORDER BY sequence LIMIT 1000"""


class Bare:
    """Who follows what, and what is to be notified."""

    def __init__(self, pool: Any) -> None:
        self.pool = pool
        self.followers: dict[str, set[asyncio.Event]] = defaultdict(set)
        self.changed: set[str] = set()
        self.notifying: asyncio.Task[None] | None = None

    def notify_soon(self, run_id: str) -> None:
        """Notify after the writer's answer, never within its transaction."""
        self.changed.add(run_id)
        if self.notifying is None or self.notifying.done():
            self.notifying = asyncio.create_task(self._notify())

    async def _notify(self) -> None:
        while self.changed:
            await self.pool.execute("SELECT pg_notify($1, $2)", "bare", self.changed.pop())

    def hear(self, _connection: object, _pid: int, _channel: str, payload: str) -> None:
        """Wake the followers of a run."""
        for follower in self.followers[payload]:
            follower.set()


async def append(request: Request) -> Response:
    """Append entries."""
    bare: Bare = request.app.state.bare
    given = orjson.loads(await request.body())
    async with bare.pool.acquire() as connection, connection.transaction():
        result = await append_logs(connection, given)
    bare.notify_soon(given["workflowExecutionId"])
    return Response(orjson.dumps({"data": result}), media_type="application/json")


async def follow(websocket: WebSocket) -> None:
    """Send what comes after a sequence."""
    bare: Bare = websocket.app.state.bare
    run_id, after = websocket.query_params["run"], int(websocket.query_params["after"])
    await websocket.accept()
    changed = asyncio.Event()
    bare.followers[run_id].add(changed)
    try:
        while True:
            changed.clear()
            rows = await bare.pool.fetch(SELECT, UUID(run_id), after)
            if rows:
                after = rows[-1]["sequence"]
                entries = orjson.dumps([dict(row) for row in rows])
                await websocket.send_text(f'{{"entries":{entries.decode()},"lastSequence":{after}}}')
            await changed.wait()
    except WebSocketDisconnect:
        pass
    finally:
        bare.followers[run_id].discard(changed)


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    """Connect and listen."""
    async with pooled(app):
        app.state.bare = bare = Bare(app.state.pool)
        connection = await asyncpg.connect(**Database(os.environ["DATABASE_URL"]).connect_options())
        await connection.add_listener("bare", bare.hear)
        yield
        connection.terminate()


def main() -> None:
    """Serve on a free port."""
    routes = [
        Route("/write/appendLogs", append, methods=["POST"]),
        WebSocketRoute("/follow", follow),
        Route("/readyz", readyz),
    ]
    with socket.create_server(("127.0.0.1", 0)) as opened:
        print(f"serves http://127.0.0.1:{opened.getsockname()[1]}", flush=True)
        app = Starlette(routes=routes, lifespan=lifespan)
        config = uvicorn.Config(
            app, log_config=None, loop="uvloop", http="httptools", ws="websockets-sansio", ws_per_message_deflate=False
        )
        uvicorn.Server(config).run(sockets=[opened])


if __name__ == "__main__":
    main()
