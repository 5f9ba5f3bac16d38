"""Appending 1,000 entries: execgraph beside the endpoint that is written by hand. PostGraphile has nothing like it."""

from collections.abc import Mapping
from secrets import token_hex
from urllib.parse import urlsplit

import httpx
import orjson

from benchmarks.peers.load import load
from benchmarks.peers.sample import Reporter
from benchmarks.write_calls import KEY_PLACE, Call, Endpoint, entries

ENTRIES = 1_000
RUNS = 16
"""Of each server, appended to in turn: so many that connections hardly ever wait for each other."""
_RUN_PLACE = "run-id"


class Appends:
    """Appends to runs of one server's own."""

    def __init__(
        self, endpoint: type[Endpoint], address: str, headers: Mapping[str, str], reporter: Reporter, workflow: str
    ) -> None:
        """Make the runs."""
        self._endpoint = endpoint(urlsplit(address).port or 0)
        self._address = address
        self._headers = {"content-type": "application/json", **headers}
        self._reporter = reporter
        self._runs = [reporter.run(workflow) for _ in range(RUNS)]

    def rate(self, seconds: int) -> float:
        """Requests per second, each with all entries.

        Raises:
            RuntimeError: fewer entries were appended than acknowledged.
        """
        before = self._appended()
        path, content = self._endpoint.request(
            Call("appendLogs", {"workflowExecutionId": _RUN_PLACE, "entries": entries(ENTRIES)})
        )
        before_run, _, rest = orjson.dumps(content).decode().partition(_RUN_PLACE)
        parts = [f"[==[{part}]==]" for part in (before_run, *rest.split(KEY_PLACE))]
        script = [
            f"local runs = {{{', '.join(f'[[{run}]]' for run in self._runs)}}}",
            "local count = 0",
            "request = function()",
            "  count = count + 1",
            f"  local key = '{token_hex(6)}-' .. count",
            f"  local body = {parts[0]} .. runs[count % {RUNS} + 1] .. {parts[1]} .. key .. {parts[2]}",
            f"  return wrk.format('POST', '{path}', nil, body)",
            "end",
        ]
        done = load(self._address, self._headers, script, seconds)
        if self._appended() - before < done.requests * ENTRIES:
            raise RuntimeError(f"{self._endpoint.name}: {done.requests} appends acknowledged, fewer done")
        return done.per_second

    def _appended(self) -> int:
        return sum(map(self._reporter.last_sequence, self._runs))

    def check(self) -> None:
        """Append once, and have the answer read.

        Raises:
            RuntimeError: it is not what was asked for.
        """
        call = Call("appendLogs", {"workflowExecutionId": self._runs[0], "entries": entries(ENTRIES)})
        path, content = self._endpoint.request(call)
        body = orjson.dumps(content).replace(KEY_PLACE.encode(), token_hex(8).encode())
        answer = httpx.post(self._address + path, content=body, headers=self._headers, timeout=60)
        found = self._endpoint.read(call, answer.content)
        if found["count"] != ENTRIES:
            raise RuntimeError(f"{self._endpoint.name}: {answer.text}")
