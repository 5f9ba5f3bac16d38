"""What commands need first: the settings, a database, and errors that are one line."""

from collections.abc import Iterator
from contextlib import contextmanager

import click
from alembic import command
from alembic.util import CommandError
from sqlalchemy.exc import DBAPIError

from db.database import asyncpg_url
from db.embedded import EmbeddedPostgres, EmbeddedPostgresError, default_data_dir
from db.errors import ExecgraphError
from graphql_api.server import ServerError
from graphql_api.settings import Settings, load_settings
from migrations import alembic_config


def migrate(url: str, revision: str = "head") -> None:
    """Bring the tables of a database to a revision, forwards or backwards; `base` is an empty database."""
    config = alembic_config()
    config.attributes["url"] = url
    if revision != "base":
        command.upgrade(config, revision)  # does nothing where it has been passed already
    if revision != "head":
        command.downgrade(config, revision)  # does nothing where it has just been reached


def settings_of_environment() -> Settings:
    """The settings; ends the command where one is not acceptable."""
    try:
        return load_settings()
    except ValueError as error:
        raise click.ClickException(str(error)) from error


@contextmanager
def reached(settings: Settings, *, migrated: bool = True) -> Iterator[Settings]:
    """The settings with a database URL: the one that is set, or that of an embedded server, which we migrate."""
    if settings.database_url is not None:
        asyncpg_url(settings.database_url)
        yield settings
        return
    with EmbeddedPostgres(settings.data_dir or default_data_dir()) as server:
        if migrated:
            migrate(server.url())
        yield settings.model_copy(update={"database_url": server.url()})


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Say in one line what is wrong with what the command needs."""
    try:
        yield
    except (EmbeddedPostgresError, ServerError, CommandError, ExecgraphError, ValueError) as error:
        raise click.ClickException(str(error)) from error
    except (OSError, DBAPIError) as error:
        reason = str(getattr(error, "orig", error)).splitlines()[0]
        raise click.ClickException(f"The database cannot be used: {reason}") from error
