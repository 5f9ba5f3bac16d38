"""The example engine and the replay of traces, as processes."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
TRACES = ROOT.parent / "shared" / "data" / "traces"
"""Real traces, if they are there."""

END_SECONDS = 60.0


@asynccontextmanager
async def example(script: str, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """An example script beside the block; it is waited for at its end, and must end well."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(ROOT / "examples" / script), *arguments),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
        async with asyncio.timeout(END_SECONDS):
            _, errors = await process.communicate()
        assert process.returncode == 0, errors.decode()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
