"""Where the benchmarks' data is: in the database that is named, or else in an embedded one."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from db.embedded import EmbeddedPostgres, EmbeddedPostgresError
from graphql_api.cli import migrate

SETTINGS = {"max_wal_size": "8GB", "shared_buffers": "1GB"}
"""What one would set on a server of this size."""


def place_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say where."""
    folder = click.option(
        "--folder",
        type=click.Path(path_type=Path),
        default=Path(".data/benchmarks"),
        help="Where an embedded PostgreSQL keeps the data, if no database is named.",
    )
    url = click.option("--url", default=lambda: os.environ.get("DATABASE_URL"), help="The database.  [DATABASE_URL]")
    return url(folder(command))


@contextmanager
def place(url: str | None, folder: Path) -> Iterator[str]:
    """The URL of the database, migrated."""
    if url is not None:
        migrate(url)
        yield url
        return
    server = EmbeddedPostgres(folder.absolute(), settings=SETTINGS)
    try:
        server.start()
    except EmbeddedPostgresError as error:
        raise click.ClickException(str(error)) from error
    try:
        migrate(server.url())
        yield server.url()
    finally:
        server.stop()
