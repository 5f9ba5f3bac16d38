"""IdempotencyKey: what a call with a key did, so that a repetition does nothing and gives the same."""

from datetime import datetime

from sqlalchemy import Index, func
from sqlalchemy.orm import Mapped, mapped_column

from db.models.model import JSON_COLUMN, Json, Model
from db.models.vacuum import BUSY, storage


class IdempotencyKey(Model):
    """A call that changed something. The key belongs to its caller and mutation."""

    __tablename__ = "idempotency_keys"

    caller: Mapped[str] = mapped_column(primary_key=True)
    mutation: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    arguments_digest: Mapped[bytes]
    result: Mapped[Json | None] = mapped_column(JSON_COLUMN)
    """Ids, numbers or refusals: what to give again. Null only while the call is under way."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())

    __table_args__ = (Index("ix_idempotency_keys_created_at", "created_at"), storage(BUSY))
