"""Paging through a large log does not grow the server."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from benchmarks.served import served
from benchmarks.sizes import Sizes
from tests.filled_database import filled_database

FULL = os.environ.get("EXECGRAPH_TORTURE") == "full"
ENTRIES = 1_000_000 if FULL else 100_000
GROWTH_MB = 12
PAGE = """
query ($id: UUID!, $after: String) {
    workflowExecution(id: $id) {
        logs(first: 1000, after: $after) {
            nodes { sequence level message data timestamp nodeExecutionId }
            pageInfo { hasNextPage endCursor }
        }
    }
}
"""
LONGEST = "{ workflowExecutions(orderBy: {field: CREATED_AT}) { nodes { id logCounts { total } } } }"


@pytest.mark.torture
@pytest.mark.timeout(900)
def test_paging_through_a_long_log_by_1000_does_not_grow_the_server() -> None:
    sizes = Sizes(runs=10, steps=200, entries=ENTRIES + 100, workflows=3, longest_log=ENTRIES, widest_run=20, days=1)
    with filled_database(sizes) as url, serving(url) as (http, pid):
        runs = ask(http, LONGEST)["workflowExecutions"]["nodes"]
        (run,) = (run["id"] for run in runs if run["logCounts"]["total"] == ENTRIES)
        read, after, warm, most = 0, None, 0.0, 0.0
        while True:
            page = ask(http, PAGE, id=run, after=after)["workflowExecution"]["logs"]
            assert page["nodes"][0]["sequence"] == read + 1
            read += len(page["nodes"])
            if read == ENTRIES // 5:  # by then caches and pools are what they will be
                warm = megabytes(pid)
            most = max(most, megabytes(pid)) if warm else 0.0
            if not page["pageInfo"]["hasNextPage"]:
                break
            after = page["pageInfo"]["endCursor"]
    print(f"\n{read:,} entries: {warm:.0f} MB after a fifth of them, at most {most:.0f} MB from then on")
    assert read == ENTRIES
    assert most - warm < GROWTH_MB


@contextmanager
def serving(url: str) -> Iterator[tuple[httpx.Client, int]]:
    """A server in a process of its own, a client for it, and its process id."""
    with served(url) as (address, pid), httpx.Client(base_url=address, timeout=60) as http:
        yield http, pid


def ask(http: httpx.Client, query: str, **variables: Any) -> Any:
    """The data of an answer."""
    answer = http.post("/graphql", json={"query": query, "variables": variables}).json()
    assert "errors" not in answer
    return answer["data"]


def megabytes(pid: int) -> float:
    """The memory that a process has."""
    shown = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=True)
    return int(shown.stdout) / 1024
