"""API tokens for tests."""

from datetime import datetime

from db import Database
from db.commands.api_tokens import create_api_token, revoke_api_token
from db.enums import Role
from graphql_api.security.tokens import new_token, token_digest


async def make_token(
    database: Database,
    name: str,
    role: Role = Role.VIEWER,
    namespaces: list[str] | None = None,
    expires_at: datetime | None = None,
) -> str:
    """Make a token as `execgraph token create` does."""
    token = new_token()
    await database.run(
        lambda session: create_api_token(
            session,
            name=name,
            role=role,
            digest=token_digest(token),
            namespaces=namespaces,
            expires_at=expires_at,
        )
    )
    return token


async def revoke_token(database: Database, name: str) -> None:
    """Revoke it as `execgraph token revoke` does."""
    assert await database.run(lambda session: revoke_api_token(session, name))


def bearer(token: str) -> dict[str, str]:
    """The header that carries a token."""
    return {"authorization": f"Bearer {token}"}
