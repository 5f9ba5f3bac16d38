"""Engines that live and engines that die: heartbeats, and what becomes of a run of which nothing is heard."""

from collections.abc import Sequence
from datetime import timedelta
from types import SimpleNamespace
from uuid import UUID

from sqlalchemy import text

from db.commands.execution_logs import append_logs
from db.commands.locks import lock_run
from db.commands.workflow_executions import fail_workflow_execution
from db.enums import LogLevel
from db.scope import scope
from db.state_machine import RUNNING
from db.transaction import Transaction
from db.validation import check_batch


async def record_heartbeats(session: Transaction, run_ids: Sequence[UUID]) -> None:
    """Note that the engines of these runs live. Their rows are not locked: nothing waits for a heartbeat.

    Raises:
        InvalidInputError: there are none, or too many.
    """
    check_batch(run_ids, "workflow_execution_ids")
    ids = list(set(run_ids))
    namespaces = scope(session)
    if namespaces is not None:
        seen = await session.execute(_SEEN, {"ids": ids, "namespaces": list(namespaces)})
        ids = list(seen.scalars())
    await session.execute(_HEARTBEAT, {"ids": ids})


_SEEN = text(
    """
    SELECT id FROM workflow_executions
    WHERE id = ANY(CAST(:ids AS uuid[])) AND namespace = ANY(CAST(:namespaces AS text[]))
    """
)

# Counter rows in one order, as everywhere.
_HEARTBEAT = text(
    """
    UPDATE execution_counters SET last_report_at = clock_timestamp()
    FROM (
        SELECT workflow_execution_id AS id FROM execution_counters
        WHERE workflow_execution_id = ANY(CAST(:ids AS uuid[]))
        ORDER BY workflow_execution_id FOR NO KEY UPDATE
    ) AS held
    WHERE workflow_execution_id = held.id
    """
)


async def find_silent_runs(session: Transaction, listening_for: timedelta, limit: int) -> list[UUID]:
    """At most `limit` RUNNING runs of which nothing was heard within their heartbeat timeout.

    Args:
        session: where to read.
        listening_for: how long reports could have been heard; a run has its whole timeout from then on.
        limit: how many to give.
    """
    rows = await session.execute(_SILENT, {"listening_for": listening_for, "limit": limit})
    return list(rows.scalars())


_SILENT = text(
    """
    SELECT run.id FROM workflow_executions AS run
    JOIN execution_counters AS counter ON counter.workflow_execution_id = run.id
    WHERE run.status = 'running' AND run.heartbeat_timeout_seconds IS NOT NULL
        AND make_interval(secs => run.heartbeat_timeout_seconds)
            < least(clock_timestamp() - counter.last_report_at, CAST(:listening_for AS interval))
    ORDER BY run.id LIMIT :limit
    """
)


async def fail_silent_run(session: Transaction, id: UUID) -> bool:  # noqa: A002
    """Fail a run of which nothing is heard, cancel its steps and log why; False if it is heard of after all.

    Raises:
        NotFoundError: the run is gone.
    """
    run = await lock_run(session, id)
    timeout, heard_at, silent = (await session.execute(_HEARD, {"id": id})).one()
    if run.status is not RUNNING or not silent:
        return False
    message = f"No heartbeat for {timeout} seconds"
    await fail_workflow_execution(session, id, error_message=message)
    entry = SimpleNamespace(
        level=LogLevel.WARNING,
        message=f"{message}: the run was failed and its unfinished steps were cancelled",
        data={"heartbeat_timeout_seconds": timeout, "last_report_at": heard_at.isoformat()},
        timestamp=None,
        node_execution_id=None,
        attempt=None,
    )
    await append_logs(session, id, [entry])
    return True


_HEARD = text(
    """
    SELECT run.heartbeat_timeout_seconds, counter.last_report_at,
        make_interval(secs => run.heartbeat_timeout_seconds) < clock_timestamp() - counter.last_report_at
    FROM workflow_executions AS run JOIN execution_counters AS counter ON counter.workflow_execution_id = run.id
    WHERE run.id = :id
    """
)
