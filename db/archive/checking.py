"""Whether imported runs keep what every run keeps: whoever altered an archive may have sealed it again."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection


async def broken_promise(connection: AsyncConnection) -> str | None:
    """What is wrong with the imported runs, in the transaction that imports them; None if nothing is."""
    for statement in _PROMISES:
        broken: str | None = (await connection.execute(text(statement))).scalars().first()
        if broken is not None:
            return broken
    return None


_PROMISES = (
    """
    SELECT format('run %s has %s entries up to %s, and counts %s', counter.workflow_execution_id, entry.total,
        entry.last, counter.last_sequence)
    FROM imported_runs JOIN execution_counters AS counter ON counter.workflow_execution_id = imported_runs.id
    CROSS JOIN LATERAL (
        SELECT count(*) AS total, coalesce(min(sequence), 1) AS first, coalesce(max(sequence), 0) AS last,
            count(*) FILTER (WHERE level = 'debug') AS debug, count(*) FILTER (WHERE level = 'info') AS info,
            count(*) FILTER (WHERE level = 'warning') AS warning, count(*) FILTER (WHERE level = 'error') AS error
        FROM execution_logs WHERE workflow_execution_id = imported_runs.id
    ) AS entry
    WHERE (entry.first, entry.last, entry.total, entry.debug, entry.info, entry.warning, entry.error)
        IS DISTINCT FROM (1, counter.last_sequence, counter.last_sequence, counter.debug_count, counter.info_count,
            counter.warning_count, counter.error_count)
    """,
    """
    SELECT format('run %s is %s and has a step that is %s', run.id, run.status, step.status)
    FROM imported_runs JOIN workflow_executions AS run USING (id)
    JOIN node_executions AS step ON step.workflow_execution_id = run.id
    WHERE (run.ended_at IS NOT NULL AND step.status IN ('pending', 'running'))
        OR (run.status <> 'running' AND step.status = 'running')
    """,
    """
    SELECT format('run %s has two changes of one revision, or one above its %s', run.id, counter.revision)
    FROM imported_runs JOIN workflow_executions AS run USING (id)
    JOIN execution_counters AS counter ON counter.workflow_execution_id = run.id
    CROSS JOIN LATERAL (
        SELECT count(*) AS total, count(DISTINCT revision) AS different, max(revision) AS last FROM (
            SELECT revision FROM node_executions WHERE workflow_execution_id = run.id
            UNION ALL SELECT run.revision
        ) AS change
    ) AS changes
    WHERE changes.total <> changes.different OR changes.last > counter.revision
    """,
    """
    SELECT format('step %s differs from its try %s', step.id, step.retry_count + 1)
    FROM imported_runs JOIN node_executions AS step ON step.workflow_execution_id = imported_runs.id
    LEFT JOIN node_execution_attempts AS attempt
        ON attempt.node_execution_id = step.id AND attempt.attempt = step.retry_count + 1
    WHERE step.started_at IS NOT NULL AND (step.status, step.started_at, step.ended_at, step.error_message)
        IS DISTINCT FROM (attempt.status, attempt.started_at, attempt.ended_at, attempt.error_message)
    """,
)
