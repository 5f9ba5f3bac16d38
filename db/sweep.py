"""Finding out what changed without having been told: the slow way that makes a lost hint only a delay."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import text

from db.database import Database

OVERLAP_SECONDS = 60
"""How far back a sweep looks for runs that were made and ended between two sweeps, however late they committed."""

State = dict[UUID, tuple[int, int]]
"""The revision and the last sequence of runs."""


class Sweep:
    """Compares runs with what they were last time: one statement for any number of them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._watched: State = {}
        self._recent: State | None = None

    async def changed_among(self, runs: Collection[UUID]) -> set[UUID]:
        """Those of these runs that changed, or are gone, since the last time; all that were not asked for then."""
        seen = await self._read(_WATCHED, ids=list(runs))
        before, self._watched = self._watched, seen
        return {run_id for run_id in runs if run_id not in seen or before.get(run_id) != seen[run_id]}

    async def changed_of_all(self) -> set[UUID]:
        """The runs that changed since the last time; none the first time."""
        seen = await self._read(_RECENT, overlap=OVERLAP_SECONDS)
        before, self._recent = self._recent, seen
        if before is None:
            return set()
        # A run that is gone from the list has ended long ago, or was deleted.
        return {run_id for run_id in before.keys() | seen.keys() if before.get(run_id) != seen.get(run_id)}

    def forget_all(self) -> None:
        """Begin anew with `changed_of_all`: nobody asked for a while."""
        self._recent = None

    async def _read(self, statement: object, **parameters: object) -> State:
        async with self._database.read() as connection:
            rows = await connection.execute(statement, parameters)  # type: ignore[call-overload]
            return {run_id: (revision, last_sequence) for run_id, revision, last_sequence in rows}


_WATCHED = text(
    """
    SELECT workflow_execution_id, revision, last_sequence FROM execution_counters
    WHERE workflow_execution_id = ANY(CAST(:ids AS uuid[]))
    """
)

_RECENT = text(
    """
    SELECT run.id, counter.revision, counter.last_sequence
    FROM workflow_executions AS run JOIN execution_counters AS counter ON counter.workflow_execution_id = run.id
    WHERE run.status IN ('pending', 'running')
    UNION
    SELECT run.id, counter.revision, counter.last_sequence
    FROM workflow_executions AS run JOIN execution_counters AS counter ON counter.workflow_execution_id = run.id
    WHERE run.updated_at > clock_timestamp() - make_interval(secs => :overlap)
    """
)
