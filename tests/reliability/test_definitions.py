"""Definitions are registered by key: an equal one is what is there, a changed one is the next version."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.api_server import ApiServer
from tests.reliability.reports import a_key, a_run, a_step, a_workflow, report, some_steps
from tests.reliability.store import everything

Two = tuple[ApiServer, ApiServer]

NODES = [
    {"key": "load", "name": "Load", "nodeType": "python", "config": {"rows": 10, "from": "here"}},
    {"key": "sum", "retryConfig": {"max_retries": 3, "delay": 1}},
    {"key": "save"},
]
EDGES = [{"sourceKey": "load", "targetKey": "sum"}, {"sourceKey": "sum", "targetKey": "save"}]


def definition(**values: Any) -> dict[str, Any]:
    """A definition under a key of its own, unless told otherwise."""
    return {"key": a_key(), "name": "Flow", "nodes": NODES, "dependencies": EDGES, **values}


def register(api: ApiServer, input: dict[str, Any]) -> tuple[str, int]:  # noqa: A002 - the argument's name
    """The id and the version that it gives."""
    registered = report(api, "registerWorkflow", input=input)
    assert registered["__typename"] == "Workflow", registered
    return registered["id"], registered["version"]


def read(api: ApiServer, workflow_id: str) -> dict[str, Any]:
    """A definition as it is now, its dependencies by key."""
    found: dict[str, Any] = api.ask(
        """query ($id: UUID!) { workflow(id: $id) {
            namespace key version name description
            nodes { id key name nodeType config retryConfig } dependencies { sourceNodeId targetNodeId }
        } }""",
        id=workflow_id,
    )
    keys = {node.pop("id"): node["key"] for node in found["nodes"]}
    edges = [(keys[edge["sourceNodeId"]], keys[edge["targetNodeId"]]) for edge in found["dependencies"]]
    return {**found, "dependencies": sorted(edges)}


def test_a_new_key_is_version_1(api: ApiServer) -> None:
    given = definition(description="Adds up")
    id_, version = register(api, given)
    assert version == 1
    assert read(api, id_) == {
        "namespace": "default",
        "key": given["key"],
        "version": 1,
        "name": "Flow",
        "description": "Adds up",
        "nodes": [
            {
                "key": "load",
                "name": "Load",
                "nodeType": "python",
                "config": {"rows": 10, "from": "here"},
                "retryConfig": None,
            },
            {
                "key": "sum",
                "name": "sum",
                "nodeType": None,
                "config": None,
                "retryConfig": {"max_retries": 3, "delay": 1},
            },
            {"key": "save", "name": "save", "nodeType": None, "config": None, "retryConfig": None},
        ],
        "dependencies": [("load", "sum"), ("sum", "save")],
    }


async def test_an_equal_definition_is_what_is_there_whatever_its_order(api: ApiServer) -> None:
    given = definition()
    registered = register(api, given)
    before = await everything(api.database_url)
    assert register(api, given) == registered
    reordered = {**given, "nodes": NODES[::-1], "dependencies": EDGES[::-1], "namespace": "default"}
    assert register(api, reordered) == registered
    spelled_out = [*NODES[:2], {"key": "save", "name": "save", "config": None}]
    assert register(api, {**given, "nodes": spelled_out}) == registered
    assert await everything(api.database_url) == before


@pytest.mark.parametrize(
    "change",
    [
        {"name": "Other"},
        {"description": "Other"},
        {"nodes": [*NODES[:2], {"key": "save", "name": "Other"}]},
        {"nodes": [*NODES[:2], {"key": "save", "nodeType": "python"}]},
        {"nodes": [*NODES[:2], {"key": "save", "config": {"x": 1}}]},
        {"nodes": [*NODES[:2], {"key": "save", "retryConfig": {"max_retries": 1}}]},
        {"nodes": [*NODES, {"key": "tell"}]},
        {"dependencies": EDGES[:1]},
        {"dependencies": [*EDGES, {"sourceKey": "load", "targetKey": "save"}]},
        {"nodes": [], "dependencies": []},
    ],
    ids="-".join,
)
def test_a_changed_definition_is_the_next_version(api: ApiServer, change: dict[str, Any]) -> None:
    given = definition()
    id_, _ = register(api, given)
    assert register(api, {**given, **change}) == (id_, 2)
    assert register(api, {**given, **change}) == (id_, 2)
    assert register(api, given) == (id_, 3)


def test_a_key_belongs_to_its_namespace(api: ApiServer) -> None:
    given = definition()
    one, other = (register(api, {**given, "namespace": namespace}) for namespace in ("a", "b"))
    assert one[0] != other[0]
    assert (one[1], other[1]) == (1, 1)


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        ({"key": ""}, "key"),
        ({"nodes": [*NODES, {"key": "load"}]}, "nodes[3].key"),
        ({"dependencies": [{"sourceKey": "load", "targetKey": "nowhere"}]}, "dependencies[0].targetKey"),
        ({"dependencies": [*EDGES, {"sourceKey": "save", "targetKey": "load"}]}, "dependencies"),
        (
            {"nodes": [{"key": "one", "retryConfig": {"max_retries": -1}}], "dependencies": []},
            "nodes[0].retryConfig",
        ),
    ],
    ids=["empty-key", "key-twice", "unknown-key", "cycle", "retry-config"],
)
async def test_a_definition_that_cannot_be_changes_nothing(api: ApiServer, bad: dict[str, Any], field: str) -> None:
    before = await everything(api.database_url)
    refused = report(api, "registerWorkflow", input={**definition(), **bad})
    assert refused["__typename"] == "InvalidInput"
    assert refused["field"] == field
    assert await everything(api.database_url) == before


def test_registrations_at_the_same_moment_make_one_version(two: Two) -> None:
    given = definition()
    with ThreadPoolExecutor(8) as threads:
        for version in range(1, 11):
            changed = {**given, "description": str(version)}
            sent = [threads.submit(register, api, changed) for api in two * 4]
            results = {result.result(30) for result in sent}
            assert len(results) == 1
            assert {found for _, found in results} == {version}
    (id_,) = {id_ for id_, _ in results}
    assert len(read(two[0], id_)["nodes"]) == 3


def test_different_registrations_at_the_same_moment_take_a_version_each(two: Two) -> None:
    given = definition()
    with ThreadPoolExecutor(8) as threads:
        sent = [
            threads.submit(register, api, {**given, "description": str(place)}) for place, api in enumerate(two * 4)
        ]
        results = [result.result(30) for result in sent]
    assert len({id_ for id_, _ in results}) == 1
    assert sorted(version for _, version in results) == list(range(1, 9))


RUN = """query ($id: UUID!) { workflowExecution(id: $id) {
    workflowVersion definition { version nodes { key } dependencies { sourceNodeId } }
    workflow { version nodes { key } } nodeExecutions { nodes { name node { key } } }
} }"""


def test_old_nodes_stay_for_old_runs(api: ApiServer) -> None:
    given = definition()
    id_, _ = register(api, given)
    run_id = a_run(api, workflowId=id_, createNodeExecutions=True)
    register(api, {**given, "nodes": [{"key": "all"}], "dependencies": []})
    steps = [{"name": name, "node": {"key": key}} for name, key in (("Load", "load"), ("sum", "sum"), ("save", "save"))]
    found = api.ask(RUN, id=run_id)
    assert found.pop("definition")["nodes"] == [{"key": "load"}, {"key": "sum"}, {"key": "save"}]
    assert found == {
        "workflowVersion": 1,
        "workflow": {"version": 2, "nodes": [{"key": "all"}]},
        "nodeExecutions": {"nodes": steps},
    }


def test_a_run_is_of_the_latest_version_unless_it_names_an_older_one(api: ApiServer) -> None:
    given = definition()
    id_, _ = register(api, given)
    register(api, {**given, "nodes": [{"key": "all"}], "dependencies": []})
    found = [
        api.ask(RUN, id=a_run(api, workflowId=id_, createNodeExecutions=True, **version))
        for version in ({}, {"workflowVersion": 1}, {"workflowVersion": 2})
    ]
    assert [run["workflowVersion"] for run in found] == [2, 1, 2]
    assert [[step["name"] for step in run["nodeExecutions"]["nodes"]] for run in found] == [
        ["all"],
        ["Load", "sum", "save"],
        ["all"],
    ]


@pytest.mark.parametrize(("version", "why"), [(0, "must be from 1 to 2147483647"), (2, "the latest version is 1")])
def test_a_run_of_a_version_that_is_not_there_is_refused(api: ApiServer, version: int, why: str) -> None:
    given = {"workflowId": a_workflow(api), "workflowVersion": version, "triggerType": "MANUAL"}
    assert report(api, "createWorkflowExecution", input=given) == {
        "__typename": "InvalidInput",
        "message": f"workflowVersion {why}",
        "field": "workflowVersion",
    }


def test_a_step_is_of_a_node_of_the_version_of_its_run(api: ApiServer) -> None:
    given = definition(nodes=[{"key": "one"}], dependencies=[])
    id_, _ = register(api, given)
    query = "query ($id: UUID!) { workflow(id: $id) { nodes { id } } }"
    (old,) = api.ask(query, id=id_)["nodes"]
    register(api, {**given, "description": "changed"})
    (new,) = api.ask(query, id=id_)["nodes"]
    run_id = a_run(api, workflowId=id_, workflowVersion=1)
    a_step(api, run_id, nodeId=old["id"])
    steps = [{"nodeId": old["id"], "executionOrder": 1}, {"nodeId": new["id"], "executionOrder": 2}]
    refused = report(api, "createNodeExecutions", workflowExecutionId=run_id, nodeExecutions=steps)
    assert refused == {
        "__typename": "InvalidInput",
        "message": f"nodeExecutions[1].nodeId {new['id']} is no node of version 1 of the run's workflow",
        "field": "nodeExecutions[1].nodeId",
    }
    assert len(some_steps(api, run_id, {"nodeId": old["id"]})) == 1


def test_create_workflow_always_makes_a_new_one(api: ApiServer) -> None:
    given = {"name": "Flow", "nodes": NODES, "dependencies": EDGES}
    made = [report(api, "createWorkflow", input=given) for _ in range(2)]
    assert [workflow["version"] for workflow in made] == [1, 1]
    assert made[0]["id"] != made[1]["id"]
