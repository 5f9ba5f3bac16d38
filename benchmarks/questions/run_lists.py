"""How long does the list of runs take, however it is filtered and sorted, on page 1 and on page 1,000?"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, NamedTuple

from benchmarks.questions.known import Known
from benchmarks.questions.question import Question, Rows, flat
from benchmarks.texts import ARCHIVE

TOPIC = "run list"
DOCUMENT = """
query ($filter: WorkflowExecutionFilter, $order: WorkflowExecutionOrder, $first: Int, $after: String) {
    workflowExecutions(filter: $filter, orderBy: $order, first: $first, after: $after) {
        nodes {
            id status triggerType createdAt startedAt endedAt durationSeconds
            workflow { id name }
        }
        pageInfo { hasNextPage endCursor }
    }
}
"""
CURSORS = """
query ($filter: WorkflowExecutionFilter, $order: WorkflowExecutionOrder, $first: Int, $after: String) {
    workflowExecutions(filter: $filter, orderBy: $order, first: $first, after: $after) {
        nodes { id }
        pageInfo { hasNextPage endCursor }
    }
}
"""
SQL = """
SELECT r.id, upper(r.status) AS status, upper(r.trigger_type) AS "triggerType", r.created_at AS "createdAt",
    r.started_at AS "startedAt", r.ended_at AS "endedAt",
    date_part('epoch', r.ended_at - r.started_at) AS "durationSeconds",
    w.id AS "workflow.id", w.name AS "workflow.name"
FROM workflow_executions AS r JOIN workflows AS w ON w.id = r.workflow_id
WHERE {where} ORDER BY {key} {direction}, r.id {direction} LIMIT 51
"""
KEYS = {
    "CREATED_AT": "r.created_at",
    "STARTED_AT": "r.started_at",
    "ENDED_AT": "r.ended_at",
    "DURATION": "(r.ended_at - r.started_at)",
}
ERRORS = "EXISTS (SELECT FROM execution_counters WHERE workflow_execution_id = r.id AND error_count > 0)"
FOUND_TEXT = (
    "(r.error_message ILIKE $1 OR r.workflow_id IN (SELECT id FROM workflows WHERE name ILIKE $1)"
    " OR r.id::text LIKE $2)"
)
PAGE_SIZE = 50


class List(NamedTuple):
    """A list of runs: as the API's filter and order, and as conditions in SQL with $1, $2, ..."""

    name: str
    filter: dict[str, Any]
    where: str
    arguments: list[Any]
    field: str = "CREATED_AT"
    direction: str = "DESC"
    target_ms: float = 50
    far: bool = False
    """Whether page 1,000 is asked for, too."""


def lists(known: Known) -> Iterator[List]:
    """All single filters, and workflow and status in every order."""
    workflow = {"workflowIds": [str(known.large_workflow)]}
    of_workflow, completed = ("r.workflow_id = $1", [known.large_workflow]), ("r.status = $1", ["completed"])
    month = known.newest - timedelta(days=30)
    yield List("all", {}, "true", [], far=True)
    yield List("one namespace", {"namespaces": ["default"]}, "r.namespace = $1", ["default"], far=True)
    yield List("a namespace of long ago", {"namespaces": [ARCHIVE]}, "r.namespace = $1", [ARCHIVE])
    yield List("half of all: a workflow", workflow, *of_workflow, far=True)
    yield List("a workflow", {"workflowIds": [str(known.workflow)]}, "r.workflow_id = $1", [known.workflow])
    yield List("completed", {"status": ["COMPLETED"]}, *completed, far=True)
    yield List("failed", {"status": ["FAILED"]}, "r.status = $1", ["failed"])
    yield List("running", {"status": ["RUNNING"]}, "r.status = $1", ["running"])
    yield List("by schedule", {"triggerType": ["SCHEDULE"]}, "r.trigger_type = $1", ["schedule"], far=True)
    yield List("by hand", {"triggerType": ["MANUAL"]}, "r.trigger_type = $1", ["manual"])
    yield List("of the last 30 days", {"createdSince": month.isoformat()}, "r.created_at >= $1", [month])
    yield List("until 30 days ago", {"createdUntil": month.isoformat()}, "r.created_at < $1", [month], far=True)
    for seconds in (60, 3000):
        took = timedelta(seconds=seconds)
        yield List(f"over {seconds} s", {"minDurationSeconds": seconds}, f"{KEYS['DURATION']} >= $1", [took])
    yield List("with errors", {"hasErrors": True}, ERRORS, [])
    yield List("without errors", {"hasErrors": False}, f"NOT {ERRORS}", [], far=True)
    region, customer = '{"region": "eu"}', '{"customer": "c17"}'
    yield List("metadata: a region", {"metadata": {"region": "eu"}}, "r.metadata @> $1::jsonb", [region], far=True)
    yield List("metadata: a customer", {"metadata": {"customer": "c17"}}, "r.metadata @> $1::jsonb", [customer])
    for text in ("warehouse", "yearly", "workflow", "nothing like it"):
        yield List(f"search: {text}", {"search": text}, FOUND_TEXT, [f"%{text}%", f"{text}%"])
    for narrowed_by, filter_, condition in (
        ("half of all", workflow, of_workflow),
        ("completed", {"status": ["COMPLETED"]}, completed),
    ):
        for field in KEYS:
            for direction in ("DESC", "ASC"):
                name = f"{narrowed_by} by {field} {direction}"
                yield List(name, filter_, *condition, field, direction, far=True)


def combinations(known: Known) -> Iterator[List]:
    """Some combinations of filters."""
    large, month = known.large_workflow, known.newest - timedelta(days=30)
    workflow, failed = {"workflowIds": [str(large)]}, {"status": ["FAILED"]}
    both = ("r.workflow_id = $1 AND r.status = $2", [large, "failed"])
    text = f"{FOUND_TEXT} AND r.namespace = $3 AND r.status = $4"
    for each in (
        List("failed of a workflow", workflow | failed, *both),
        List("failed of a workflow, the slowest", workflow | failed, *both, "DURATION"),
        List("completed with errors", {"status": ["COMPLETED"], "hasErrors": True}, f"r.status = $1 AND {ERRORS}",
             ["completed"]),
        List("failed of a namespace with text", {"namespaces": ["billing"], **failed, "search": "warehouse"}, text,
             ["%warehouse%", "warehouse%", "billing", "failed"]),
        List("of a workflow and a customer", workflow | {"metadata": {"customer": "c17"}},
             "r.workflow_id = $1 AND r.metadata @> $2::jsonb", [large, '{"customer": "c17"}']),
        List("of a month, the slowest", {"createdSince": month.isoformat()}, "r.created_at >= $1", [month],
             "DURATION"),
    ):  # fmt: skip
        yield each._replace(target_ms=100)


def question(of: List, page: int = 1, after: str | None = None, position: tuple[Any, Any] | None = None) -> Question:
    """The question for a page of a list, from a cursor and the sort key it stands for."""
    order = {"field": of.field, "direction": of.direction}
    key, arguments = KEYS[of.field], list(of.arguments)
    where = of.where if of.field == "CREATED_AT" else f"{of.where} AND {key} IS NOT NULL"
    if position is not None:
        sign, place = "<" if of.direction == "DESC" else ">", len(arguments)
        where += f" AND ({key}, r.id) {sign} (${place + 1}, ${place + 2})"
        arguments += position
    return Question(
        topic=TOPIC,
        name=of.name if page == 1 else f"{of.name}, page {page:,}",
        document=DOCUMENT,
        variables={"filter": of.filter, "order": order, "first": PAGE_SIZE, "after": after},
        answer=_rows,
        sql=SQL.format(where=where, key=key, direction=of.direction),
        arguments=arguments,
        target_ms=of.target_ms,
        allowed_ms=500,
    )


def _rows(data: Any) -> Rows:
    found: Rows = [flat(node) for node in data["workflowExecutions"]["nodes"]]
    return found
