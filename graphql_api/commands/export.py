"""`execgraph export`: runs as NDJSON."""

import asyncio
import sys
from contextlib import aclosing
from typing import BinaryIO
from uuid import UUID

import click

from db.archive import export_runs
from db.commands.purge import Purge
from db.database import Database
from graphql_api.commands.reach import one_line_errors, reached, settings_of_environment
from graphql_api.retention import old_runs_options, policy_of


@click.command("export")
@click.argument("runs", nargs=-1, type=click.UUID)
@old_runs_options(required=False)
@click.option("--sub-runs", is_flag=True, help="Also the runs that these started, and theirs.")
@click.option("--output", type=click.File("wb", lazy=True), default="-", help="Where to write to.  [default: stdout]")
def export_command(runs: tuple[UUID, ...], *, sub_runs: bool, output: BinaryIO, **options: object) -> None:
    """Write RUNS with their steps, tries and log entries, or those that `execgraph purge` would remove.

    One snapshot, streamed; the last line seals it, so that `execgraph import` refuses what is not whole.
    """
    old = policy_of(**options)  # type: ignore[arg-type]
    if bool(runs) == (old is not None):
        raise click.UsageError("Name runs, or say with --older-than which.")
    with one_line_errors(), reached(settings_of_environment()) as settings:
        assert settings.database_url is not None
        asyncio.run(_export(settings.database_url, runs, old, output, sub_runs=sub_runs))


async def _export(url: str, runs: tuple[UUID, ...], old: object, output: BinaryIO, *, sub_runs: bool) -> None:
    async with Database(url, pool_size=2) as database:
        chosen = list(runs) if old is None else await Purge(database, old).runs()  # type: ignore[arg-type]
        async with aclosing(export_runs(database, chosen, sub_runs=sub_runs)) as chunks:
            async for chunk in chunks:
                output.write(chunk)
    output.flush()
    print(f"Exported {len(chosen):,} runs.", file=sys.stderr)
