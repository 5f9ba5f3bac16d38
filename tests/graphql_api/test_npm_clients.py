"""The clients that dashboards use, npm's graphql-ws and graphql-sse, unmodified: they resume exactly after a cut."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.api_server import ApiServer
from tests.graphql_api.reports import log, running, transition

FOLDER = Path(__file__).parents[1] / "clients"
LIMIT = 60.0
CLIENTS = ["graphql-ws", "graphql-sse"]

pytestmark = [
    pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed"),
    pytest.mark.skipif(not (FOLDER / "node_modules").is_dir(), reason="the clients are not installed: make clients"),
]


class Proxy:
    """What is between a client and a server: it can be cut, and lead elsewhere."""

    def __init__(self, port: int) -> None:
        self.target: int | None = port
        self._writers: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> "Proxy":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1")
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.cut()

    def cut(self) -> None:
        """Cut all connections at once."""
        for writer in self._writers:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.target is None:
            writer.transport.abort()
            return
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
        self._writers |= {writer, far_writer}
        await asyncio.gather(_pass(reader, far_writer), _pass(far_reader, writer))
        self._writers -= {writer, far_writer}


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
        writer.close()
    except ConnectionError:
        writer.transport.abort()


class Client:
    """The client's process, and what it prints."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.connections = 0
        self.closed: list[int] = []
        self.results: list[Any] = []

    async def line(self) -> Any:
        """What it prints next."""
        assert self._process.stdout is not None
        async with asyncio.timeout(LIMIT):
            line = json.loads(await self._process.stdout.readline() or "null")
        if line and "connected" in line:
            self.connections += 1
        elif line and "closed" in line:
            self.closed.append(line["closed"])
        elif line:
            self.results.append(line)
        return line

    async def reach(self, message: str) -> None:
        """Wait until a message has come."""
        while message not in self.messages():
            assert await self.line() is not None, self.results

    def messages(self) -> list[str]:
        """All that came."""
        events = [result["data"]["executionLogs"] for result in self.results if "data" in result]
        return [entry["message"] for event in events for entry in event["entries"]]


@asynccontextmanager
async def following(name: str, port: int, run_id: str) -> AsyncIterator[Client]:
    """A client that follows a log."""
    process = await asyncio.create_subprocess_exec(
        "node", "follow.mjs", name, str(port), run_id, cwd=FOLDER, stdout=asyncio.subprocess.PIPE
    )
    try:
        yield Client(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def finished(client: Client) -> None:
    """Wait for the end, which is that of the log."""
    while client.results[-1] != {"complete": True}:
        assert await client.line() is not None, client.results
    assert client.results[-2]["data"]["executionLogs"]["complete"]


@pytest.mark.parametrize("name", CLIENTS)
async def test_a_client_that_was_cut_resumes_where_it_was(api: ApiServer, name: str) -> None:
    run_id = running(api)
    log(api, run_id, "1", "2")
    async with Proxy(api.port) as proxy, following(name, proxy.port, run_id) as client:
        await client.reach("2")
        log(api, run_id, "3")
        await client.reach("3")
        proxy.target = None
        proxy.cut()
        log(api, run_id, "4", "5")
        proxy.target = api.port
        await client.reach("5")
        proxy.cut()
        log(api, run_id, "6")
        await client.reach("6")
        transition(api, "completeWorkflowExecution", run_id)
        await finished(client)
    assert client.messages() == ["1", "2", "3", "4", "5", "6"]
    assert client.connections >= 3


@pytest.mark.parametrize("name", CLIENTS)
async def test_a_client_whose_server_goes_away_continues_at_another_one(database_url: str, name: str) -> None:
    with ApiServer(database_url) as other:
        run_id = running(other)
        log(other, run_id, "1")
        with ApiServer(database_url) as server:
            async with Proxy(server.port) as proxy, following(name, proxy.port, run_id) as client:
                await client.reach("1")
                proxy.target = other.port
                await asyncio.to_thread(server.stop)
                log(other, run_id, "2")
                await client.reach("2")
                transition(other, "completeWorkflowExecution", run_id)
                await finished(client)
    assert client.messages() == ["1", "2"]
    assert client.connections == 2
    if name == "graphql-ws":
        assert client.closed[0] == 1001


@pytest.mark.parametrize("name", CLIENTS)
async def test_a_client_is_told_that_there_is_no_such_run(api: ApiServer, name: str) -> None:
    nobody = "018f0000-0000-7000-8000-000000000000"
    async with following(name, api.port, nobody) as client:
        while await client.line() is not None:
            pass
    message = f"Workflow execution {nobody} does not exist"
    errors = [{"message": message, "extensions": {"code": "NOT_FOUND"}}]
    assert client.results == [{"errors": errors}, {"complete": True}]
