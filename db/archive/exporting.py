"""Writing an archive: one snapshot, streamed."""

from collections.abc import AsyncGenerator, Collection
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.archive.format import KINDS, Seal, columns_of, header
from db.database import Database
from db.errors import NotFoundError

ROWS_PER_CHUNK: Final = 500


async def export_runs(
    database: Database, runs: Collection[UUID], *, sub_runs: bool = False
) -> AsyncGenerator[bytes, None]:
    """All there is of these runs and their definitions, as whole lines in chunks.

    Args:
        database: where they are.
        runs: their ids, in any order.
        sub_runs: also the runs that their steps started, and theirs.

    Raises:
        NotFoundError: one of them does not exist; before anything is given.
    """
    async with database.engine.connect() as plain:
        connection = await plain.execution_options(isolation_level="REPEATABLE READ")
        async with connection.begin():
            await connection.execute(text("SET TRANSACTION READ ONLY"))
            # What the text of a value could depend on.
            await connection.execute(
                text("SELECT set_config('timezone', 'UTC', true), set_config('bytea_output', 'hex', true)")
            )
            chosen = await _chosen(connection, runs, sub_runs=sub_runs)
            seal = Seal()
            yield seal.add(header())
            for kind in ("workflow", "node", "edge"):
                async for chunk in _lines(connection, kind, chosen, seal):
                    yield chunk
            for run in chosen:
                for kind in ("run", "counter", "step", "attempt", "entry"):
                    async for chunk in _lines(connection, kind, run, seal):
                        yield chunk
            yield seal.end(len(chosen))


async def _chosen(connection: AsyncConnection, runs: Collection[UUID], *, sub_runs: bool) -> list[UUID]:
    wanted = sorted(set(runs))
    found = set((await connection.execute(_EXISTING, {"ids": wanted})).scalars())
    for run in wanted:
        if run not in found:
            raise NotFoundError("Workflow execution", run)
    if sub_runs:
        return list((await connection.execute(_WITH_SUB_RUNS, {"ids": wanted})).scalars())
    return wanted


async def _lines(connection: AsyncConnection, kind: str, which: Any, seal: Seal) -> AsyncGenerator[bytes, None]:
    # The driver's own cursor: SQLAlchemy's stream kept hold of all rows that had gone through it.
    driver = (await connection.get_raw_connection()).driver_connection
    assert driver is not None
    cursor = await driver.cursor(_STATEMENTS[kind], which)
    while rows := await cursor.fetch(ROWS_PER_CHUNK):
        yield seal.add("".join([line for (line,) in rows]).encode(), len(rows))


_IDS = "ANY(CAST(:ids AS uuid[]))"
_EXISTING = text(f"SELECT id FROM workflow_executions WHERE id = {_IDS}")  # noqa: S608 - our own text
_WITH_SUB_RUNS = text(
    """
    WITH RECURSIVE family AS (
        SELECT CAST(unnest(CAST(:ids AS uuid[])) AS uuid) AS id
        UNION
        SELECT child.id FROM family
        JOIN node_executions AS step ON step.workflow_execution_id = family.id
        JOIN workflow_executions AS child ON child.parent_node_execution_id = step.id
    )
    SELECT id FROM family ORDER BY id
    """
)
_WORKFLOWS = "SELECT workflow_id FROM workflow_executions WHERE id = ANY($1::uuid[])"
_NODES = f"SELECT id FROM nodes WHERE workflow_id IN ({_WORKFLOWS})"  # noqa: S608 - our own text
_WHICH = {
    "workflow": f"id IN ({_WORKFLOWS}) ORDER BY id",
    "node": f"workflow_id IN ({_WORKFLOWS}) ORDER BY workflow_id, version, id",
    "edge": f"source_node_id IN ({_NODES}) ORDER BY source_node_id, target_node_id",
    "run": "id = $1",
    "counter": "workflow_execution_id = $1",
    "step": "workflow_execution_id = $1 ORDER BY execution_order, id",
    "attempt": "node_execution_id IN (SELECT id FROM node_executions WHERE workflow_execution_id = $1)"
    " ORDER BY node_execution_id, attempt",
    "entry": "workflow_execution_id = $1 ORDER BY sequence",
}
"""The rows of each kind, in an order that only they decide."""


def _statement(kind: str) -> str:
    columns = ", ".join(f'"{name}"' for name in columns_of(kind))
    table = KINDS[kind].__tablename__
    return (
        f"SELECT '{{\"{kind}\":' || row_to_json(line)::text || E'}}\\n'"  # noqa: S608 - our own text
        f" FROM (SELECT {columns} FROM {table} WHERE {_WHICH[kind]}) AS line"
    )


_STATEMENTS = {kind: _statement(kind) for kind in KINDS}
