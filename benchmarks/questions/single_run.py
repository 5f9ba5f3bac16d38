"""How long do the steps of a run take, the tail of its log, its errors, and all of it at once?"""

from collections.abc import Iterator
from typing import Any

from benchmarks.questions.known import Known
from benchmarks.questions.question import Question, Rows

STEPS = """
query ($id: UUID!, $first: Int) {
    workflowExecution(id: $id) { nodeExecutions(first: $first) {
        nodes { id name status executionOrder retryCount canRetry startedAt endedAt durationSeconds errorMessage }
    } }
}
"""
STEPS_SQL = """
SELECT s.id, coalesce(s.name, n.name) AS name, upper(s.status) AS status, s.execution_order AS "executionOrder",
    s.retry_count AS "retryCount",
    s.status = 'failed' AND s.retry_count < coalesce((n.retry_config ->> 'max_retries')::int, 0) AS "canRetry",
    s.started_at AS "startedAt", s.ended_at AS "endedAt",
    date_part('epoch', s.ended_at - s.started_at) AS "durationSeconds", s.error_message AS "errorMessage"
FROM node_executions AS s LEFT JOIN nodes AS n ON n.id = s.node_id
WHERE s.workflow_execution_id = $1 ORDER BY s.execution_order, s.id LIMIT $2 + 1
"""
LOGS = """
query ($id: UUID!, $last: Int, $filter: ExecutionLogFilter) {
    workflowExecution(id: $id) { logs(last: $last, filter: $filter) {
        nodes { sequence level message data timestamp attempt nodeExecutionId }
        lastSequence
    } }
}
"""
LOGS_SQL = """
SELECT * FROM (
    SELECT sequence, upper(level) AS level, message, data, timestamp, attempt, node_execution_id AS "nodeExecutionId"
    FROM execution_logs WHERE workflow_execution_id = $1 AND {where} ORDER BY sequence DESC LIMIT $2
) AS tail ORDER BY sequence
"""


def questions(known: Known) -> Iterator[Question]:
    """All of them."""
    for name, run, first in (
        ("a run of 10 steps", known.run, 50),
        ("100 of 5,000 steps", known.wide_run, 100),
        ("1,000 of 5,000 steps", known.wide_run, 1_000),
    ):
        yield Question(
            "steps of a run", name, STEPS, {"id": str(run), "first": first}, _steps, STEPS_SQL, [run, first], 30, 200
        )
    for topic, name, last, filter_, where, target in (
        ("log of the million-entry run", "newest 1,000", 1_000, {}, "true", 60),
        ("log of the million-entry run", "newest 50", 50, {}, "true", 60),
        ("errors of the million-entry run", "newest 50", 50, {"levels": ["ERROR"]}, "level = 'error'", 30),
        ("errors of the million-entry run", "newest 1,000", 1_000, {"levels": ["ERROR"]}, "level = 'error'", 60),
        ("log of the million-entry run", "newest 1,000 warnings and errors", 1_000, {"minLevel": "WARNING"},
         "level IN ('warning', 'error')", 60),
        ("log of the million-entry run", "newest 50 with a text", 50, {"search": "ORDERS"}, "message ILIKE '%ORDERS%'",
         60),
        ("log of the million-entry run", "a text that is nowhere", 50, {"search": "nowhere"},
         "message ILIKE '%nowhere%'", None),
    ):  # fmt: skip
        yield Question(
            topic,
            name,
            LOGS,
            {"id": str(known.long_run), "last": last, "filter": filter_},
            _entries,
            LOGS_SQL.format(where=where),
            [known.long_run, last],
            target,
            300,
        )


def _steps(data: Any) -> Rows:
    nodes: Rows = data["workflowExecution"]["nodeExecutions"]["nodes"]
    return nodes


def _entries(data: Any) -> Rows:
    nodes: Rows = data["workflowExecution"]["logs"]["nodes"]
    return nodes
