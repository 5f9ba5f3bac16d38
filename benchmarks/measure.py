"""Asking a question both ways, in turns, and comparing the answers."""

import json
import math
import statistics
import time
from asyncio import AbstractEventLoop
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from http.client import HTTPConnection
from typing import Any
from uuid import UUID

import httpx
import orjson

from benchmarks.questions.question import Question, Rows

WARM_UP = 3


@dataclass(frozen=True, slots=True)
class Times:
    """Milliseconds."""

    p50: float
    p95: float
    worst: float


@dataclass(frozen=True, slots=True)
class Measured:
    """What a question took over HTTP through the API, and from asyncpg with hand-written SQL."""

    topic: str
    name: str
    rows: int
    bytes: int
    api: Times
    sql: Times
    target_ms: float | None
    allowed_ms: float | None

    @property
    def ratio(self) -> float:
        """How many times as long as the hand-written SQL the API takes, at the median."""
        return self.api.p50 / self.sql.p50

    @property
    def is_slow(self) -> bool:
        """Whether it misses the target."""
        return self.target_ms is not None and self.api.p95 > self.target_ms

    def to_json(self) -> dict[str, Any]:
        """For the file of results."""
        return {**asdict(self), "ratio": self.ratio}


class Bench:
    """One client of the API, and one connection to the database behind it."""

    def __init__(self, http: httpx.Client, loop: AbstractEventLoop, connection: Any, rounds: int) -> None:
        self._http = http
        # What is timed goes over the plainest client there is: httpx took a tenth of the time of large answers.
        self._connection_to_api = HTTPConnection(http.base_url.host, http.base_url.port)
        self._loop = loop
        self._connection = connection
        self._rounds = rounds

    def ask(self, document: str, variables: dict[str, Any]) -> tuple[Any, bytes]:
        """The data that the API answers, and the answer as it came."""
        body = orjson.dumps({"query": document, "variables": variables})
        response = self._http.post("/graphql", content=body, headers={"content-type": "application/json"})
        answer = orjson.loads(response.content)
        if "errors" in answer:
            raise RuntimeError(f"{answer['errors']} to {document}")
        return answer["data"], response.content

    def measure(self, question: Question) -> Measured:
        """Ask both ways, in turns.

        Raises:
            RuntimeError: the answers differ.
        """
        data, answer = self.ask(question.document, question.variables)
        rows = question.answer(data)
        expected = self._fetch(question)[: len(rows)]
        if [_comparable(row) for row in rows] != [_comparable(row) for row in expected]:
            raise RuntimeError(f"{question.topic}, {question.name}: {rows[:2]} is not {expected[:2]}")
        api, sql = [], []
        for place in range(WARM_UP + self._rounds):
            taken = (
                _timed(lambda: self._post(question)),
                _timed(lambda: orjson.dumps(self._fetch(question), default=str)),
            )
            if place >= WARM_UP:
                api.append(taken[0])
                sql.append(taken[1])
        return Measured(
            question.topic,
            question.name,
            len(rows),
            len(answer),
            _times(api),
            _times(sql),
            question.target_ms,
            question.allowed_ms,
        )

    def _post(self, question: Question) -> bytes:
        body = orjson.dumps({"query": question.document, "variables": question.variables})
        self._connection_to_api.request("POST", "/graphql", body, {"content-type": "application/json"})
        return self._connection_to_api.getresponse().read()

    def _fetch(self, question: Question) -> Rows:
        found = self._loop.run_until_complete(self._connection.fetch(question.sql, *question.arguments))
        return [dict(row) for row in found]


def _timed(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


def _times(taken: list[float]) -> Times:
    ordered = sorted(taken)
    return Times(statistics.median(ordered), ordered[math.ceil(len(ordered) * 0.95) - 1], ordered[-1])


def _comparable(row: dict[str, Any]) -> dict[str, Any]:
    return {name: _plain(value, name) for name, value in sorted(row.items())}


def _plain(value: Any, name: str) -> Any:
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if name == "data" and isinstance(value, str):
        return json.loads(value)
    return value
