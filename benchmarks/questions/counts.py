"""How long does it take to count: the total of a list, and the statistics for a chart?"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from benchmarks.questions.known import Known
from benchmarks.questions.question import Question, Rows

TOTAL = "query ($filter: WorkflowExecutionFilter) { workflowExecutions(filter: $filter, first: 0) { totalCount } }"
LOG_TOTAL = """
query ($id: UUID!, $filter: ExecutionLogFilter) {
    workflowExecution(id: $id) { logs(first: 0, filter: $filter) { totalCount } }
}
"""
STATS = """
query ($filter: WorkflowExecutionFilter, $bucket: StatsBucket) {
    workflowExecutionStats(filter: $filter, bucket: $bucket) {
        buckets { start summary { total successRate durationP50 durationP95 durationMax } }
    }
}
"""
STATS_SQL = """
SELECT start, count(r.id) AS total,
    count(*) FILTER (WHERE status = 'completed')::float
        / nullif(count(*) FILTER (WHERE status IN ('completed', 'failed')), 0) AS "successRate",
    percentile_cont(0.5) WITHIN GROUP (ORDER BY date_part('epoch', ended_at - started_at)) AS "durationP50",
    percentile_cont(0.95) WITHIN GROUP (ORDER BY date_part('epoch', ended_at - started_at)) AS "durationP95",
    max(date_part('epoch', ended_at - started_at)) AS "durationMax"
FROM generate_series(date_trunc('{unit}', $1::timestamptz, 'UTC'), $2::timestamptz, '1 {unit}') AS start
LEFT JOIN workflow_executions AS r ON date_trunc('{unit}', r.created_at, 'UTC') = start
    AND r.created_at >= $1 AND r.created_at < $2
WHERE start < $2
GROUP BY start ORDER BY start
"""


def questions(known: Known) -> Iterator[Question]:
    """All of them."""
    workflow = known.large_workflow
    for name, filter_, where, arguments in (
        ("all runs", {}, "true", []),
        ("of half of all: a workflow", {"workflowIds": [str(workflow)]}, "workflow_id = $1", [workflow]),
        ("failed", {"status": ["FAILED"]}, "status = $1", ["failed"]),
        ("metadata: a region", {"metadata": {"region": "eu"}}, "metadata @> $1::jsonb", ['{"region": "eu"}']),
    ):
        sql = f"SELECT count(*) AS total FROM workflow_executions WHERE {where}"  # noqa: S608 - the conditions above
        yield Question("totalCount", name, TOTAL, {"filter": filter_}, _total, sql, arguments, None, 500)
    yield Question(
        "totalCount",
        "a million entries",
        LOG_TOTAL,
        {"id": str(known.long_run), "filter": {}},
        lambda data: [{"total": data["workflowExecution"]["logs"]["totalCount"]}],
        "SELECT count(*) AS total FROM execution_logs WHERE workflow_execution_id = $1",
        [known.long_run],
    )
    for unit, days in (("hour", 7), ("day", 30), ("week", 365)):
        since, until = known.newest - timedelta(days=days), known.newest
        variables = {
            "filter": {"createdSince": since.isoformat(), "createdUntil": until.isoformat()},
            "bucket": unit.upper(),
        }
        name = f"{days} days by the {unit}"
        yield Question("statistics", name, STATS, variables, _buckets, STATS_SQL.format(unit=unit), [since, until])


def _total(data: Any) -> Rows:
    return [{"total": data["workflowExecutions"]["totalCount"]}]


def _buckets(data: Any) -> Rows:
    buckets = data["workflowExecutionStats"]["buckets"]
    return [{"start": each["start"], **each["summary"]} for each in buckets]
