"""What ten typical documents of dashboards cost: so many SQL statements, however many rows there are."""

from collections.abc import Iterator
from typing import Any

import pytest

from benchmarks.sizes import Sizes
from tests.api_server import ApiServer
from tests.filled_database import filled_database
from tests.statements import counted_statements

SMALL = Sizes(runs=30, steps=130, entries=330, workflows=4, longest_log=120, widest_run=20, days=10)
LARGE = Sizes(runs=300, steps=1_900, entries=4_000, workflows=12, longest_log=1_200, widest_run=300, days=10)


@pytest.fixture(scope="module", params=[SMALL, LARGE], ids=["small", "large"])
def filled(request: pytest.FixtureRequest) -> Iterator[ApiServer]:
    with filled_database(request.param) as url, ApiServer(url) as api:
        yield api


DOCUMENTS: dict[str, tuple[int, str]] = {
    "the list of runs": (
        1,
        """{
            workflowExecutions(first: 50) {
                nodes { id status triggerType createdAt startedAt endedAt durationSeconds workflow { id name } }
                pageInfo { hasNextPage endCursor }
            }
        }""",
    ),
    "the list of runs with counts and a total": (
        3,
        """{
            workflowExecutions(filter: {status: [FAILED, COMPLETED], hasErrors: true}, first: 50) {
                totalCount
                nodes { id status errorMessage logCounts { warning error } nodeStatusCounts { total completed failed } }
            }
        }""",
    ),
    "the slowest runs with their steps": (
        2,
        """{
            workflowExecutions(orderBy: {field: DURATION, direction: DESC}, first: 20) {
                nodes { id durationSeconds nodeExecutions(first: 100) { nodes { id name durationSeconds } } }
            }
        }""",
    ),
    "the tree of a run": (
        8,
        """query ($id: UUID!) {
            workflowExecution(id: $id) {
                id status workflow { name }
                definition { nodes { id key name } dependencies { sourceNodeId targetNodeId } }
                logCounts { total error } nodeStatusCounts { total }
                nodeExecutions(first: 200) {
                    nodes { id name status node { nodeType } attempts { attempt status errorMessage } parentId }
                }
                logs(last: 100) { nodes { sequence level message } lastSequence }
            }
        }""",
    ),
    "the newest errors of every step": (
        3,
        """query ($id: UUID!) {
            workflowExecution(id: $id) {
                nodeExecutions(first: 200) {
                    nodes { id logs(filter: {levels: [ERROR]}, last: 10) { nodes { sequence message } } }
                }
            }
        }""",
    ),
    "steps with what they started and what their entries count": (
        5,
        """query ($id: UUID!) {
            workflowExecution(id: $id) {
                nodeExecutions(first: 200) {
                    nodes {
                        id logCounts { total error }
                        childExecutions(first: 5) { totalCount nodes { id status } }
                    }
                }
            }
        }""",
    ),
    "the tail of a log with its steps and their runs": (
        4,
        """query ($id: UUID!) {
            workflowExecution(id: $id) {
                logs(last: 1000, filter: {minLevel: INFO}) {
                    totalCount
                    nodes { sequence level message timestamp nodeExecution { id name workflowExecution { status } } }
                }
            }
        }""",
    ),
    "workflows with their latest runs and their failures": (
        5,
        """{
            workflows(first: 50) {
                totalCount
                nodes {
                    id name
                    latest: executions(first: 5) { nodes { id status } }
                    failed: executions(filter: {status: [FAILED]}, first: 1) { totalCount nodes { id } }
                }
            }
        }""",
    ),
    "workflows with their charts": (
        2,
        """{
            workflows(first: 50) {
                nodes {
                    id
                    stats(bucket: DAY, timeZone: "Europe/Berlin") {
                        summary { total successRate durationP95 } buckets { start summary { total } }
                    }
                }
            }
        }""",
    ),
    "an overview": (
        5,
        """{
            all: workflowExecutionStats(bucket: DAY) {
                summary { total byStatus { status count } } buckets { start summary { total successRate } }
            }
            failed: workflowExecutionStats(filter: {status: [FAILED]}) { summary { byTrigger { triggerType count } } }
            running: workflowExecutions(filter: {status: [RUNNING]}, first: 10) { nodes { id workflow { name } } }
            pending: workflowExecutions(filter: {status: [PENDING]}, first: 0) { totalCount }
        }""",
    ),
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_takes_so_many_statements(filled: ApiServer, name: str) -> None:
    expected, document = DOCUMENTS[name]
    newest = "query { workflowExecutions(filter: {status: [FAILED]}, last: 1) { nodes { id } } }"
    variables: dict[str, Any] = {}
    if "$id" in document:
        variables["id"] = filled.ask(newest)["nodes"][0]["id"]

    with counted_statements() as statements:
        answer = filled.post(document, **variables)

    assert "errors" not in answer
    assert len(statements) == expected, "\n\n".join(statements)
