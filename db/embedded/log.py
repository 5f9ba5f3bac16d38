"""What PostgreSQL's programs write: where it goes, and which line of it matters."""

import os
import re
from contextlib import suppress
from pathlib import Path

_DECISIVE = re.compile(r"\b(?:FATAL|PANIC|error):")


def open_log(log: Path) -> int:
    """Open an empty log, and keep that of the session before as `<name>.1`."""
    with suppress(FileNotFoundError):
        log.replace(f"{log}.1")
    return os.open(log, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)


def decisive_line(text: str) -> str:
    """Return why a program gave up: the last line that it calls an error, else the last line at all."""
    lines = text.strip().splitlines()
    return ([line for line in lines if _DECISIVE.search(line)] or lines or ["it wrote nothing"])[-1]
