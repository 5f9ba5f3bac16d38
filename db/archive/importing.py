"""Reading an archive: all of it in one transaction, or nothing."""

import asyncio
from collections.abc import Iterator
from itertools import groupby
from typing import Any, BinaryIO, Final, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from db.archive.checking import broken_promise
from db.archive.errors import ArchiveError
from db.archive.format import KINDS, rows, verify
from db.database import Database, sqlstate

ROWS_PER_STATEMENT: Final = 1_000
BYTES_PER_STATEMENT: Final = 4_194_304

_OF_THE_DATA: Final = ("22", "23", "P0")
"""SQLSTATE classes: data exception, integrity constraint violation, raised by our triggers."""


class Imported(NamedTuple):
    """What came in."""

    runs: list[UUID]
    lost_references: int
    """Parents, and runs that are run again, which are neither in the archive nor here."""
    lost_keys: int
    """Definitions whose key belongs to another one here: they came in without."""


async def import_archive(database: Database, archive: BinaryIO) -> Imported:
    """Restore what an archive holds: with the same ids, numbers and times.

    Definitions that are there already stay as they are, unless the archive has a later version of them.

    Args:
        database: where to.
        archive: a file that can be read from its beginning, twice.

    Raises:
        ArchiveError: it is not whole and unaltered, or one of its runs is there already; nothing was imported.
    """
    archive.seek(0)
    columns, _ = await asyncio.to_thread(verify, archive)
    archive.seek(0)
    try:
        async with database.engine.begin() as connection:
            imported = await _import(connection, columns, archive)
    except DBAPIError as error:
        if (sqlstate(error) or "")[:2] in _OF_THE_DATA:
            raise ArchiveError(f"The archive does not fit what is here: {str(error.orig).splitlines()[0]}") from error
        raise
    if database.on_change is not None:
        database.on_change(set(imported.runs))
    return imported


async def _import(connection: AsyncConnection, columns: dict[str, list[str]], archive: BinaryIO) -> Imported:
    for statement in _PREPARE:
        await connection.execute(text(statement))
    statements = {kind: text(_statement(kind, columns[kind])) for kind in KINDS}
    waiting_steps = False
    batches = _batches(archive)
    while (batch := await asyncio.to_thread(next, batches, None)) is not None:
        kind, lines = batch
        if waiting_steps and kind != "step":
            await connection.execute(text(_INSERT_STEPS))
            await connection.execute(text("TRUNCATE imported_steps"))
        waiting_steps = kind == "step"
        if kind == "run":
            await _refuse_known(connection, lines)
        await connection.execute(statements[kind], {"lines": lines})
    if waiting_steps:
        await connection.execute(text(_INSERT_STEPS))
    lost_keys = int((await connection.execute(text(_LOST_KEYS))).scalar_one())
    lost = int((await connection.execute(text(_LOST_REFERENCES))).scalar_one())
    await connection.execute(text(_REFER))
    if broken := await broken_promise(connection):
        raise ArchiveError(f"The archive contradicts itself: {broken}")
    runs = list((await connection.execute(text("SELECT id FROM imported_runs ORDER BY id"))).scalars())
    return Imported(runs, lost, lost_keys)


def _batches(archive: BinaryIO) -> Iterator[tuple[str, list[str]]]:
    """Lines of one kind, so many that a statement is worth it and no more than fit into memory many times."""
    for kind, of_kind in groupby(rows(archive), key=lambda row: row[0]):
        lines: list[str] = []
        size = 0
        for _, line in of_kind:
            lines.append(line.decode())
            size += len(line)
            if len(lines) >= ROWS_PER_STATEMENT or size >= BYTES_PER_STATEMENT:
                yield kind, lines
                lines, size = [], 0
        if lines:
            yield kind, lines


async def _refuse_known(connection: AsyncConnection, lines: list[str]) -> None:
    known = (await connection.execute(text(_KNOWN), {"lines": lines})).scalars().first()
    if known is not None:
        raise ArchiveError(f"Run {known} is here already")


_PREPARE = (
    "CREATE TEMPORARY TABLE imported_runs (id uuid PRIMARY KEY, parent_node_execution_id uuid, retry_of_id uuid,"
    " revision integer) ON COMMIT DROP",
    # Steps may be parts of later ones: all those of a run come in at once.
    "CREATE TEMPORARY TABLE imported_steps (LIKE node_executions) ON COMMIT DROP",
    "CREATE TEMPORARY TABLE imported_workflows (LIKE workflows) ON COMMIT DROP",
)
_INSERT_STEPS = "INSERT INTO node_executions SELECT * FROM imported_steps"
_KNOWN = """
    SELECT run.id FROM unnest(CAST(:lines AS text[])) AS line
    JOIN workflow_executions AS run ON run.id = CAST(CAST(line AS json) #>> '{run,id}' AS uuid)
"""
_LOST_KEYS = """
    SELECT count(*) FROM imported_workflows AS imported JOIN workflows AS here USING (id)
    WHERE imported.key IS NOT NULL AND here.key IS NULL
"""
# A run comes in without what it refers to, which may come later, under a revision that is not its own; setting both
# then is no change that would take a new revision.
_PARENT = "(SELECT step.id FROM node_executions AS step WHERE step.id = imported.parent_node_execution_id)"
_RETRIED = "(SELECT run.id FROM workflow_executions AS run WHERE run.id = imported.retry_of_id)"
_REFER = f"""
    UPDATE workflow_executions AS run
    SET revision = imported.revision, parent_node_execution_id = {_PARENT}, retry_of_id = {_RETRIED}
    FROM imported_runs AS imported
    WHERE run.id = imported.id AND run.revision <> imported.revision
"""  # noqa: S608 - our own text
_LOST_REFERENCES = f"""
    SELECT count(*) FILTER (WHERE parent_node_execution_id IS NOT NULL AND {_PARENT} IS NULL)
        + count(*) FILTER (WHERE retry_of_id IS NOT NULL AND {_RETRIED} IS NULL)
    FROM imported_runs AS imported
"""  # noqa: S608 - our own text


def _statement(kind: str, columns: list[str]) -> str:
    table = KINDS[kind].__tablename__
    quoted = [f'"{name}"' for name in columns]
    names = ", ".join(quoted)
    lines = (
        f"unnest(CAST(:lines AS text[])) AS line,"
        f" json_populate_record(NULL\\:\\:{table}, CAST(line AS json) -> '{kind}') AS given"
    )
    rows_ = f"SELECT {', '.join(f'given.{name}' for name in quoted)} FROM {lines}"  # noqa: S608 - our own text
    if kind in ("node", "edge"):
        key = "id" if kind == "node" else "source_node_id, target_node_id"
        return f"INSERT INTO {table} ({names}) {rows_} ON CONFLICT ({key}) DO NOTHING"
    if kind in ("counter", "attempt"):  # triggers made them with their run and step
        key = "workflow_execution_id" if kind == "counter" else "node_execution_id, attempt"
        changes = ", ".join(f"{name} = excluded.{name}" for name in quoted)
        return f"INSERT INTO {table} ({names}) {rows_} ON CONFLICT ({key}) DO UPDATE SET {changes}"
    if kind == "step":
        return f"INSERT INTO imported_steps ({names}) {rows_}"
    if kind == "workflow":
        return _workflow_statement(columns, rows_)
    if kind == "run":
        return _run_statement(columns, rows_)
    return f"INSERT INTO {table} ({names}) {rows_}"


def _workflow_statement(columns: list[str], rows_: str) -> str:
    """The key stays with the definition that has it here; a later version of a definition that is here replaces it."""
    names = ", ".join(f'"{name}"' for name in columns)
    kept = ", ".join(
        "CASE WHEN EXISTS (SELECT FROM workflows AS other WHERE other.namespace = kept.namespace"
        " AND other.key = kept.key AND other.id <> kept.id) THEN NULL ELSE kept.key END"
        if name == "key"
        else f'kept."{name}"'
        for name in columns
    )
    changes = ", ".join(f'"{name}" = excluded."{name}"' for name in columns if name not in ("id", "key", "namespace"))
    return f"""
        WITH kept AS (INSERT INTO imported_workflows ({names}) {rows_} RETURNING *)
        INSERT INTO workflows ({names}) SELECT {kept} FROM kept
        ON CONFLICT (id) DO UPDATE SET {changes} WHERE excluded.version > workflows.version
    """  # noqa: S608 - our own text


def _run_statement(columns: list[str], rows_: str) -> str:
    references = ("parent_node_execution_id", "retry_of_id")
    names = ", ".join(f'"{name}"' for name in columns)

    def value(name: str) -> str:
        if name in references:
            return "NULL"
        if name == "revision":
            return "revision + (num_nonnulls(parent_node_execution_id, retry_of_id) > 0)\\:\\:integer"
        return f'"{name}"'

    values: Any = ", ".join(map(value, columns))
    return f"""
        WITH given AS MATERIALIZED ({rows_}),
        noted AS (
            INSERT INTO imported_runs SELECT id, parent_node_execution_id, retry_of_id, revision FROM given
        )
        INSERT INTO workflow_executions ({names}) SELECT {values} FROM given
    """  # noqa: S608 - our own text
