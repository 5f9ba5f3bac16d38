"""How Alembic reaches the database: with our own driver, in one transaction, one process at a time."""

import asyncio
import os

from alembic import context
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from db.database import asyncpg_url
from db.models import Model
from migrations import concerns_models

LOCK = 0x65786563
"""The advisory lock that keeps two processes from migrating at once ("exec" in ASCII)."""


def migrate(connection: Connection) -> None:
    """Run the revisions on an open connection."""
    context.configure(connection=connection, target_metadata=Model.metadata, include_object=concerns_models)
    with context.begin_transaction():
        connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))
        context.run_migrations()


async def connect_and_migrate() -> None:
    """Run the revisions on the database that the configuration or DATABASE_URL names."""
    url = context.config.attributes.get("url") or os.environ["DATABASE_URL"]
    engine = create_async_engine(asyncpg_url(url), poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(migrate)
            await connection.commit()
    finally:
        await engine.dispose()


if context.is_offline_mode():
    context.configure(
        dialect_name="postgresql",
        target_metadata=Model.metadata,
        literal_binds=True,
        dialect_opts={"paramstyle": "named"},  # otherwise a % in a function would be printed twice
    )
    with context.begin_transaction():
        context.run_migrations()
else:
    asyncio.run(connect_and_migrate())
