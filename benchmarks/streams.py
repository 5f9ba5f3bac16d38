"""Measure live streams, side by side with a bare loop: python benchmarks/streams.py --help."""

import asyncio
import os
import platform
import re
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import orjson

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.place import place, place_options
from benchmarks.report import machine
from benchmarks.stream_clients import Subscriber
from benchmarks.write_calls import Api, Call, Connection, Endpoint, Handwritten, entries

API = ["-m", "graphql_api.cli", "serve", "--port", "0"]
BARE = ["-m", "benchmarks.handwritten_streams"]
LIMIT_SECONDS = 60.0
LINE = "| {:62} | {:>10} | {:>10} | {:>7} | {:>8} |"
TICKS = os.sysconf("SC_CLK_TCK")
SPACING = 0.02
"""Seconds between the entries whose latency is measured."""
LATE_MS = 1_000.0


@dataclass(frozen=True, slots=True)
class Place:
    """A server to measure."""

    endpoint: Endpoint
    pid: int
    follow_port: int
    bare: bool


@dataclass(slots=True)
class Results:
    """What was measured, by what and of which."""

    lines: list[dict[str, Any]] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)

    def add(
        self, what: str, ours: float, bare: float | None = None, bound: float | None = None, worst: Any = ""
    ) -> None:
        """Print and keep a line; `bound` limits the ratio to the bare loop's, `worst` the figure itself."""
        ratio = ours / bare if bare else None
        broken = (bound is not None and ratio is not None and ratio > bound) or (worst != "" and ours > worst)
        limit = f"{bound:.0f} x" if bound is not None else f"{worst:,.0f}" if worst != "" else ""
        if broken:
            self.missed.append(what)
        click.echo(
            LINE.format(
                what,
                f"{ours:,.2f}",
                "" if bare is None else f"{bare:,.2f}",
                "" if ratio is None else f"{ratio:.2f}",
                limit + (" !" if broken else ""),
            )
        )
        self.lines.append({"what": what, "ours": ours, "bare": bare, "ratio": ratio, "limit": limit})


@contextmanager
def served(command: list[str], database_url: str) -> Iterator[tuple[int, int]]:
    """A server in a process of its own: its port and its process id."""
    environment = {**os.environ, "DATABASE_URL": database_url}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen([sys.executable, *command], env=environment, text=True, **pipes)  # type: ignore[call-overload] # noqa: S603 - our own
    try:
        line = process.stdout.readline()
        found = re.search(r"http://[0-9.]+:(\d+)", line)
        if found is None:
            raise RuntimeError(f"the server said {line!r}")
        yield int(found[1]), process.pid
    finally:
        process.kill()
        process.wait(30)


@asynccontextmanager
async def following(where: Place, run_ids: list[str], after: int) -> AsyncIterator[list[Subscriber]]:
    """A subscriber of each of these runs, ready."""
    subscribers = [Subscriber(where.follow_port, run_id, after, bare=where.bare) for run_id in run_ids]
    try:
        for start in range(0, len(subscribers), 50):
            await asyncio.gather(*(each.connect() for each in subscribers[start : start + 50]))
        await asyncio.sleep(1)
        yield subscribers
    finally:
        for each in subscribers:
            each.close()


async def new_runs(api: Endpoint, count: int) -> list[str]:
    """RUNNING runs."""
    async with Connection(api) as connection:
        workflow = await connection.ask(Call("createWorkflow", {"input": {"name": "Streams"}}))
        runs = []
        for _ in range(count):
            given = {"input": {"workflowId": workflow["id"], "triggerType": "EVENT"}}
            run_id = (await connection.ask(Call("createWorkflowExecution", given)))["id"]
            await connection.ask(Call("startWorkflowExecution", {"id": run_id}))
            runs.append(run_id)
    return runs


async def reach(subscribers: list[Subscriber], last: int) -> None:
    """Wait until all have got as far."""
    async with asyncio.timeout(LIMIT_SECONDS):
        while any(each.reached < last for each in subscribers):  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    if any(each.missed for each in subscribers):
        raise RuntimeError("entries were repeated or left out")


async def append_steadily(where: Place, run_id: str, count: int, spacing: float) -> dict[int, float]:
    """Append entries one by one, at a steady rate; when each was acknowledged."""
    acknowledged: dict[int, float] = {}
    call = Call("appendLogs", {"workflowExecutionId": run_id, "entries": entries(1)})
    began = time.perf_counter()
    async with Connection(where.endpoint) as connection:
        for number in range(count):
            await asyncio.sleep(max(0.0, began + number * spacing - time.perf_counter()))
            result = await connection.ask(call)
            acknowledged[result["lastSequence"]] = time.perf_counter()
    return acknowledged


def latencies(subscribers: list[Subscriber], acknowledged: dict[int, float], after: int) -> list[float]:
    """Milliseconds from each acknowledgement to each arrival, by subscriber and entry; 0 if it came before."""
    found = []
    for subscriber in subscribers:
        place = after
        for last, at in subscriber.arrivals:
            found += [max(0.0, (at - acknowledged[number]) * 1000) for number in range(place + 1, last + 1)]
            place = last
    return sorted(found)


def percentile(ordered: list[float], share: float) -> float:
    """The value that a share of them does not exceed."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


async def latency(where: Place, api: Endpoint, subscribers: int, count: int, spacing: float) -> list[float]:
    """The latencies of one run with so many subscribers."""
    (run_id,) = await new_runs(api, 1)
    async with following(where, [run_id] * subscribers, 0) as all_of_them:
        acknowledged = await append_steadily(where, run_id, count, spacing)
        await reach(all_of_them, count)
        return latencies(all_of_them, acknowledged, 0)


async def throughput(where: Place, api: Endpoint, subscribers: int, seconds: float) -> float:
    """Entries delivered a second, to all subscribers together, of a run to which is appended as fast as it goes."""
    (run_id,) = await new_runs(api, 1)
    call = Call("appendLogs", {"workflowExecutionId": run_id, "entries": entries(100)})
    async with following(where, [run_id] * subscribers, 0) as all_of_them, Connection(where.endpoint) as connection:
        began, last = time.perf_counter(), 0
        while time.perf_counter() - began < seconds:
            last = (await connection.ask(call))["lastSequence"]
        await reach(all_of_them, last)
        return last * subscribers / (time.perf_counter() - began)


async def idle(where: Place, api: Endpoint, count: int, seconds: float) -> tuple[float, float]:
    """Memory of each of so many idle subscriptions, in kB, and the CPU of all of them, in percent of one."""
    runs = await new_runs(api, 100)
    async with following(where, runs, 0):  # what the first ones load stays
        pass
    await asyncio.sleep(1)
    before = kilobytes(where.pid)
    async with following(where, [runs[number % 100] for number in range(count)], 0):
        await asyncio.sleep(2)
        grown, ticks = kilobytes(where.pid) - before, cpu_ticks(where.pid)
        await asyncio.sleep(seconds)
        return grown / count, (cpu_ticks(where.pid) - ticks) / TICKS / seconds * 100


def kilobytes(pid: int) -> float:
    """The memory that a process has."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1024


def cpu_ticks(pid: int) -> int:
    """The time that a process has computed."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


async def measure(ours: Place, other: Place, bare: Place, scale: float) -> Results:
    """Everything, each figure of ours and of the bare loop right after each other."""
    results, api = Results(), ours.endpoint
    click.echo(LINE.format("", "execgraph", "bare loop", "ratio", "at most"))
    click.echo("|---|--:|--:|--:|--:|")
    idles = [await idle(where, api, 1_000, 5) for where in (ours, bare)]
    results.add("memory of an idle subscription, kB", idles[0][0], idles[1][0])
    results.add("CPU of 1,000 idle subscriptions, % of a core", idles[0][1], idles[1][1])
    for subscribers, appends in ((1, 200), (100, 100), (1_000, 40)):
        count = max(10, int(appends * scale))
        spacing = SPACING if subscribers < 1_000 else 0.25
        rounds: dict[str, list[list[float]]] = {"ours": [], "bare": [], "other": []}
        for _ in range(3 if subscribers == 1 else 1):
            for name, where in (("ours", ours), ("bare", bare), ("other", other)):
                rounds[name].append(await latency(where, api, subscribers, count, spacing))
        for name, share in (("p50", 0.5), ("p99", 0.99)):
            figures = {who: statistics.median(percentile(each, share) for each in took) for who, took in rounds.items()}
            bound = 3.0 if (subscribers, name) == (1, "p50") else None
            what = f"{subscribers:,} subscriber{'s' * (subscribers > 1)}: {name}, ms"
            results.add(what, figures["ours"], figures["bare"], bound)
            results.add(f"{what}, reported to another process", figures["other"], figures["bare"], bound)
    for subscribers in (1, 100):
        rates = [await throughput(where, api, subscribers, 3 * scale) for where in (ours, bare)]
        results.add(f"entries delivered a second in all, {subscribers} subscriber{'s' * (subscribers > 1)}", *rates)
    took = await latency(ours, api, 1_000, int(1_000 * scale), 0.01)
    results.add("1,000 subscribers, 100 entries/s, nothing lost: p50, ms", percentile(took, 0.5))
    results.add("the same: p99, ms", percentile(took, 0.99))
    results.add("the same: the latest, ms", took[-1], worst=LATE_MS)
    return results


@click.command(context_settings={"show_default": True})
@place_options
@click.option("--scale", default=1.0, help="How long everything is measured, in proportion.")
@click.option("--save", "target", type=click.Path(path_type=Path), default=Path("build/streams.json"))
def main(url: str | None, folder: Path, scale: float, target: Path) -> None:
    """Measure the latency and the cost of live streams, in turns with a bare loop on the same tables."""
    with (
        place(url, folder) as database_url,
        served(API, database_url) as (port, pid),
        served(API, database_url) as (other_port, _),
        served(BARE, database_url) as (bare_port, bare_pid),
    ):
        time.sleep(2)  # until the hubs listen
        ours = Place(Api(port), pid, port, bare=False)
        other = Place(Api(other_port), pid, port, bare=False)
        bare = Place(Handwritten(bare_port), bare_pid, bare_port, bare=True)
        results = asyncio.run(measure(ours, other, bare, scale))
    target.parent.mkdir(parents=True, exist_ok=True)
    content = {"measured_at": datetime.now(UTC), "machine": machine(), "python": platform.python_version()}
    target.write_bytes(orjson.dumps({**content, **asdict(results)}, option=orjson.OPT_INDENT_2))
    if results.missed:
        raise click.ClickException(f"missed: {'; '.join(results.missed)}")


if __name__ == "__main__":
    main()
