"""Answers compressed for who asks for it, where it pays: off the event loop, and only if they are large.

No page of another site can have an answer made of its own text and a secret of ours: callers show a token that browsers
do not send by themselves. So the length of a compressed answer tells nobody anything (BREACH, CVE-2013-3587).
"""

import asyncio
import gzip
from typing import Final

from graphql_api.http.request import qualities

MIN_BYTES: Final = 32_768
"""Of a smaller one handing it to a thread and back is a large part of what there is to gain."""
LEVEL: Final = 1
"""The fastest: 200 kB of log entries became 26 kB in 1.4 ms here; level 6 took twice as long for a tenth less."""


def accepts_gzip(header: str) -> bool:
    """Whether an `Accept-Encoding` header allows gzip."""
    found = qualities(header.replace(" ", ""))
    named = next((name for name in ("gzip", "x-gzip", "*") if name in found), None)
    return named is not None and found[named][0] > 0


async def compressed(body: bytes, level: int = LEVEL) -> bytes:
    """The body in gzip's format, made by another thread."""
    return await asyncio.to_thread(gzip.compress, body, level, mtime=0)
