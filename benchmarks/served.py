"""The API in a process of its own."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

START_SECONDS = 30.0


@contextmanager
def served(database_url: str) -> Iterator[tuple[str, int]]:
    """Serve a database on a free port, and give the address and the process's id."""
    command = [sys.executable, "-m", "graphql_api.cli", "serve", "--port", "0"]
    environment = {**os.environ, "DATABASE_URL": database_url}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, env=environment, text=True, **pipes)  # noqa: S603 - our own
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.search(r"http://[0-9.:]+", line)
        if found is None:
            raise RuntimeError(f"the server said {line!r}")
        wait_for(found[0])
        yield found[0], process.pid
    finally:
        process.terminate()
        process.wait(30)


def wait_for(address: str) -> None:
    """Wait until the server there is ready."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            httpx.get(f"{address}/readyz").raise_for_status()
        except httpx.HTTPError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return
