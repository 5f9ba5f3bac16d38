"""The counter row of a run: always the last lock of a transaction."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text

from db.transaction import Transaction

_TAKE_REVISIONS = text(
    """
    UPDATE execution_counters SET revision = revision + :count, last_report_at = clock_timestamp()
    WHERE workflow_execution_id = :run
    RETURNING revision
    """
)


async def take_revisions(session: Transaction, run_id: UUID, count: int) -> int:
    """Allocate the run's next `count` revisions and give the last of them."""
    last: int = (await session.execute(_TAKE_REVISIONS, {"run": run_id, "count": count})).scalar_one()
    return last


_LOCK = text(
    """
    SELECT FROM execution_counters WHERE workflow_execution_id = ANY(CAST(:runs AS uuid[]))
    ORDER BY workflow_execution_id FOR NO KEY UPDATE
    """
)


async def lock_counters(session: Transaction, run_ids: Sequence[UUID]) -> None:
    """Lock the counters of these runs, by id."""
    await session.execute(_LOCK, {"runs": run_ids})
