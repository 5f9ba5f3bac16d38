"""The databases of a running server."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import asyncpg

from db.embedded.cluster import SUPERUSER
from db.embedded.socket_folder import PORT


def ensure_database(name: str, sockets: Path) -> None:
    """Create a database unless it exists."""
    # The caller may be inside a running event loop, where asyncio.run() is refused.
    with ThreadPoolExecutor(max_workers=1) as thread:
        thread.submit(asyncio.run, _ensure(name, sockets)).result()


async def _ensure(name: str, sockets: Path) -> None:
    connection = await asyncpg.connect(host=str(sockets), port=PORT, user=SUPERUSER, database="postgres", ssl="disable")
    try:
        if not await connection.fetchval("SELECT true FROM pg_database WHERE datname = $1", name):
            quoted = name.replace('"', '""')
            await connection.execute(f'CREATE DATABASE "{quoted}"')
    finally:
        await connection.close()
