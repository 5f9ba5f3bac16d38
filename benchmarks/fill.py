"""Fill an empty database with a busy year: python benchmarks/fill.py --help."""

import asyncio
import sys
import time
from io import BytesIO
from pathlib import Path
from typing import Any

import asyncpg
import click
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.copy_text import COLUMNS, Rows
from benchmarks.place import place, place_options
from benchmarks.rows import Generator
from benchmarks.sizes import Sizes
from db import Database

BATCH_ROWS = 50_000
"""About how many rows there are to a COPY of all tables."""

Connection = Any
"""An asyncpg connection."""


async def fill(url: str, sizes: Sizes, *, progress: bool = True) -> None:
    """Write the rows; all or nothing, except for the statistics that are gathered at the end.

    The triggers are switched off for it (that takes a superuser), so the rows are made as these would have
    made them: counters, revisions and attempts are true. The secondary indexes are built anew afterwards.

    Args:
        url: an empty database at the newest revision.
        sizes: how many rows.
        progress: whether to show a bar.
    """
    options = Database(url).connect_options()
    connection = await asyncpg.connect(**options, command_timeout=None)
    try:
        total = sizes.runs + sizes.steps + sizes.entries
        with tqdm(total=total, unit=" rows", unit_scale=True, disable=not progress) as bar:
            async with connection.transaction():
                await connection.execute("SET LOCAL session_replication_role = replica")
                await connection.execute("SET LOCAL maintenance_work_mem = '512MB'")
                indexes = await _drop_indexes(connection)
                await _copy_all(connection, Generator(sizes), bar)
                for definition in indexes:
                    bar.set_description(f"CREATE INDEX {definition.split()[2].removeprefix('ix_')[:40]}")
                    await connection.execute(definition)
            bar.set_description("VACUUM ANALYZE")
            await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()


async def _copy_all(connection: Connection, generator: Generator, bar: Any) -> None:
    await _copy(connection, generator.definitions())
    waiting: Rows = {table: [] for table in COLUMNS}
    rows = 0
    for run in generator.runs():
        for table, lines in run.items():
            waiting[table] += lines
        grown = 1 + len(run["node_executions"]) + len(run["execution_logs"])
        rows += grown
        if rows >= BATCH_ROWS:
            await _copy(connection, waiting)
            bar.update(rows)
            rows = 0
            for lines in waiting.values():
                lines.clear()
    await _copy(connection, waiting)
    bar.update(rows)


async def _copy(connection: Connection, rows: Rows) -> None:
    for table, lines in rows.items():
        if lines:
            source = BytesIO(("\n".join(lines) + "\n").encode())
            await connection.copy_to_table(table, source=source, columns=COLUMNS[table].split(), format="text")


async def _drop_indexes(connection: Connection) -> list[str]:
    """Drop the indexes of the large tables that no constraint needs, and say how to make them again."""
    found = await connection.fetch(
        "SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS definition"
        " FROM pg_index WHERE NOT indisunique AND indrelid = ANY($1::text[]::regclass[])",
        ["workflow_executions", "node_executions", "execution_logs", "execution_counters"],
    )
    for name, _ in found:
        await connection.execute(f"DROP INDEX {name}")
    return [definition for _, definition in found]


async def is_empty(url: str) -> bool:
    """Whether there is nothing in the database yet."""
    connection = await asyncpg.connect(**Database(url).connect_options())
    try:
        return not await connection.fetchval("SELECT EXISTS (SELECT FROM workflows)")
    finally:
        await connection.close()


DEFAULTS = Sizes()


@click.command(context_settings={"show_default": True})
@place_options
@click.option("--runs", default=DEFAULTS.runs)
@click.option("--steps", default=DEFAULTS.steps)
@click.option("--entries", default=DEFAULTS.entries, help="Log entries.")
@click.option("--workflows", default=DEFAULTS.workflows)
@click.option("--longest-log", default=DEFAULTS.longest_log, help="Entries of one of the runs.")
@click.option("--widest-run", default=DEFAULTS.widest_run, help="Steps of another one.")
@click.option("--days", default=DEFAULTS.days, help="The time that the runs are spread over.")
@click.option("--seed", default=DEFAULTS.seed, help="The same options and seed make the same rows.")
@click.option("--if-empty", is_flag=True, help="Do nothing where there is something already.")
def main(url: str | None, folder: Path, if_empty: bool, **sizes: int) -> None:
    """Fill an empty database with a busy year's runs."""
    try:
        chosen = Sizes(**sizes)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    with place(url, folder) as database_url:
        if not asyncio.run(is_empty(database_url)):
            if if_empty:
                return
            raise click.ClickException("There is something in this database already")
        began = time.perf_counter()
        asyncio.run(fill(database_url, chosen))
        click.echo(f"Filled in {time.perf_counter() - began:.0f} s.")


if __name__ == "__main__":
    main()
