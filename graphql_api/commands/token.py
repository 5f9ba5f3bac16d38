"""`execgraph token`: making, listing and revoking API tokens."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import click
from sqlalchemy.ext.asyncio import AsyncSession

from db.commands.api_tokens import create_api_token, revoke_api_token
from db.database import Database
from db.enums import Role
from db.errors import InvalidInputError
from db.queries.api_tokens import ApiTokenRecord, all_api_tokens
from graphql_api.commands.reach import one_line_errors, reached, settings_of_environment
from graphql_api.security.tokens import new_token, token_digest

T = TypeVar("T")

_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
MAX_DAYS = 36_500


@click.group("token")
def token_group() -> None:
    """Make, list and revoke the tokens with which clients say who they are."""


@token_group.command("create")
@click.option("--name", required=True, help="What logs call it.")
@click.option(
    "--role",
    type=click.Choice([role.value for role in Role]),
    required=True,
    help="viewer reads, with secrets masked; engine also reports; admin also deletes.",
)
@click.option("--namespace", "namespaces", multiple=True, help="What it is limited to; may be repeated.")
@click.option("--expires", help="After how long it ends: 90d, 12h, 30m.  [default: never]")
def create_command(name: str, role: str, namespaces: Sequence[str], expires: str | None) -> None:
    """Make a token and show it, once."""
    token = new_token()

    expires_at = None if expires is None else datetime.now(UTC) + duration(expires)

    async def create(session: AsyncSession) -> None:
        try:
            await create_api_token(
                session,
                name=name,
                role=Role(role),
                digest=token_digest(token),
                namespaces=namespaces or None,
                expires_at=expires_at,
            )
        except InvalidInputError as error:
            raise click.ClickException(f"{error.field}: {error}") from error

    _with_database(lambda database: database.run(create))
    click.echo(token)
    click.echo("It is not shown again; only its digest is kept.", err=True)


@token_group.command("list")
def list_command() -> None:
    """List the tokens, without what is secret of them."""

    async def read(database: Database) -> list[ApiTokenRecord]:
        async with database.read() as connection:
            return await all_api_tokens(connection)

    rows = [("NAME", "ROLE", "NAMESPACES", "CREATED", "EXPIRES", "STATE"), *map(_row, _with_database(read))]
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


@token_group.command("revoke")
@click.argument("name")
def revoke_command(name: str) -> None:
    """Revoke the token with this NAME: within seconds it is worth nothing, and what it follows ends."""
    if not _with_database(lambda database: database.run(lambda session: revoke_api_token(session, name))):
        raise click.ClickException(f"There is no token with the name {name!r}")
    click.echo(f"Revoked {name}.")


def duration(text: str) -> timedelta:
    """Read how long something takes: a number and m, h or d.

    Raises:
        click.BadParameter: it is none.
    """
    found = re.fullmatch(r"([0-9]{1,7})([mhd])", text)
    length = timedelta(0) if found is None else int(found[1]) * _UNITS[found[2]]
    if not timedelta(0) < length <= timedelta(days=MAX_DAYS):
        raise click.BadParameter(f"{text!r} must be a number and m, h or d, as in 90d", param_hint="--expires")
    return length


def _row(token: ApiTokenRecord) -> tuple[str, ...]:
    namespaces = "all" if token.namespaces is None else ",".join(token.namespaces)
    return (token.name, token.role, namespaces, _day(token.created_at), _day(token.expires_at), _state(token))


def _day(instant: datetime | None) -> str:
    return "never" if instant is None else f"{instant:%Y-%m-%d %H:%M}Z"


def _state(token: ApiTokenRecord) -> str:
    if token.revoked_at is not None:
        return "revoked"
    if token.expires_at is not None and token.expires_at <= datetime.now(UTC):
        return "expired"
    return "valid"


def _with_database(work: Callable[[Database], Awaitable[T]]) -> T:
    async def run(url: str) -> T:
        async with Database(url, pool_size=1) as database:
            return await work(database)

    with one_line_errors(), reached(settings_of_environment()) as settings:
        assert settings.database_url is not None
        return asyncio.run(run(settings.database_url))
