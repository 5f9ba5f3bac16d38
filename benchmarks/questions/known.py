"""What the questions are about: the large and the small ones of a filled database."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Known:
    """Ids and times of a filled database."""

    large_workflow: UUID
    workflow: UUID
    long_run: UUID
    wide_run: UUID
    run: UUID
    newest: datetime


async def look_around(connection: Any) -> Known:
    """Find them, through asyncpg."""
    counted = "SELECT workflow_id FROM workflow_executions GROUP BY 1 ORDER BY count(*) DESC, 1"
    longest = "SELECT workflow_execution_id FROM execution_counters ORDER BY last_sequence DESC LIMIT 1"
    widest = "SELECT workflow_execution_id FROM node_executions WHERE key LIKE 'step-%' ORDER BY execution_order DESC"
    return Known(
        large_workflow=await connection.fetchval(f"{counted} LIMIT 1"),
        workflow=await connection.fetchval("SELECT id FROM workflows WHERE name = 'workflow 7'"),
        long_run=await connection.fetchval(longest),
        wide_run=await connection.fetchval(f"{widest} LIMIT 1"),
        run=await connection.fetchval(
            "SELECT id FROM workflow_executions WHERE status = 'completed' ORDER BY created_at DESC LIMIT 1"
        ),
        newest=await connection.fetchval("SELECT max(created_at) FROM workflow_executions"),
    )
