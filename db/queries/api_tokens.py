"""Reading API tokens."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from db.enums import Role
from db.models import ApiToken


class ApiTokenRecord(NamedTuple):
    """A token."""

    id: UUID
    name: str
    role: Role
    namespaces: list[str] | None
    digest: bytes
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


_TOKENS = select(*(getattr(ApiToken, name) for name in ApiTokenRecord._fields))
_VALID = _TOKENS.where(
    ApiToken.revoked_at.is_(None),
    or_(ApiToken.expires_at.is_(None), ApiToken.expires_at > func.clock_timestamp()),
)
_ALL = _TOKENS.order_by(ApiToken.created_at, ApiToken.id)


async def valid_api_tokens(connection: AsyncConnection) -> list[ApiTokenRecord]:
    """The tokens that are neither revoked nor expired: few, so a process knows them all."""
    return [ApiTokenRecord._make(row) for row in await connection.execute(_VALID)]


async def all_api_tokens(connection: AsyncConnection) -> list[ApiTokenRecord]:
    """All tokens there ever were, the oldest first."""
    return [ApiTokenRecord._make(row) for row in await connection.execute(_ALL)]
