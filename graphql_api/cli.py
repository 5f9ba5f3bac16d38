"""The `execgraph` command."""

import contextlib

import click

from graphql_api.commands.export import export_command
from graphql_api.commands.import_ import import_command
from graphql_api.commands.purge import purge_command
from graphql_api.commands.reach import migrate, one_line_errors, reached, settings_of_environment
from graphql_api.commands.token import token_group
from graphql_api.observability.logs import configure_logs
from graphql_api.schema import build_schema
from graphql_api.server import listen, serve
from graphql_api.settings_reference import settings_reference
from graphql_api.supervisor import supervise


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
@click.option("--workers", type=click.IntRange(1), help="How many processes share the port.  [default: 1]")
def serve_command(host: str | None, port: int | None, workers: int | None) -> None:
    """Serve the API until Ctrl-C.

    With several workers, SIGHUP restarts them one by one, from what is installed then, without refusing anybody.
    """
    settings = settings_of_environment()
    configure_logs(settings.log_format, settings.log_level, settings.secret_keys)
    with one_line_errors():
        opened = listen(
            host or settings.host, settings.port if port is None else port, authenticates=settings.authenticates
        )
        with opened, reached(settings) as served:
            address = f"{opened.getsockname()[0]}:{opened.getsockname()[1]}"
            browser = " (GraphiQL in a browser)" if settings.shows_graphiql else ""

            def say() -> None:
                click.echo(f"execgraph serves http://{address}/graphql{browser}. Ctrl-C stops it.")

            with contextlib.suppress(KeyboardInterrupt):
                if (count := workers or settings.workers) > 1:
                    supervise(served, opened, count, say)
                else:
                    serve(served, opened, say)


@main.command("migrate")
@click.option("--revision", default="head", show_default=True, help="Where to go; an older one goes back.")
def migrate_command(revision: str) -> None:
    """Bring the database's tables to this version."""
    settings = settings_of_environment()
    with one_line_errors(), reached(settings, migrated=False) as there:
        assert there.database_url is not None
        migrate(there.database_url, revision)
        click.echo(f"The database is at {revision}.")


@main.command("schema")
def schema_command() -> None:
    """Print the GraphQL schema."""
    click.echo(build_schema().as_str())


@main.command("settings")
def settings_command() -> None:
    """Print the reference of all settings."""
    click.echo(settings_reference(), nl=False)


main.add_command(purge_command)
main.add_command(token_group)
main.add_command(export_command)
main.add_command(import_command)


if __name__ == "__main__":
    main()
