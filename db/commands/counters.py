"""The counter row of a run: always the last lock of a transaction."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

_TAKE_REVISIONS = text(
    "UPDATE execution_counters SET revision = revision + :count WHERE workflow_execution_id = :run RETURNING revision"
)


async def take_revisions(session: AsyncSession, run_id: UUID, count: int) -> int:
    """Allocate the run's next `count` revisions and give the last of them."""
    last: int = (await session.execute(_TAKE_REVISIONS, {"run": run_id, "count": count})).scalar_one()
    return last
