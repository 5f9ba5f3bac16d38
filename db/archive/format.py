"""The lines of an archive.

    {"archive": {"format": 1, "columns": {"run": ["id", ...], ...}}}
    {"workflow": {...}}  {"node": {...}} ...  {"edge": {...}} ...      all definitions, with all their versions
    {"run": {...}}  {"counter": {...}}  {"step": {...}} ...  {"attempt": {...}} ...  {"entry": {...}} ...    each run
    {"end": {"runs": 1, "lines": 17, "sha256": "..."}}                 of all the bytes before this line

PostgreSQL writes and reads the objects, so no value passes through anything that could round it. Nothing in it depends
on when or where it was written: the same rows make the same bytes.
"""

import hashlib
from collections.abc import Iterator
from typing import Any, BinaryIO, Final

import orjson

from db.archive.errors import ArchiveError
from db.models import (
    Edge,
    ExecutionCounter,
    ExecutionLog,
    Model,
    Node,
    NodeExecution,
    NodeExecutionAttempt,
    Workflow,
    WorkflowExecution,
)

FORMAT: Final = 1
KINDS: Final[dict[str, type[Model]]] = {
    "workflow": Workflow,
    "node": Node,
    "edge": Edge,
    "run": WorkflowExecution,
    "counter": ExecutionCounter,
    "step": NodeExecution,
    "attempt": NodeExecutionAttempt,
    "entry": ExecutionLog,
}
"""What a line may hold, and the table that it is a row of."""

_PREFIXES: Final = {b'{"' + kind.encode() + b'":': kind for kind in KINDS}
_PREFIX_LENGTHS: Final = sorted({len(prefix) for prefix in _PREFIXES})


def columns_of(kind: str) -> list[str]:
    """The columns of a kind of line."""
    return [column.name for column in KINDS[kind].__table__.columns]


def header() -> bytes:
    """The first line."""
    columns = {kind: columns_of(kind) for kind in KINDS}
    return orjson.dumps({"archive": {"format": FORMAT, "columns": columns}}) + b"\n"


class Seal:
    """Counts and digests the lines of an archive, for its last one."""

    def __init__(self) -> None:
        self.lines = 0
        self._digest = hashlib.sha256()

    def add(self, chunk: bytes, lines: int = 1) -> bytes:
        """Add whole lines, and give them back."""
        self.lines += lines
        self._digest.update(chunk)
        return chunk

    def end(self, runs: int) -> bytes:
        """The last line."""
        return orjson.dumps({"end": {"runs": runs, "lines": self.lines, "sha256": self._digest.hexdigest()}}) + b"\n"


def kind_of(line: bytes) -> str | None:
    """The kind of a line; None for one that is no row."""
    for length in _PREFIX_LENGTHS:
        if kind := _PREFIXES.get(line[:length]):
            return kind
    return None


def verify(archive: BinaryIO) -> tuple[dict[str, list[str]], int]:
    """Read an archive to its end; gives the columns of each kind of line and the number of runs.

    Raises:
        ArchiveError: it is no archive, one of a newer version, not whole, or not as it was written.
    """
    first = archive.readline()
    columns = _columns(first)
    seal = Seal()
    seal.add(first)
    runs = 0
    for line in archive:
        kind = kind_of(line)
        if kind is None:
            if line != seal.end(runs):
                raise ArchiveError(f"Line {seal.lines + 1} is not what was exported: the file was altered")
            if archive.read(1):
                raise ArchiveError("Something follows the end of the archive: the file was altered")
            return columns, runs
        runs += kind == "run"
        seal.add(line)
    raise ArchiveError("The end is missing: the file was truncated")


def rows(archive: BinaryIO) -> Iterator[tuple[str, bytes]]:
    """The rows of an archive that was verified, with their kinds."""
    archive.readline()
    for line in archive:
        kind = kind_of(line)
        if kind is not None:
            yield kind, line


def _columns(first: bytes) -> dict[str, list[str]]:
    try:
        said: Any = orjson.loads(first)["archive"]
        version, columns = said["format"], said["columns"]
        known = {kind: set(columns_of(kind)) for kind in KINDS}
        unknown = [f"{kind}.{name}" for kind in columns for name in columns[kind] if name not in known.get(kind, ())]
    except (ValueError, TypeError, KeyError) as error:
        raise ArchiveError("This is no archive of execgraph") from error
    if version != FORMAT or unknown:
        what = ", ".join(unknown) or f"format {version}"
        raise ArchiveError(f"The archive was written by a newer version of execgraph: {what} is unknown here")
    return {kind: list(columns.get(kind, ())) for kind in KINDS}
