"""Measure what dashboards read, beside hand-written SQL: python benchmarks/read.py --help."""

import asyncio
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import click
import httpx
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.measure import Bench
from benchmarks.place import place, place_options
from benchmarks.questions import counts, run_lists, single_run, trees
from benchmarks.questions.known import Known, look_around
from benchmarks.questions.question import Question
from benchmarks.report import save, table
from benchmarks.served import served
from db import Database

FAR_PAGE = 1_000
STEP = 200
"""The longest page of runs."""


def questions(bench: Bench, known: Known, *, only: str, far: bool) -> Iterator[Question]:
    """The questions with `only` in their names; if `far`, page 1,000 of the long lists among them."""
    for each in chain(run_lists.lists(known), run_lists.combinations(known)):
        if only in f"{run_lists.TOPIC}: {each.name}":
            yield run_lists.question(each)
            if far and each.far:
                yield far_page(bench, each)
    for question in chain(single_run.questions(known), trees.questions(known), counts.questions(known)):
        if only in f"{question.topic}: {question.name}":
            yield question


def far_page(bench: Bench, of: run_lists.List) -> Question:
    """The question for page 1,000, to which the cursors lead, in larger strides."""
    after, node = None, None
    left = (FAR_PAGE - 1) * run_lists.PAGE_SIZE
    while left:
        order = {"field": of.field, "direction": of.direction}
        variables = {"filter": of.filter, "order": order, "first": min(left, STEP), "after": after}
        data, _ = bench.ask(run_lists.DOCUMENT if left <= STEP else run_lists.CURSORS, variables)
        found = data["workflowExecutions"]
        if not found["pageInfo"]["hasNextPage"]:
            raise RuntimeError(f"{of.name} has no page {FAR_PAGE}; fill a larger database, or use --no-far")
        after, node = found["pageInfo"]["endCursor"], found["nodes"][-1]
        left -= len(found["nodes"])
    return run_lists.question(of, FAR_PAGE, after, _position(of, node))


def _position(of: run_lists.List, node: Any) -> tuple[Any, UUID]:
    if of.field == "DURATION":
        began, ended = (datetime.fromisoformat(node[name]) for name in ("startedAt", "endedAt"))
        key: datetime | timedelta = ended - began
    else:
        name = {"CREATED_AT": "createdAt", "STARTED_AT": "startedAt", "ENDED_AT": "endedAt"}[of.field]
        key = datetime.fromisoformat(node[name])
    return key, UUID(node["id"])


@click.command(context_settings={"show_default": True})
@place_options
@click.option("--rounds", default=40, help="How often each question is asked each way.")
@click.option("--save", "target", type=click.Path(path_type=Path), default=Path("build/read.json"))
@click.option("--only", default="", help="A part of the names of the questions.")
@click.option("--far/--no-far", default=True, help="Ask for page 1,000, too.")
def main(url: str | None, folder: Path, rounds: int, target: Path, only: str, far: bool) -> None:
    """Measure what dashboards read over HTTP through the API, one client, in turns with hand-written SQL."""
    began = time.perf_counter()
    with place(url, folder) as database_url, closing(asyncio.new_event_loop()) as loop:
        connection = loop.run_until_complete(asyncpg.connect(**Database(database_url).connect_options()))
        # The hand-written SQL is to have the better of PostgreSQL's choices, too.
        loop.run_until_complete(connection.execute("SET plan_cache_mode = force_custom_plan; SET jit = off"))
        known = loop.run_until_complete(look_around(connection))
        with served(database_url) as (address, _), httpx.Client(base_url=address, timeout=60) as http:
            bench = Bench(http, loop, connection, rounds)
            asked = questions(bench, known, only=only, far=far)
            measured = [bench.measure(question) for question in tqdm(asked, unit=" questions")]
        version = loop.run_until_complete(connection.fetchval("SELECT version()"))
        rows = loop.run_until_complete(connection.fetch(_SIZES))
        loop.run_until_complete(connection.close())
    click.echo(table(measured))
    save(target, measured, version, dict(rows), rounds)
    click.echo(f"\n{len(measured)} questions in {time.perf_counter() - began:.0f} s; saved to {target}")
    if slow := sum(each.is_slow for each in measured):
        raise click.ClickException(f"{slow} of them miss their targets")


_SIZES = """
SELECT relname, reltuples::bigint FROM pg_class
WHERE relname IN ('workflow_executions', 'node_executions', 'execution_logs')
"""

if __name__ == "__main__":
    main()
