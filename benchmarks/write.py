"""Measure what engines report, side by side with a hand-written endpoint: python benchmarks/write.py --help."""

import asyncio
import os
import platform
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import asyncpg
import click
import orjson

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.place import place, place_options
from benchmarks.report import PACKAGES, machine
from benchmarks.served import wait_for
from benchmarks.write_calls import Api, Call, Connection, Endpoint, Handwritten, entries, prepared
from db import Database

SERVERS: dict[type[Endpoint], list[str]] = {
    Api: ["-m", "graphql_api.cli", "serve", "--port", "0"],
    Handwritten: ["-m", "benchmarks.handwritten_write"],
}
STEPS, ENTRIES = 100, 1_000
"""Of a whole run."""
LINE = "| {:44} | {:>10} | {:>10} | {:>6} | {:>8} |"

Reports = Callable[[float], Awaitable[int]]
"""Reports until the time is over; gives how many things it reported."""
Client = Callable[[Connection], Awaitable[Reports]]
"""Sets up, which does not count, and gives what reports."""


@dataclass(frozen=True, slots=True)
class Question:
    """Something to measure."""

    name: str
    unit: str
    bound: float
    """The share of the hand-written rate that is promised."""
    connections: int
    client: Callable[[Endpoint, str], Client]


@dataclass(frozen=True, slots=True)
class Measured:
    """Rates per second; the median of all rounds."""

    name: str
    unit: str
    bound: float
    api: float
    by_hand: float

    @property
    def ratio(self) -> float:
        """The API's share of the hand-written rate."""
        return self.api / self.by_hand


def appending(batch: int) -> Callable[[Endpoint, str], Client]:
    """Each client appends to a run of its own."""

    def prepare(endpoint: Endpoint, workflow_id: str) -> Client:
        async def client(connection: Connection) -> Reports:
            run_id = await new_run(connection, workflow_id)
            call = Call("appendLogs", {"workflowExecutionId": run_id, "entries": entries(batch)})
            request = prepared(endpoint, call)

            async def report(until: float) -> int:
                sent = 0
                while time.perf_counter() < until:
                    endpoint.read(call, await connection.send(request))
                    sent += batch
                return sent

            return report

        return client

    return prepare


def transitioning(_: Endpoint, workflow_id: str) -> Client:
    """Each client starts and completes the steps of a run of its own, one by one."""

    async def client(connection: Connection) -> Reports:
        run_id = await new_run(connection, workflow_id)
        steps = await new_steps(connection, run_id, 1_000)

        async def report(until: float) -> int:
            done = 0
            for step in steps:
                for mutation in ("startNodeExecution", "completeNodeExecution"):
                    if time.perf_counter() > until:
                        return done
                    await connection.ask(Call(mutation, {"id": step}))
                    done += 1
            return done

        return report

    return client


def whole_runs(_: Endpoint, workflow_id: str) -> Client:
    """Create and start a run, create, start and complete its steps, append its entries, complete it."""

    async def client(connection: Connection) -> Reports:
        async def report(until: float) -> int:
            done = 0
            while time.perf_counter() < until:
                run_id = await new_run(connection, workflow_id)
                steps = await new_steps(connection, run_id, STEPS)
                await move_all(connection, "start", steps)
                given = {"workflowExecutionId": run_id, "entries": entries(ENTRIES, steps)}
                await connection.ask(Call("appendLogs", given))
                await move_all(connection, "complete", steps)
                await connection.ask(Call("completeWorkflowExecution", {"id": run_id}))
                done += 1
            return done

        return report

    return client


async def new_run(connection: Connection, workflow_id: str) -> str:
    """A RUNNING run."""
    given = {"input": {"workflowId": workflow_id, "triggerType": "EVENT"}}
    run_id: str = (await connection.ask(Call("createWorkflowExecution", given)))["id"]
    await connection.ask(Call("startWorkflowExecution", {"id": run_id}))
    return run_id


async def new_steps(connection: Connection, run_id: str, count: int) -> list[str]:
    """PENDING steps."""
    steps = [{"key": f"step-{place}", "name": f"Step {place}", "executionOrder": place} for place in range(count)]
    given = {"workflowExecutionId": run_id, "nodeExecutions": steps}
    return [step["id"] for step in await connection.ask(Call("createNodeExecutions", given))]


async def move_all(connection: Connection, action: str, steps: Sequence[str]) -> None:
    """Start or complete all steps in one call."""
    transitions = [{action: {"id": id_}} for id_ in steps]
    await connection.ask(Call("transitionNodeExecutions", {"transitions": transitions}))


QUESTIONS = [
    *(
        Question(f"entries in batches of {batch:,}", "entries", bound, connections, appending(batch))
        for batch, bound in ((1, 0.4), (100, 0.4), (1_000, 0.6))
        for connections in (1, 8)
    ),
    *(Question("transitions one by one", "transitions", 0.4, connections, transitioning) for connections in (1, 8)),
    *(Question("whole runs", "runs", 0.6, connections, whole_runs) for connections in (1, 8)),
]


@contextmanager
def served(endpoint: type[Endpoint], database_url: str) -> Iterator[Endpoint]:
    """Serve in a process of its own."""
    environment = {**os.environ, "DATABASE_URL": database_url}
    command = [sys.executable, *SERVERS[endpoint]]
    process = subprocess.Popen(command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)  # noqa: S603 - our own
    try:
        assert process.stdout is not None
        found = re.search(r"http://[0-9.]+:([0-9]+)", process.stdout.readline())
        if found is None:
            raise RuntimeError(f"{command} does not say where it serves")
        wait_for(found[0])
        yield endpoint(int(found[1]))
    finally:
        process.terminate()
        process.wait(30)


async def rate(endpoint: Endpoint, question: Question, workflow_id: str, seconds: float) -> float:
    """How many per second."""
    client = question.client(endpoint, workflow_id)
    async with AsyncExitStack() as stack:
        connections = [await stack.enter_async_context(Connection(endpoint)) for _ in range(question.connections)]
        reports = await asyncio.gather(*(client(connection) for connection in connections))
        began = time.perf_counter()
        done = await asyncio.gather(*(report(began + seconds) for report in reports))
        return sum(done) / (time.perf_counter() - began)


async def measure(endpoints: Sequence[Endpoint], only: str, rounds: int, seconds: float) -> list[Measured]:
    """Ask all questions of both endpoints, in turns."""
    measured = []
    async with Connection(endpoints[0]) as connection:
        workflow_id = (await connection.ask(Call("createWorkflow", {"input": {"name": "Benchmark"}})))["id"]
    for question in QUESTIONS:
        name = f"{question.name}, {question.connections} connection{'s' * (question.connections > 1)}"
        if only not in name:
            continue
        rates: dict[str, list[float]] = {endpoint.name: [] for endpoint in endpoints}
        for endpoint in endpoints:
            await rate(endpoint, question, workflow_id, seconds / 4)  # warm up
        for number in range(rounds):
            for endpoint in endpoints if number % 2 else reversed(endpoints):
                rates[endpoint.name].append(await rate(endpoint, question, workflow_id, seconds))
        medians = [statistics.median(rates[endpoint.name]) for endpoint in endpoints]
        measured.append(Measured(name, question.unit, question.bound, *medians))
        click.echo(line(measured[-1]))
    return measured


def line(each: Measured) -> str:
    """One line of the table."""
    bound = f"{each.bound:.1f}{'' if each.ratio >= each.bound else ' !'}"
    figures = (f"{each.api:,.1f}", f"{each.by_hand:,.1f}", f"{each.ratio:.2f}", bound)
    return LINE.format(f"{each.name}: {each.unit}/s", *figures)


def save(target: Path, measured: Sequence[Measured], server: str, rounds: int, seconds: float) -> None:
    """Write the results with all that they depend on."""
    commit, changes = (
        subprocess.run(["git", *arguments], capture_output=True, text=True, check=False).stdout.strip()  # noqa: S603, S607 - our own
        for arguments in (("rev-parse", "HEAD"), ("status", "--porcelain"))
    )
    content = {
        "measured_at": datetime.now(UTC),
        "commit": commit,
        "uncommitted_changes": bool(changes),
        "machine": machine(),
        "postgresql": server,
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
        "rounds": rounds,
        "seconds": seconds,
        "results": [{**asdict(each), "ratio": each.ratio} for each in measured],
    }
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2))


async def server_version(database_url: str) -> str:
    """What PostgreSQL says of itself."""
    connection = await asyncpg.connect(**Database(database_url).connect_options())
    try:
        return str(await connection.fetchval("SELECT version()"))
    finally:
        await connection.close()


@click.command(context_settings={"show_default": True})
@place_options
@click.option("--rounds", default=5, help="How often each endpoint is measured.")
@click.option("--seconds", default=2.0, help="How long each time.")
@click.option("--save", "target", type=click.Path(path_type=Path), default=Path("build/write.json"))
@click.option("--only", default="", help="A part of the names of the questions.")
def main(url: str | None, folder: Path, rounds: int, seconds: float, target: Path, only: str) -> None:
    """Measure reports per second over HTTP, in turns with a hand-written endpoint on the same tables."""
    with place(url, folder) as database_url:
        with served(Api, database_url) as api, served(Handwritten, database_url) as by_hand:
            click.echo(LINE.format("per second, median", "API", "by hand", "ratio", "at least"))
            measured = asyncio.run(measure([api, by_hand], only, rounds, seconds))
        server = asyncio.run(server_version(database_url))
    save(target, measured, server, rounds, seconds)
    click.echo(f"saved to {target}")
    if slow := sum(each.ratio < each.bound for each in measured):
        raise click.ClickException(f"{slow} of them miss their bounds")


if __name__ == "__main__":
    main()
