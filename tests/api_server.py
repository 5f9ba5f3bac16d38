"""The API on a real socket for tests, and a client for it."""

import asyncio
import json
import threading
from types import TracebackType
from typing import Any, Self
from uuid import UUID

import httpx

from db.hints import Hints
from graphql_api.context import Context
from graphql_api.http.app import create_app
from graphql_api.http.draining import Draining
from graphql_api.server import DrainingServer, listen, server_config
from graphql_api.settings import Settings
from tests.pgbouncer import pooled

START_SECONDS = 30.0


class ApiServer:
    """uvicorn in a thread: `with ApiServer(database_url) as server: server.ask("{ ... }")`."""

    def __init__(self, database_url: str, **settings: Any) -> None:
        self.database_url = database_url
        through = pooled(database_url)
        direct = {"listen_url": database_url} if through != database_url else {}
        self._settings = Settings(DATABASE_URL=through, log_grace_seconds=0.2, drain_seconds=1).model_copy(
            update=direct | settings
        )

    @property
    def grace_seconds(self) -> float:
        """How long a log stream stays open after the end of its run."""
        return self._settings.log_grace_seconds

    def __enter__(self) -> Self:
        self._socket = listen("127.0.0.1", 0)
        self.port: int = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/graphql"
        self.ws_url = f"ws://127.0.0.1:{self.port}/graphql"
        app = create_app(self._settings)
        self.context: Context = app.state.context
        self.hints: Hints = app.state.hints
        self.draining: Draining = app.state.draining
        config = server_config(app, self._settings)
        self._uvicorn = DrainingServer(config, app.state.draining)
        started = threading.Event()
        startup = self._uvicorn.startup

        async def announce(*args: Any, **kwargs: Any) -> None:
            await startup(*args, **kwargs)
            self.loop = asyncio.get_running_loop()
            started.set()

        self._uvicorn.startup = announce  # type: ignore[method-assign]
        self._thread = threading.Thread(target=self._uvicorn.run, kwargs={"sockets": [self._socket]}, daemon=True)
        self._thread.start()
        assert started.wait(START_SECONDS), "the server did not start"
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=30)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self.http.close()
        self._socket.close()

    def stop(self) -> None:
        """Stop as on a signal: in order, with requests in flight finished."""
        self._uvicorn.should_exit = True
        self._thread.join(START_SECONDS)
        assert not self._thread.is_alive(), "the server did not stop"

    def followers(self, run_id: str) -> int:
        """How many subscriptions follow a run just now."""
        return self.context.feeds.followers(UUID(run_id))

    def post(self, query: str, **variables: Any) -> dict[str, Any]:
        """Send an operation and give the whole response."""
        content = json.dumps({"query": query, "variables": variables})  # lone surrogates escaped, as JSON can
        response = self.http.post("/graphql", content=content, headers={"content-type": "application/json"})
        body: dict[str, Any] = response.json()
        return body

    def ask(self, query: str, **variables: Any) -> Any:
        """Send an operation that must succeed; gives the value of its one root field."""
        body = self.post(query, **variables)
        assert "errors" not in body, body
        (value,) = body["data"].values()
        return value
