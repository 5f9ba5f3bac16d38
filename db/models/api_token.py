"""ApiToken: what a client proves with who it is. Only a digest is kept; the token itself is shown once."""

from datetime import datetime

from sqlalchemy import ARRAY, CheckConstraint, Index, Text, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from db.enums import Role
from db.models.model import Identified, Model, TextEnum, one_of


class ApiToken(Identified, Model):
    """A token: until it expires or is revoked, who has it may do what its role allows, in its namespaces."""

    __tablename__ = "api_tokens"

    name: Mapped[str]
    role: Mapped[Role] = mapped_column(TextEnum(Role))
    namespaces: Mapped[list[str] | None] = mapped_column(ARRAY(Text()))
    """Null: all of them."""
    digest: Mapped[bytes]
    """SHA-256 of the token, which is 256 random bits: there is nothing to salt or to stretch."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    expires_at: Mapped[datetime | None]
    """Null: never."""
    revoked_at: Mapped[datetime | None]

    __table_args__ = (
        UniqueConstraint("digest"),
        # A name is free again when its token was revoked.
        Index("uq_api_tokens_name", "name", unique=True, postgresql_where="revoked_at IS NULL"),
        one_of("role", list(Role)),
        CheckConstraint("namespaces IS NULL OR cardinality(namespaces) > 0", name="namespaces"),
        CheckConstraint("octet_length(digest) = 32", name="digest"),
    )
