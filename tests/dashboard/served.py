"""`execgraph serve` as a process, which can be stopped and started again on the same port."""

import asyncio
import os
import signal
import sys
from typing import Any

import httpx

START_SECONDS = 80.0
"""A loaded machine takes its time, and there may be two browsers on it."""


class Served:
    """A server process: `async with Served(database_url) as served`."""

    def __init__(self, database_url: str, **environment: str) -> None:
        self._environment = {
            **os.environ,
            "DATABASE_URL": database_url,
            "EXECGRAPH_LOG_GRACE_SECONDS": "0.2",
            "EXECGRAPH_DRAIN_SECONDS": "1",
            **environment,
        }
        self.port = 0
        self.headers: dict[str, str] = {}
        """What is sent with every operation."""

    @property
    def address(self) -> str:
        """Where the dashboard is."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """Where the API is."""
        return f"{self.address}/graphql"

    async def __aenter__(self) -> "Served":
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start, the first time on a free port, then on that one again."""
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "graphql_api.cli", "serve", "--port", str(self.port)),
            env=self._environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        assert self._process.stdout is not None
        async with asyncio.timeout(START_SECONDS):
            line = (await self._process.stdout.readline()).decode()
            self.port = int(line.partition("http://127.0.0.1:")[2].partition("/")[0])
            # The line comes a little before the socket is listened on: connect with patience.
            async with httpx.AsyncClient(transport=httpx.AsyncHTTPTransport(retries=8)) as client:
                (await client.get(f"{self.address}/healthz")).raise_for_status()

    async def stop(self) -> None:
        """Stop as an operator does."""
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(START_SECONDS):
            await self._process.wait()

    async def ask(self, query: str, **variables: Any) -> Any:
        """Send an operation that must succeed; gives the value of its one root field."""
        async with httpx.AsyncClient(timeout=START_SECONDS) as client:
            response = await client.post(self.url, headers=self.headers, json={"query": query, "variables": variables})
        body = response.json()
        assert "errors" not in body, body
        (value,) = body["data"].values()
        return value
