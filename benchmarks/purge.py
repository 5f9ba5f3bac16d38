"""How much does a purge delay those who append? python benchmarks/purge.py --help."""

import asyncio
import statistics
import sys
import time
from contextlib import aclosing
from datetime import timedelta
from pathlib import Path

import click
from sqlalchemy import text

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.place import place, place_options
from benchmarks.served import served
from benchmarks.write_calls import Api, Call, Connection, entries, prepared
from db import Database
from db.commands.purge import WORK_SHARE, Purge, PurgePolicy, Removed


class Writers:
    """Engines that append to runs of their own, one batch after another, and how long each append took."""

    def __init__(self, port: int, count: int, batch: int, pause: float) -> None:
        self._api = Api(port)
        self._count = count
        self._batch = batch
        self._pause = pause
        self.times: list[float] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> "Writers":
        async with Connection(self._api) as connection:
            workflow = await connection.ask(Call("createWorkflow", {"input": {"name": "purge benchmark"}}))
            self._runs = []
            for _ in range(self._count):
                new = {"workflowId": workflow["id"], "triggerType": "EVENT"}
                run = await connection.ask(Call("createWorkflowExecution", {"input": new}))
                await connection.ask(Call("startWorkflowExecution", {"id": run["id"]}))
                self._runs.append(run["id"])
        self._tasks = [asyncio.create_task(self._write(run)) for run in self._runs]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _write(self, run: str) -> None:
        append = Call("appendLogs", {"workflowExecutionId": run, "entries": entries(self._batch)})
        async with Connection(self._api) as connection:
            request = prepared(self._api, append)
            while True:
                began = time.perf_counter()
                self._api.read(append, await connection.send(request))
                self.times.append(time.perf_counter() - began)
                await asyncio.sleep(self._pause)

    def take(self) -> list[float]:
        """The times since the last call."""
        taken, self.times = self.times, []
        return taken


def shown(name: str, times: list[float], seconds: float) -> float:
    """Print the figures; gives the p99 in milliseconds."""
    ranks = [value * 1000 for value in statistics.quantiles(times, n=1000)]
    p50, p99, p999 = ranks[499], ranks[989], ranks[998]
    rate = f"{name:24} {len(times) / seconds:7.0f} appends/s"
    click.echo(f"{rate}   p50 {p50:6.2f} ms   p99 {p99:6.2f} ms   p99.9 {p999:6.2f} ms")
    return p99


async def measure(
    url: str, *, share: float, work_share: float, usual: float, seconds: float, writers: int, batch: int, pause: float
) -> float:
    """Append, purge meanwhile, append again; gives how many times the usual p99 it is during the purge."""
    with served(url) as (address, _):
        async with Database(url) as database, Writers(int(address.rsplit(":", 1)[1]), writers, batch, pause) as engines:
            async with database.read() as connection:
                old = text(
                    "SELECT clock_timestamp() - percentile_disc(CAST(:share AS float)) WITHIN GROUP (ORDER BY ended_at)"
                    " FROM workflow_executions"
                )
                age: timedelta = (await connection.execute(old, {"share": share})).scalar_one()
            await asyncio.sleep(3)
            engines.take()
            await asyncio.sleep(usual)
            before = shown("before", engines.take(), usual)
            total, began = Removed(), time.perf_counter()
            purge = Purge(database, PurgePolicy(age), work_share=work_share)
            async with aclosing(purge.run()) as batches:
                async for removed in batches:
                    total = total.plus(removed)
                    if time.perf_counter() - began > seconds:
                        break
            took = time.perf_counter() - began
            during = shown("while it is purged", engines.take(), took)
            await asyncio.sleep(usual)
            after = shown("after", engines.take(), usual)
    ratio = during / min(before, after)
    click.echo(f"{total.runs:,} runs, {total.steps:,} steps and {total.entries:,} entries removed in {took:.0f} s")
    click.echo(f"p99 while purging / usual p99: {ratio:.2f}")
    return ratio


@click.command(context_settings={"show_default": True})
@place_options
@click.option("--share", default=0.1, help="The part of the runs to purge, the oldest.")
@click.option("--work-share", default=WORK_SHARE, help="The part of the time that the purge works.")
@click.option("--usual", default=20.0, help="Seconds to measure before and after.")
@click.option("--seconds", default=3600.0, help="The longest that the purge may take.")
@click.option("--writers", default=4)
@click.option("--batch", default=10, help="Entries of one append.")
@click.option("--pause", default=0.0, help="Seconds between an answer and the next append.")
def main(url: str | None, folder: Path, **options: float) -> None:
    """Purge the oldest runs of a filled database while engines append; fails where their p99 doubles."""
    with place(url, folder) as database_url:
        ratio = asyncio.run(measure(database_url, **options))  # type: ignore[arg-type]
    if ratio > 2:
        raise click.ClickException("The writers' p99 more than doubled")


if __name__ == "__main__":
    main()
