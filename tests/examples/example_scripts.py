"""Running the example scripts as processes, and reading back what they reported."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from client import Client

from tests.examples.example_paths import EXAMPLES

LIMIT = 100  # seconds for anything that is waited for; a loaded machine takes its time

STEPS = """
query Steps($id: UUID!, $after: String) {
  workflowExecution(id: $id) {
    nodeExecutions(first: 200, after: $after) {
      pageInfo { hasNextPage endCursor }
      nodes {
        id key name status executionOrder inputData outputData errorMessage retryCount
        startedAt endedAt durationSeconds
        node { key name retryConfig }
        attempts { attempt status durationSeconds errorMessage }
        logs(first: 5) { nodes { sequence } pageInfo { hasNextPage } }
      }
    }
  }
}
"""

LOGS = """
query Logs($id: UUID!, $after: String) {
  workflowExecution(id: $id) {
    logs(first: 1000, after: $after) {
      pageInfo { hasNextPage endCursor }
      nodes { sequence level message data timestamp attempt nodeExecutionId }
      lastSequence
    }
  }
}
"""

RUN = """
query Run($id: UUID!) {
  workflowExecution(id: $id) {
    id status triggerType inputData outputData metadata errorMessage startedAt endedAt durationSeconds
    nodeStatusCounts { total completed }
    logCounts { total error }
    workflow { name namespace nodes { id key } dependencies { sourceNodeId targetNodeId } }
  }
}
"""

RUNS = """
query Runs { workflowExecutions(first: 100) { totalCount nodes { id status errorMessage inputData } } }
"""


@asynccontextmanager
async def started(script: str, *arguments: str, cwd: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """An example script as a process, its output captured; killed at the end if it still runs."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(EXAMPLES / script),
        *arguments,
        cwd=cwd,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def ended(process: asyncio.subprocess.Process) -> tuple[int | None, str, str]:
    """Wait for a process to end; its exit code and what it said on stdout and stderr."""
    async with asyncio.timeout(LIMIT):
        output, errors = await process.communicate()
    return process.returncode, output.decode(), errors.decode()


async def pages(client: Client, document: str, run_id: str, connection: str) -> list[dict[str, Any]]:
    """All nodes of a run's connection, page by page."""
    nodes: list[dict[str, Any]] = []
    after: str | None = None
    while True:
        page = (await client.call(document, {"id": run_id, "after": after}))[connection]
        nodes += page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            return nodes
        after = page["pageInfo"]["endCursor"]


async def running(client: Client) -> str:
    """Wait for a run to be RUNNING and return its id."""
    async with asyncio.timeout(LIMIT):
        while True:
            for run in (await client.call(RUNS))["nodes"]:
                if run["status"] == "RUNNING":
                    return str(run["id"])
            await asyncio.sleep(0.02)
