"""The `execgraph` command."""

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager

import click
from alembic import command
from alembic.util import CommandError
from sqlalchemy.exc import DBAPIError

from db.database import asyncpg_url
from db.embedded import EmbeddedPostgres, EmbeddedPostgresError, default_data_dir
from graphql_api.observability.logs import configure_logs
from graphql_api.schema import build_schema
from graphql_api.server import ServerError, listen, serve
from graphql_api.settings import Settings, load_settings
from graphql_api.settings_reference import settings_reference
from migrations import alembic_config


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="execgraph")
def main() -> None:
    """Record what workflow engines do, and show it live.

    DATABASE_URL names the PostgreSQL to use; without it, an embedded one is run. Other settings are EXECGRAPH_*.
    """
    configure_logs()


@main.command("serve")
@click.option("--host", help="The address to listen on.  [default: 127.0.0.1]")
@click.option(
    "--port", type=click.IntRange(0, 65535), help="The port to listen on; 0 takes a free one.  [default: 8000]"
)
def serve_command(host: str | None, port: int | None) -> None:
    """Serve the API until Ctrl-C."""
    settings = _settings()
    configure_logs(settings.log_format, settings.log_level)
    with _one_line_errors():
        opened = listen(host or settings.host, settings.port if port is None else port)
        with opened, _database(settings) as served:
            address = f"{opened.getsockname()[0]}:{opened.getsockname()[1]}"
            click.echo(f"execgraph serves http://{address}/graphql (GraphiQL in a browser). Ctrl-C stops it.")
            with contextlib.suppress(KeyboardInterrupt):
                serve(served, opened)


@main.command("migrate")
@click.option("--revision", default="head", show_default=True, help="Where to go; an older one goes back.")
def migrate_command(revision: str) -> None:
    """Bring the database's tables to this version."""
    settings = _settings()
    with _one_line_errors(), _database(settings, migrated=False) as reached:
        assert reached.database_url is not None
        migrate(reached.database_url, revision)
        click.echo(f"The database is at {revision}.")


@main.command("schema")
def schema_command() -> None:
    """Print the GraphQL schema."""
    click.echo(build_schema().as_str())


@main.command("settings")
def settings_command() -> None:
    """Print the reference of all settings."""
    click.echo(settings_reference(), nl=False)


def migrate(url: str, revision: str = "head") -> None:
    """Bring the tables of a database to a revision, forwards or backwards; `base` is an empty database."""
    config = alembic_config()
    config.attributes["url"] = url
    if revision != "base":
        command.upgrade(config, revision)  # does nothing where it has been passed already
    if revision != "head":
        command.downgrade(config, revision)  # does nothing where it has just been reached


def _settings() -> Settings:
    try:
        return load_settings()
    except ValueError as error:
        raise click.ClickException(str(error)) from error


@contextmanager
def _database(settings: Settings, *, migrated: bool = True) -> Iterator[Settings]:
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
def _one_line_errors() -> Iterator[None]:
    try:
        yield
    except (EmbeddedPostgresError, ServerError, CommandError, ValueError) as error:
        raise click.ClickException(str(error)) from error
    except (OSError, DBAPIError) as error:
        reason = str(getattr(error, "orig", error)).splitlines()[0]
        raise click.ClickException(f"The database cannot be used: {reason}") from error


if __name__ == "__main__":
    main()
