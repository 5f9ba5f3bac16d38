"""`execgraph purge`: remove old runs."""

import asyncio
import sys
import time
from contextlib import aclosing
from typing import Any

import click

from db.commands.purge import WORK_SHARE, Purge, PurgePolicy, Removed
from db.database import Database
from graphql_api.commands.reach import one_line_errors, reached, settings_of_environment
from graphql_api.retention import old_runs_options, policy_of


@click.command("purge")
@old_runs_options(required=True)
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@click.option(
    "--work-share",
    type=click.FloatRange(0, 1, min_open=True),
    default=WORK_SHARE,
    show_default=True,
    help="The part of the time to work; in the rest writers have the database for themselves.",
)
def purge_command(*, dry_run: bool, work_share: float, **options: Any) -> None:
    """Remove runs that ended long ago, with their steps, tries and log entries.

    A sub-run goes with the run that started it. Small batches, each of them whole; it may be interrupted and
    started again, while engines go on writing.
    """
    old = policy_of(**options)
    with one_line_errors(), reached(settings_of_environment()) as settings:
        assert settings.database_url is not None
        assert old is not None
        asyncio.run(_purge(settings.database_url, old, work_share=work_share, dry_run=dry_run))


async def _purge(url: str, old: PurgePolicy, *, work_share: float, dry_run: bool) -> None:
    async with Database(url, pool_size=2) as database:
        purge = Purge(database, old, work_share=work_share)
        if dry_run:
            click.echo(f"Would remove {_said(await purge.plan())}.")
            return
        began = time.monotonic()
        total = Removed()
        try:
            with click.progressbar(length=await purge.count(), label="Purging", show_pos=True, file=sys.stderr) as bar:
                async with aclosing(purge.run()) as batches:
                    async for removed in batches:
                        total = total.plus(removed)
                        bar.update(removed.runs)
        finally:
            click.echo(f"Removed {_said(total)} in {time.monotonic() - began:.0f} s.")


def _said(removed: Removed) -> str:
    return f"{removed.runs:,} runs, {removed.steps:,} steps and {removed.entries:,} log entries"
