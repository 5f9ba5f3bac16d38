"""Filters and orders: parts hold together, null is absent, an empty list matches nothing, nulls come last."""

from typing import Any

import pytest

from tests.api_server import ApiServer
from tests.graphql_api.reports import at, log, run, running, steps, transition, workflow

RUNS = """
query ($filter: WorkflowExecutionFilter, $order: WorkflowExecutionOrder) {
    workflowExecutions(filter: $filter, orderBy: $order) { totalCount nodes { id } }
}
"""
LOGS = """
query ($run: UUID!, $filter: ExecutionLogFilter) {
    workflowExecution(id: $run) { logs(filter: $filter) { totalCount nodes { sequence } } }
}
"""
STEPS = """
query ($run: UUID!, $filter: NodeExecutionFilter) {
    workflowExecution(id: $run) { nodeExecutions(filter: $filter) { totalCount nodes { name } } }
}
"""


class Runs:
    """One workflow with a run of each kind."""

    def __init__(self, api: ApiServer) -> None:
        self.api = api
        self.workflow_id, _nodes = workflow(api, name="50% of_the flow", namespace="filters")
        make = {
            "pending": run(api, self.workflow_id, triggerType="EVENT"),
            "short": running(api, self.workflow_id, metadata={"team": {"name": "risk", "size": 3}, "tags": ["a", "b"]}),
            "long": running(api, self.workflow_id, metadata={"tags": ["b"]}),
            "failed": running(api, self.workflow_id, triggerType="SCHEDULE"),
        }
        make["again"] = run(api, self.workflow_id, retryOfId=make["failed"])
        transition(api, "completeWorkflowExecution", make["short"], at=at(1))
        transition(api, "completeWorkflowExecution", make["long"], at=at(60))
        transition(api, "failWorkflowExecution", make["failed"], at=at(30), errorMessage="Disk C:\\ is 100% full_")
        log(api, make["failed"], "disk full", level="ERROR")
        log(api, make["short"], "nearly full", level="WARNING")
        self.ids = make
        self.names = {id_: name for name, id_ in make.items()}

    def found(self, order: dict[str, str] | None = None, **filter_: Any) -> list[str]:
        """The names of the runs that match, in order."""
        found = self.api.ask(RUNS, filter={"workflowIds": [self.workflow_id], **filter_}, order=order)
        assert found["totalCount"] == len(found["nodes"])
        return [self.names[node["id"]] for node in found["nodes"]]


@pytest.fixture(scope="module")
def runs(api: ApiServer) -> Runs:
    return Runs(api)


ALL = ["again", "failed", "long", "short", "pending"]
"""Newest first."""


@pytest.mark.parametrize(
    ("filter_", "expected"),
    [
        ({}, ALL),
        ({"status": None, "search": None, "hasErrors": None, "createdSince": None, "metadata": None}, ALL),
        ({"status": []}, []),
        ({"namespaces": []}, []),
        ({"workflowIds": []}, []),
        ({"triggerType": []}, []),
        ({"retryOfIds": []}, []),
        ({"namespaces": ["filters", "default"]}, ALL),
        ({"namespaces": ["default"]}, []),
        ({"status": ["COMPLETED", "FAILED"]}, ["failed", "long", "short"]),
        ({"status": ["SKIPPED"]}, []),
        ({"triggerType": ["EVENT", "SCHEDULE"]}, ["failed", "pending"]),
        ({"status": ["PENDING"], "triggerType": ["MANUAL"]}, ["again"]),
        ({"minDurationSeconds": 30}, ["failed", "long"]),
        ({"minDurationSeconds": 30.5}, ["long"]),
        ({"hasErrors": True}, ["failed"]),
        ({"hasErrors": False}, ["again", "long", "short", "pending"]),
        ({"search": "disk c:\\ IS 100% full_"}, ["failed"]),
        ({"search": "100_ full"}, []),
        ({"search": "50% OF_THE"}, ALL),
        ({"search": "50_ of"}, []),
        ({"search": ""}, ALL),
        ({"metadata": {"team": {"name": "risk"}}}, ["short"]),
        ({"metadata": {"tags": ["b"]}}, ["long", "short"]),
        ({"metadata": {}}, ["long", "short"]),
        ({"metadata": {"tags": ["c"]}}, []),
        ({"createdSince": "2020-01-01T00:00:00Z", "createdUntil": "2999-01-01T00:00:00+01:00"}, ALL),
        ({"createdSince": "2999-01-01T00:00:00Z"}, []),
    ],
)
def test_runs_are_those_that_match_all_of_the_filter(runs: Runs, filter_: dict[str, Any], expected: list[str]) -> None:
    assert runs.found(**filter_) == expected


def test_runs_are_found_by_what_they_run_again_and_by_the_beginning_of_their_id(runs: Runs) -> None:
    assert runs.found(retryOfIds=[runs.ids["failed"]]) == ["again"]
    assert runs.found(search=runs.ids["long"]) == ["long"]
    assert runs.found(search=runs.ids["long"][:30].upper()) == ["long"]


def test_since_is_inclusive_and_until_exclusive(api: ApiServer, runs: Runs) -> None:
    created = api.ask("query ($id: UUID!) { workflowExecution(id: $id) { createdAt } }", id=runs.ids["long"])[
        "createdAt"
    ]
    assert runs.found(createdSince=created) == ["again", "failed", "long"]
    assert runs.found(createdUntil=created) == ["short", "pending"]


@pytest.mark.parametrize(
    ("field", "ascending", "descending"),
    [
        ("CREATED_AT", ALL[::-1], ALL),
        ("ENDED_AT", ["short", "failed", "long"], ["long", "failed", "short"]),
        ("DURATION", ["short", "failed", "long"], ["long", "failed", "short"]),
    ],
)
def test_nulls_come_last_in_both_directions_then_the_id_decides(
    runs: Runs, field: str, ascending: list[str], descending: list[str]
) -> None:
    without = [] if field == "CREATED_AT" else ["pending", "again"]
    assert runs.found(order={"field": field, "direction": "ASC"}) == ascending + without
    assert runs.found(order={"field": field, "direction": "DESC"}) == descending + without[::-1]
    assert runs.found(order={"field": field}) == descending + without[::-1]


def test_pages_cross_from_values_to_nulls_and_back(api: ApiServer, runs: Runs) -> None:
    query = """query ($workflow: UUID!, $after: String, $before: String, $first: Int, $last: Int) {
        workflowExecutions(filter: { workflowIds: [$workflow] }, orderBy: { field: DURATION },
                           first: $first, last: $last, after: $after, before: $before) {
            nodes { id } pageInfo { startCursor endCursor }
        }
    }"""
    for size, cursor, edge in (("first", "after", "endCursor"), ("last", "before", "startCursor")):
        pages, position = [], None
        for _ in range(3):
            found = api.ask(query, workflow=runs.workflow_id, **{size: 2, cursor: position})
            pages.append([runs.names[node["id"]] for node in found["nodes"]])
            position = found["pageInfo"][edge]
        expected = [["long", "failed"], ["short", "again"], ["pending"]]
        assert pages == (expected if size == "first" else [["again", "pending"], ["failed", "short"], ["long"]])


class Entries:
    """A run with entries of two steps."""

    def __init__(self, api: ApiServer) -> None:
        self.run_id = running(api)
        self.steps = steps(api, self.run_id, "load", {"name": "report", "key": "r"})
        log(api, self.run_id, "Starting 100%", level="DEBUG", timestamp=at(1))
        log(api, self.run_id, "loading a_b", timestamp=at(2), nodeExecutionId=self.steps[0])
        log(api, self.run_id, "slow", level="WARNING", timestamp=at(3), nodeExecutionId=self.steps[0], attempt=1)
        log(api, self.run_id, "no disk", level="ERROR", timestamp=at(4), nodeExecutionId=self.steps[1], attempt=2)


@pytest.fixture(scope="module")
def entries(api: ApiServer) -> Entries:
    return Entries(api)


@pytest.mark.parametrize(
    ("filter_", "expected"),
    [
        (None, [1, 2, 3, 4]),
        ({"levels": None, "search": None, "since": None, "nodeExecutionIds": None}, [1, 2, 3, 4]),
        ({"levels": []}, []),
        ({"nodeExecutionIds": []}, []),
        ({"minLevel": "WARNING"}, [3, 4]),
        ({"levels": ["DEBUG", "ERROR"]}, [1, 4]),
        ({"minLevel": "WARNING", "levels": ["DEBUG", "ERROR"]}, [4]),
        ({"search": "LOADING A_B"}, [2]),
        ({"search": "a%b"}, []),
        ({"search": "100%"}, [1]),
        ({"since": at(2), "until": at(4)}, [2, 3]),
        ({"attempt": 1}, [2, 3]),
        ({"fromSequence": 2, "toSequence": 3}, [2, 3]),
        ({"fromSequence": 3, "toSequence": 2}, []),
        ({"minLevel": "INFO", "attempt": 1, "since": at(3)}, [3]),
    ],
)
def test_entries_are_those_that_match_all_of_the_filter(
    api: ApiServer, entries: Entries, filter_: dict[str, Any] | None, expected: list[int]
) -> None:
    found = api.ask(LOGS, run=entries.run_id, filter=filter_)["logs"]
    assert found == {"totalCount": len(expected), "nodes": [{"sequence": number} for number in expected]}


def test_entries_are_found_by_their_steps(api: ApiServer, entries: Entries) -> None:
    found = api.ask(LOGS, run=entries.run_id, filter={"nodeExecutionIds": entries.steps})["logs"]
    assert found == {"totalCount": 3, "nodes": [{"sequence": 2}, {"sequence": 3}, {"sequence": 4}]}


@pytest.mark.parametrize(
    ("filter_", "expected"),
    [
        ({"keys": ["r", "x"]}, ["report"]),
        ({"keys": []}, []),
        ({"keys": None}, ["load", "report"]),
        ({"status": ["PENDING"]}, ["load", "report"]),
        ({"status": ["RUNNING"]}, []),
        ({"nodeIds": []}, []),
    ],
)
def test_steps_are_those_that_match_all_of_the_filter(
    api: ApiServer, entries: Entries, filter_: dict[str, Any], expected: list[str]
) -> None:
    found = api.ask(STEPS, run=entries.run_id, filter=filter_)["nodeExecutions"]
    assert found == {"totalCount": len(expected), "nodes": [{"name": name} for name in expected]}


def test_workflows_are_found_by_namespace_and_by_text_in_name_or_key(api: ApiServer) -> None:
    workflow(api, name="Zeta 100%", namespace="found")
    api.ask(
        "mutation ($input: RegisterWorkflowInput!) { registerWorkflow(input: $input) { __typename } }",
        input={"namespace": "found", "key": "zeta_key", "name": "Registered"},
    )

    def names(**arguments: Any) -> list[str]:
        found = api.ask(
            """query ($namespaces: [String!], $search: String) {
                workflows(namespaces: $namespaces, search: $search) { nodes { name } }
            }""",
            **arguments,
        )
        return [node["name"] for node in found["nodes"]]

    assert names(namespaces=["found"]) == ["Registered", "Zeta 100%"]
    assert names(namespaces=["found"], search="ZETA") == ["Registered", "Zeta 100%"]
    assert names(namespaces=["found"], search="zeta_k") == ["Registered"]
    assert names(namespaces=["found"], search="100%") == ["Zeta 100%"]
    assert names(namespaces=["found"], search="zeta%key") == []
    assert names(namespaces=[]) == []
