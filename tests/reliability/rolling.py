"""Engines that report and a subscriber that follows while server processes come and go."""

import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from tests.pgbouncer import pooled

ROOT = Path(__file__).parents[2]
START_SECONDS = 90.0

APPEND = """
mutation Append($run: UUID!, $message: String!) {
    appendLogs(workflowExecutionId: $run, entries: [{ level: INFO, message: $message }]) {
        __typename ... on AppendLogsPayload { lastSequence }
    }
}
"""
FOLLOW = """
subscription Follow($run: UUID!, $after: Int!) {
    executionLogs(workflowExecutionId: $run, after: $after) { entries { sequence message } lastSequence complete }
}
"""


class Process:
    """`execgraph serve` in a process of its own."""

    def __init__(self, database_url: str, port: int, *arguments: str, **environment: str) -> None:
        self.address = f"http://127.0.0.1:{port}"
        self._command = [sys.executable, "-m", "graphql_api.cli", "serve", "--port", str(port), *arguments]
        through = pooled(database_url)
        direct = {"EXECGRAPH_LISTEN_URL": database_url} if through != database_url else {}
        self._environment = {**os.environ, "DATABASE_URL": through, **direct, **environment}

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()

    def start(self) -> None:
        """Return when it is ready."""
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115
        self._process = subprocess.Popen(
            self._command, cwd=ROOT, env=self._environment, stdout=subprocess.DEVNULL, stderr=self._log
        )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            assert self._process.poll() is None, self.log()
            try:
                if httpx.get(f"{self.address}/readyz", timeout=5).status_code == httpx.codes.OK:
                    return
            except httpx.TransportError:
                time.sleep(0.05)
        raise AssertionError(f"not ready in time: {self.log()}")

    def stop(self) -> None:
        """End it in order."""
        self._process.terminate()
        assert self._process.wait(30) == 0, self.log()

    def signal(self, number: int) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def log(self) -> str:
        """What it has logged."""
        self._log.seek(0)
        return self._log.read()

    def workers(self) -> set[int]:
        """The process ids of its workers."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return {int(pid) for pid in children if b"graphql_api.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()}


class Load:
    """Writers that append to one run without a pause, and a follower of its log: `with Load(addresses, run):`.

    A request that is refused before it is accepted (the connection is refused, or the answer is 503) is sent again, to
    the next address; whatever else goes wrong is a failure.
    """

    def __init__(self, addresses: list[str], run_id: str, writers: int = 3) -> None:
        self._addresses = addresses
        self._run_id = run_id
        self._going = threading.Event()
        self.acknowledged: list[str] = []
        self.failures: list[str] = []
        self.refusals = 0
        self.reconnections = -1
        self.seen: list[tuple[int, str]] = []
        self._threads = [threading.Thread(target=self._guarded(self._write, place)) for place in range(writers)]
        self._follower = threading.Thread(target=self._guarded(self._follow, 0))

    def __enter__(self) -> Self:
        for thread in (*self._threads, self._follower):
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._going.set()
        for thread in self._threads:
            thread.join(60)
        self._follower.join(60)
        assert not self._follower.is_alive(), f"saw {len(self.seen)} of {len(self.acknowledged)}"

    def wait_for(self, count: int) -> None:
        """Wait until so many more entries were acknowledged."""
        upto = len(self.acknowledged) + count
        deadline = time.monotonic() + 90
        while len(self.acknowledged) < upto and time.monotonic() < deadline:
            time.sleep(0.01)
        assert len(self.acknowledged) >= upto, self.failures

    def check(self) -> None:
        """Nothing failed, nothing is lost or doubled, and the follower saw all of it in order."""
        assert self.failures == []
        assert [sequence for sequence, _ in self.seen] == list(range(1, len(self.seen) + 1))
        assert sorted(message for _, message in self.seen) == sorted(self.acknowledged)

    def _guarded(self, work: Callable[[int], None], place: int) -> Callable[[], None]:
        def guarded() -> None:
            try:
                work(place)
            except Exception as error:
                self.failures.append(f"{work.__name__}: {error!r}")

        return guarded

    def _write(self, place: int) -> None:
        turn = place
        with httpx.Client(timeout=30) as client:
            number = 0
            while not self._going.is_set():
                number += 1
                message = f"{place}-{number}"
                body = {"query": APPEND, "variables": {"run": self._run_id, "message": message}}
                while True:
                    try:
                        answer = client.post(f"{self._addresses[turn % len(self._addresses)]}/graphql", json=body)
                    except httpx.ConnectError:
                        answer = None
                    if answer is not None and answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                        break
                    self.refusals += 1
                    turn += 1
                    time.sleep(0.01)
                result = answer.json()
                if result.get("data", {}).get("appendLogs", {}).get("__typename") != "AppendLogsPayload":
                    self.failures.append(answer.text)
                    return
                self.acknowledged.append(message)
                time.sleep(0.01)

    def _follow(self, _: int) -> None:
        turn, last = 0, 0
        headers = {"accept": "text/event-stream"}
        with httpx.Client(timeout=30) as client:
            while not (self._going.is_set() and self._has_seen_all()):
                address = self._addresses[turn % len(self._addresses)]
                body = {"query": FOLLOW, "variables": {"run": self._run_id, "after": last}}
                turn += 1
                try:
                    with client.stream("POST", f"{address}/graphql", json=body, headers=headers) as stream:
                        self.reconnections += 1
                        for line in stream.iter_lines():
                            if found := re.match(r"data: (\{.*)", line):
                                event = json.loads(found[1])
                                if "errors" in event:  # the database is away: from where we are, again
                                    assert event["errors"][0]["extensions"]["code"] == "UNAVAILABLE", event
                                    break
                                last = self._take(event)
                            if self._going.is_set() and self._has_seen_all():
                                return
                except httpx.TransportError:
                    pass
                time.sleep(0.05)

    def _take(self, event: dict[str, Any]) -> int:
        batch = event["data"]["executionLogs"]
        self.seen += [(entry["sequence"], entry["message"]) for entry in batch["entries"]]
        return int(batch["lastSequence"])

    def _has_seen_all(self) -> bool:
        return len(self.seen) >= len(self.acknowledged) and not any(thread.is_alive() for thread in self._threads)
