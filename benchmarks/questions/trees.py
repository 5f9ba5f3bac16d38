"""How long do the pages of a dashboard take: runs with counts, a run with its tree, workflows with their runs?"""

from collections.abc import Iterator
from typing import Any

from benchmarks.questions.known import Known
from benchmarks.questions.question import Question, Rows

OVERVIEW = """
{
    workflowExecutions(first: 50) { nodes {
        id status logCounts { error warning } nodeStatusCounts { total completed }
    } }
}
"""
OVERVIEW_SQL = """
SELECT r.id, upper(r.status) AS status, c.error_count AS "error", c.warning_count AS "warning", s.total, s.completed
FROM (SELECT * FROM workflow_executions ORDER BY created_at DESC, id DESC LIMIT 51) AS r
JOIN execution_counters AS c ON c.workflow_execution_id = r.id
CROSS JOIN LATERAL (
    SELECT count(*) AS total, count(*) FILTER (WHERE status = 'completed') AS completed
    FROM node_executions WHERE workflow_execution_id = r.id
) AS s
ORDER BY r.created_at DESC, r.id DESC
"""
LATEST = """
{
    workflows(first: 50) { nodes { id executions(first: 5) { nodes { id status } } } }
}
"""
LATEST_SQL = """
SELECT w.id AS workflow, r.id, upper(r.status) AS status
FROM (SELECT * FROM workflows ORDER BY created_at DESC, id DESC LIMIT 50) AS w
CROSS JOIN LATERAL (
    SELECT id, status, created_at FROM workflow_executions WHERE workflow_id = w.id
    ORDER BY created_at DESC, id DESC LIMIT 5
) AS r
ORDER BY w.created_at DESC, w.id DESC, r.created_at DESC, r.id DESC
"""
ERRORS_OF_STEPS = """
query ($id: UUID!) { workflowExecution(id: $id) { nodeExecutions(first: 200) { nodes {
    id logs(last: 10, filter: {levels: [ERROR]}) { nodes { sequence message } }
} } } }
"""
ERRORS_OF_STEPS_SQL = """
SELECT s.id, l.sequence, l.message
FROM (
    SELECT * FROM node_executions WHERE workflow_execution_id = $1 ORDER BY execution_order, id LIMIT 200
) AS s
CROSS JOIN LATERAL (
    SELECT sequence, message FROM execution_logs
    WHERE workflow_execution_id = s.workflow_execution_id AND node_execution_id = s.id AND level = 'error'
    ORDER BY sequence DESC LIMIT 10
) AS l
ORDER BY s.execution_order, s.id, l.sequence
"""


def questions(known: Known) -> Iterator[Question]:
    """All of them."""
    yield Question("dashboard", "newest 50 runs with counts", OVERVIEW, {}, _overview, OVERVIEW_SQL, (), 100, 500)
    yield Question("dashboard", "50 workflows with 5 runs each", LATEST, {}, _latest, LATEST_SQL, (), 100, 500)
    for name, run in (("wide", known.wide_run), ("long", known.long_run)):
        variables = {"id": str(run)}
        about = f"10 newest errors of each step of the {name} run"
        yield Question("dashboard", about, ERRORS_OF_STEPS, variables, _errors, ERRORS_OF_STEPS_SQL, [run], 100, 500)


def _overview(data: Any) -> Rows:
    nodes = data["workflowExecutions"]["nodes"]
    return [
        {"id": node["id"], "status": node["status"], **node["logCounts"], **node["nodeStatusCounts"]} for node in nodes
    ]


def _latest(data: Any) -> Rows:
    return [
        {"workflow": workflow["id"], **run}
        for workflow in data["workflows"]["nodes"]
        for run in workflow["executions"]["nodes"]
    ]


def _errors(data: Any) -> Rows:
    steps = data["workflowExecution"]["nodeExecutions"]["nodes"]
    return [{"id": step["id"], **entry} for step in steps for entry in step["logs"]["nodes"]]
