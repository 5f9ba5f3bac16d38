"""Many rows at once, past the API: what a test looks at, not how it got there."""

from uuid import uuid4

import asyncpg

from db import Database


async def execute(database_url: str, statement: str, *arguments: object) -> None:
    """Execute a statement."""
    connection = await asyncpg.connect(**Database(database_url).connect_options())
    try:
        await connection.execute(statement, *arguments)
    finally:
        await connection.close()


async def many_runs(database_url: str, workflow: str, count: int) -> None:
    """Completed runs of a workflow, one a minute up to now, each of as many seconds as it is old in minutes."""
    await execute(
        database_url,
        """
        INSERT INTO workflow_executions
            (id, workflow_id, namespace, workflow_version, status, trigger_type, created_at, started_at, ended_at)
        SELECT gen_random_uuid(), $1, 'default', 1, 'completed', 'schedule', at, at, at + age * interval '1 second'
        FROM (SELECT age, now() - age * interval '1 minute' AS at FROM generate_series(1, $2::int) AS age) AS ages
        """,
        workflow,
        count,
    )


async def many_steps(database_url: str, run: str, count: int) -> None:
    """Running steps of a run that began one after the other, every tenth with nine below it."""
    await execute(
        database_url,
        """
        WITH counter AS (
            UPDATE execution_counters SET revision = revision + $2::int WHERE workflow_execution_id = $1::uuid
            RETURNING revision - $2::int AS before
        )
        INSERT INTO node_executions
            (id, workflow_execution_id, name, parent_id, status, execution_order, started_at, revision)
        SELECT md5(n::text || $1::text)::uuid, $1::uuid, 'step ' || n,
            CASE WHEN n % 10 <> 1 THEN md5((n - (n + 9) % 10)::text || $1::text)::uuid END,
            'running', n, now() - interval '1 hour' + n * interval '100 milliseconds', before + n
        FROM counter, generate_series(1, $2::int) AS n
        """,
        run,
        count,
    )


async def many_entries(database_url: str, run: str, count: int, error_at: int) -> None:
    """The first log entries of a run, one of them an error."""
    await execute(
        database_url,
        """
        WITH counter AS (
            UPDATE execution_counters SET last_sequence = $2::int, info_count = $2::int - 1, error_count = 1
            WHERE workflow_execution_id = $1::uuid
        )
        INSERT INTO execution_logs (workflow_execution_id, sequence, level, message, timestamp)
        SELECT $1::uuid, n, CASE WHEN n = $3::int THEN 'error' ELSE 'info' END, 'entry ' || n, now()
        FROM generate_series(1, $2::int) AS n
        """,
        run,
        count,
        error_at,
    )


def unique(name: str) -> str:
    """A name that no other test has."""
    return f"{name}-{uuid4().hex[:8]}"
