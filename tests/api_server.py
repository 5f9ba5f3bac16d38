"""The API on a real socket for tests, and a client for it."""

import threading
from types import TracebackType
from typing import Any, Self

import httpx
import uvicorn

from graphql_api.http.app import create_app
from graphql_api.server import listen
from graphql_api.settings import Settings

START_SECONDS = 30.0


class ApiServer:
    """uvicorn in a thread: `with ApiServer(database_url) as server: server.ask("{ ... }")`."""

    def __init__(self, database_url: str, **settings: Any) -> None:
        self.database_url = database_url
        self._settings = Settings(DATABASE_URL=database_url, log_grace_seconds=0.2).model_copy(update=settings)

    def __enter__(self) -> Self:
        self._socket = listen("127.0.0.1", 0)
        self.port: int = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/graphql"
        self.ws_url = f"ws://127.0.0.1:{self.port}/graphql"
        config = uvicorn.Config(
            create_app(self._settings),
            log_config=None,
            ws="websockets-sansio",
            ws_max_size=self._settings.max_body_bytes,
            timeout_graceful_shutdown=1,
        )
        self._uvicorn = uvicorn.Server(config)
        started = threading.Event()
        startup = self._uvicorn.startup

        async def announce(*args: Any, **kwargs: Any) -> None:
            await startup(*args, **kwargs)
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
        self.http.close()
        self._uvicorn.should_exit = True
        self._thread.join(START_SECONDS)
        assert not self._thread.is_alive(), "the server did not stop"
        self._socket.close()

    def post(self, query: str, **variables: Any) -> dict[str, Any]:
        """Send an operation and give the whole response."""
        response = self.http.post("/graphql", json={"query": query, "variables": variables})
        body: dict[str, Any] = response.json()
        return body

    def ask(self, query: str, **variables: Any) -> Any:
        """Send an operation that must succeed; gives the value of its one root field."""
        body = self.post(query, **variables)
        assert "errors" not in body, body
        (value,) = body["data"].values()
        return value
