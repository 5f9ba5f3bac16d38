"""`execgraph import`: restore what `execgraph export` wrote."""

import asyncio
import shutil
import tempfile
from typing import BinaryIO

import click

from db.archive import Imported, import_archive
from db.database import Database
from graphql_api.commands.reach import one_line_errors, reached, settings_of_environment


@click.command("import")
@click.argument("archive", type=click.File("rb"))
def import_command(archive: BinaryIO) -> None:
    """Restore the runs of ARCHIVE (`-` is stdin) exactly as they were: all of them, or none.

    What is not whole, was altered, or is here already is refused, and nothing is imported.
    """
    with one_line_errors(), reached(settings_of_environment()) as settings, tempfile.TemporaryFile() as spooled:
        assert settings.database_url is not None
        if not archive.seekable():  # it is read twice
            shutil.copyfileobj(archive, spooled)
            archive = spooled
        imported = asyncio.run(_import(settings.database_url, archive))
    click.echo(f"Imported {len(imported.runs):,} runs.")
    for line in said_of_losses(imported):
        click.echo(line)


def said_of_losses(imported: Imported) -> list[str]:
    """What could not be kept, in words."""
    said = []
    if imported.lost_references:
        said.append(
            f"{imported.lost_references:,} references to runs that are neither here nor in the archive are gone."
        )
    if imported.lost_keys:
        said.append(f"{imported.lost_keys:,} definitions came without their key, which belongs to another one here.")
    return said


async def _import(url: str, archive: BinaryIO) -> Imported:
    async with Database(url, pool_size=1) as database:
        return await import_archive(database, archive)
