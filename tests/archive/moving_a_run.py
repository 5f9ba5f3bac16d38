"""Export a run of so many entries, import it elsewhere, export it again; says how much memory that took."""

import asyncio
import hashlib
import json
import resource
import sys
import tempfile
from typing import BinaryIO
from uuid import UUID

from db import Database
from db.archive import export_runs, import_archive


async def written(url: str, run: UUID, file: BinaryIO) -> str:
    digest = hashlib.sha256()
    async with Database(url) as database:
        async for chunk in export_runs(database, [run]):
            digest.update(chunk)
            file.write(chunk)
    return digest.hexdigest()


async def main(here: str, there: str, run: str) -> None:
    with tempfile.TemporaryFile() as first, tempfile.TemporaryFile() as second:
        exported = await written(here, UUID(run), first)
        async with Database(there) as database:
            await import_archive(database, first)
        again = await written(there, UUID(run), second)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"same": exported == again, "megabytes": peak / 1024}))


asyncio.run(main(*sys.argv[1:]))
