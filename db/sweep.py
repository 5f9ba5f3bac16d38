"""Finding out what changed without having been told: the slow way that makes a lost hint only a delay."""

from uuid import UUID

from sqlalchemy import text

from db.database import Database

OVERLAP_SECONDS = 60
"""How far back a sweep looks for runs that were made and ended between two sweeps, however late they committed."""


class Sweep:
    """Compares the runs that are under way, and those changed a moment ago, with what they were last time."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._seen: dict[UUID, tuple[int, int]] | None = None

    def forget(self) -> None:
        """Begin anew: nobody asked for a while."""
        self._seen = None

    async def changed_runs(self) -> set[UUID]:
        """The runs that changed since the last sweep; none the first time."""
        async with self._database.read() as connection:
            rows = await connection.execute(_RECENT, {"overlap": OVERLAP_SECONDS})
            seen = {run_id: (revision, last_sequence) for run_id, revision, last_sequence in rows}
        before, self._seen = self._seen, seen
        if before is None:
            return set()
        # A run that is gone from the list has ended long ago, or was deleted.
        return {run_id for run_id in before.keys() | seen.keys() if before.get(run_id) != seen.get(run_id)}


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
