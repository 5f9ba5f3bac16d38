"""Making and revoking API tokens."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from db.enums import Role
from db.errors import InvalidInputError
from db.models import ApiToken
from db.validation import check_batch, check_name


async def create_api_token(
    session: AsyncSession,
    *,
    name: str,
    role: Role,
    digest: bytes,
    namespaces: Sequence[str] | None = None,
    expires_at: datetime | None = None,
) -> UUID:
    """Keep a token's digest and what it allows; give its id.

    Args:
        session: the transaction to work in.
        name: what logs call it; no other token that is not revoked has it.
        role: what it may do.
        digest: the SHA-256 of the token.
        namespaces: what it is limited to; None: nothing.
        expires_at: when it ends; None: never.

    Raises:
        InvalidInputError: a value is not acceptable, or the name is taken.
    """
    check_name(name, "name")
    if namespaces is not None:
        check_batch(namespaces, "namespaces")
        for place, namespace in enumerate(namespaces):
            check_name(namespace, f"namespaces[{place}]")
    if expires_at is not None and expires_at <= datetime.now(UTC):
        raise InvalidInputError("expires_at", "must be in the future")
    taken = select(ApiToken.id).where(ApiToken.name == name, ApiToken.revoked_at.is_(None))
    if (await session.execute(taken)).first() is not None:
        raise InvalidInputError("name", f"there is a token with the name {name!r}")
    token = ApiToken(
        name=name,
        role=role,
        digest=digest,
        namespaces=None if namespaces is None else sorted(set(namespaces)),
        expires_at=expires_at,
    )
    session.add(token)
    await session.flush()
    return token.id


async def revoke_api_token(session: AsyncSession, name: str) -> bool:
    """Revoke the token with this name; False if there is none that is not revoked."""
    statement = (
        update(ApiToken)
        .where(ApiToken.name == name, ApiToken.revoked_at.is_(None))
        .values(revoked_at=func.clock_timestamp())
        .returning(ApiToken.id)
        .execution_options(synchronize_session=False)
    )
    return (await session.execute(statement)).first() is not None
