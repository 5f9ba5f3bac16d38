"""Removing old runs: in small batches, each with all that belongs to its runs, and with pauses for whoever writes."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from db.commands.counters import lock_counters
from db.database import Database
from db.enums import ExecutionStatus
from db.errors import PurgeUnderWayError
from db.transaction import Transaction, touch

RUNS_PER_BATCH: Final = 50
ENTRIES_PER_BATCH: Final = 1_000
"""A run with more is a batch of its own, and its entries go in slices of so many within one transaction."""
WORK_SHARE: Final = 0.3
"""The part of the time that is worked; in the rest writers have the disk for themselves."""
ADVISORY_LOCK: Final = 0x70757267
"""The advisory lock that lets one process purge at a time ("purg" in ASCII)."""


@dataclass(frozen=True, slots=True)
class PurgePolicy:
    """Which runs are old: those that ended longer ago than this, of the given kinds; None means any."""

    older_than: timedelta
    statuses: tuple[ExecutionStatus, ...] | None = None
    workflows: tuple[str, ...] | None = None
    """Ids or keys."""
    namespaces: tuple[str, ...] | None = None


class Removed(NamedTuple):
    """What was removed, or would be."""

    runs: int = 0
    steps: int = 0
    entries: int = 0

    def plus(self, other: "Removed") -> "Removed":
        """Both together."""
        return Removed(*(mine + others for mine, others in zip(self, other, strict=True)))


class Position(NamedTuple):
    """How far a purge has come, in the order of the runs' ends."""

    ended_at: datetime
    id: UUID


class Batch(NamedTuple):
    """Some runs to be removed together; none where all that were looked at have to stay."""

    runs: list[UUID]
    sub_runs: set[UUID]
    """Those of them that have a parent."""
    entries: int
    position: Position


class Purge:
    """One pass over all runs that are old when it begins.

    A sub-run goes with the run that started it, and a run with a sub-run that has not ended, or not long enough ago,
    stays: nothing is removed that is not old, and no tree is taken apart from its root. Every batch is a transaction
    of its own, so a purge that is interrupted has done what it has done, and another one goes on from there.
    """

    def __init__(self, database: Database, policy: PurgePolicy, *, work_share: float = WORK_SHARE) -> None:
        """Prepare.

        Args:
            database: where the runs are.
            policy: which of them are old.
            work_share: the part of the time that is worked, above 0 and up to 1.
        """
        self._database = database
        self._policy = policy
        self._rest = (1 - work_share) / work_share

    async def count(self) -> int:
        """How many runs are old, whether or not they have to stay for a sub-run."""
        async with self._database.read() as connection:
            return int((await connection.execute(_COUNT, self._parameters(await self._cutoff()))).scalar_one())

    async def plan(self) -> Removed:
        """What a purge would remove now."""
        planned = Removed()
        sub_runs: set[UUID] = set()  # they are found by themselves and with their roots
        async for batch in self._batches(await self._cutoff()):
            runs = [run for run in batch.runs if run not in sub_runs]
            async with self._database.read() as connection:
                planned = planned.plus(Removed(*(await connection.execute(_WEIGH, {"ids": runs})).one()))
            sub_runs |= batch.sub_runs
        return planned

    async def runs(self) -> list[UUID]:
        """The runs that a purge would remove now."""
        return sorted({run async for batch in self._batches(await self._cutoff()) for run in batch.runs})

    async def run(self) -> AsyncGenerator[Removed, None]:
        """Remove what is old, batch by batch; gives what each one removed.

        Raises:
            PurgeUnderWayError: another process is at it, or took over because our connection broke.
        """
        async with _alone(self._database) as holder:
            async for batch in self._batches(await self._cutoff()):
                began = time.monotonic()
                removed = Removed()
                if batch.runs:
                    removed = await self._database.run_command(partial(self._remove, batch))
                yield removed
                await asyncio.sleep((time.monotonic() - began) * self._rest)
                await _still_alone(holder)

    async def _cutoff(self) -> datetime:
        async with self._database.read() as connection:
            cutoff: datetime = (await connection.execute(_CUTOFF, {"age": self._policy.older_than})).scalar_one()
        return cutoff

    def _parameters(self, cutoff: datetime) -> dict[str, object]:
        policy = self._policy
        return {
            "cutoff": cutoff,
            "statuses": None if policy.statuses is None else [status.value for status in policy.statuses],
            "workflows": None if policy.workflows is None else list(policy.workflows),
            "namespaces": None if policy.namespaces is None else list(policy.namespaces),
        }

    async def _batches(self, cutoff: datetime) -> AsyncIterator[Batch]:
        parameters = self._parameters(cutoff)
        position = Position(datetime(1, 1, 1, tzinfo=UTC), UUID(int=0))
        while True:
            async with self._database.read() as connection:
                batch = await _next_batch(connection, parameters, position)
            if batch is None:
                return
            yield batch
            position = batch.position

    async def _remove(self, batch: Batch, session: Transaction) -> Removed:
        """Remove runs with their steps, tries, entries and counters; those that are gone by now do not count."""
        await session.execute(_NO_FLUSH)  # a batch that a crash undoes is removed again by the next purge
        referring = list((await session.execute(_REFERRING, {"ids": batch.runs})).scalars())
        held = set((await session.execute(_LOCK, {"ids": [*batch.runs, *referring]})).scalars())
        runs = [run for run in batch.runs if run in held]
        counted = await session.execute(_ENTRIES, {"ids": runs})
        await self._remove_entries(session, {row.run: row.last_sequence for row in counted})
        # What was appended meanwhile goes with the run; from here on nobody appends.
        await session.execute(_LOCK_TO_DELETE, {"ids": runs})
        await lock_counters(session, [*runs, *(run for run in referring if run in held)])
        removed = Removed(*(await session.execute(_WEIGH, {"ids": runs})).one())
        await session.execute(_DELETE_RUNS, {"ids": runs})
        for run in (*runs, *referring):
            touch(session, run)
        return removed

    async def _remove_entries(self, session: Transaction, weights: dict[UUID, int]) -> None:
        """Remove the entries of many short runs at once, and those of a long one by and by."""
        if sum(weights.values()) <= ENTRIES_PER_BATCH:
            await session.execute(_DELETE_ENTRIES, {"ids": list(weights)})
            return
        for run, last_sequence in weights.items():
            for upto in range(ENTRIES_PER_BATCH, last_sequence + ENTRIES_PER_BATCH, ENTRIES_PER_BATCH):
                began = time.monotonic()
                await session.execute(_DELETE_SLICE, {"id": run, "after": upto - ENTRIES_PER_BATCH, "upto": upto})
                await asyncio.sleep((time.monotonic() - began) * self._rest)


async def _next_batch(connection: AsyncConnection, parameters: dict[str, object], position: Position) -> Batch | None:
    values = {**parameters, "after": position.ended_at, "after_id": position.id, "limit": RUNS_PER_BATCH}
    rows = (await connection.execute(_NEXT, values)).all()
    if not rows:
        return None
    runs: set[UUID] = set()
    sub_runs: set[UUID] = set()
    entries = 0
    for row in rows:
        if row.whole:
            if runs and entries + row.entries > ENTRIES_PER_BATCH:
                break
            entries += row.entries
            runs.update(row.family)
            sub_runs.update(row.sub_runs or ())
        position = Position(row.ended_at, row.id)
    return Batch(sorted(runs), sub_runs, entries, position)


@asynccontextmanager
async def _alone(database: Database) -> AsyncIterator[AsyncConnection]:
    """Hold the lock for as long as this lasts: in a transaction, because a pooler may share sessions."""
    async with database.engine.connect() as connection, connection.begin():
        if not (await connection.execute(text(f"SELECT pg_try_advisory_xact_lock({ADVISORY_LOCK})"))).scalar_one():
            raise PurgeUnderWayError("Another process is purging just now")
        yield connection


async def _still_alone(holder: AsyncConnection) -> None:
    """Make sure that the transaction with the lock is there."""
    try:
        await holder.execute(text("SELECT 1"))
    except DBAPIError as error:
        raise PurgeUnderWayError("The connection that keeps others from purging broke; purge again") from error


_NO_FLUSH = text("SET LOCAL synchronous_commit = off")
_OLD = """
    run.ended_at < :cutoff
    AND (CAST(:statuses AS text[]) IS NULL OR run.status = ANY(CAST(:statuses AS text[])))
    AND (CAST(:namespaces AS text[]) IS NULL OR run.namespace = ANY(CAST(:namespaces AS text[])))
    AND (CAST(:workflows AS text[]) IS NULL OR run.workflow_id IN (
        SELECT id FROM workflows
        WHERE id::text = ANY(CAST(:workflows AS text[])) OR key = ANY(CAST(:workflows AS text[]))
    ))
"""
_CUTOFF = text("SELECT clock_timestamp() - CAST(:age AS interval)")
_COUNT = text(f"SELECT count(*) FROM workflow_executions AS run WHERE {_OLD}")  # noqa: S608 - our own text
# A family is a run with its sub-runs, theirs, and so on; it is whole if all of it is old.
_NEXT = text(
    f"""
    WITH RECURSIVE candidate AS MATERIALIZED (
        SELECT run.id, run.ended_at, run.parent_node_execution_id IS NOT NULL AS is_sub_run
        FROM workflow_executions AS run
        WHERE {_OLD} AND (run.ended_at, run.id) > (:after, :after_id)
        ORDER BY run.ended_at, run.id LIMIT :limit
    ), family AS (
        SELECT id AS root, id, ended_at, is_sub_run FROM candidate
        UNION
        SELECT family.root, child.id, child.ended_at, true FROM family
        JOIN node_executions AS step ON step.workflow_execution_id = family.id
        JOIN workflow_executions AS child ON child.parent_node_execution_id = step.id
    )
    SELECT candidate.id, candidate.ended_at, array_agg(family.id) AS family,
        array_agg(family.id) FILTER (WHERE family.is_sub_run) AS sub_runs,
        sum(counter.last_sequence)::bigint AS entries,
        bool_and(family.ended_at IS NOT NULL AND family.ended_at < :cutoff) AS whole
    FROM candidate
    JOIN family ON family.root = candidate.id
    JOIN execution_counters AS counter ON counter.workflow_execution_id = family.id
    GROUP BY candidate.id, candidate.ended_at
    ORDER BY candidate.ended_at, candidate.id
    """  # noqa: S608 - our own text
)
_IDS = "ANY(CAST(:ids AS uuid[]))"
# Whoever loses its parent or the run that it runs again changes by it, and those that go with the batch do not.
_REFERRING = text(
    f"""
    SELECT id FROM workflow_executions WHERE retry_of_id = {_IDS} AND NOT id = {_IDS}
    UNION
    SELECT child.id FROM node_executions AS step
    JOIN workflow_executions AS child ON child.parent_node_execution_id = step.id
    WHERE step.workflow_execution_id = {_IDS} AND NOT child.id = {_IDS}
    """  # noqa: S608
)
_LOCK = text(f"SELECT id FROM workflow_executions WHERE id = {_IDS} ORDER BY id FOR NO KEY UPDATE")  # noqa: S608
_LOCK_TO_DELETE = text(f"SELECT id FROM workflow_executions WHERE id = {_IDS} ORDER BY id FOR UPDATE")  # noqa: S608
_ENTRIES = text(
    f"SELECT workflow_execution_id AS run, last_sequence FROM execution_counters WHERE workflow_execution_id = {_IDS}"  # noqa: S608
)
_WEIGH = text(
    f"""
    SELECT (SELECT count(*) FROM workflow_executions WHERE id = {_IDS}),
        (SELECT count(*) FROM node_executions WHERE workflow_execution_id = {_IDS}),
        (SELECT coalesce(sum(last_sequence), 0)::bigint FROM execution_counters WHERE workflow_execution_id = {_IDS})
    """  # noqa: S608 - our own text
)
_DELETE_RUNS = text(f"DELETE FROM workflow_executions WHERE id = {_IDS}")  # noqa: S608
_DELETE_ENTRIES = text(f"DELETE FROM execution_logs WHERE workflow_execution_id = {_IDS}")  # noqa: S608
_DELETE_SLICE = text(
    "DELETE FROM execution_logs WHERE workflow_execution_id = :id AND sequence > :after AND sequence <= :upto"
)
