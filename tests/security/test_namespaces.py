"""A token that is limited to some namespaces: what lies in others does not exist for it, over whatever path."""

import asyncio
import json
import logging
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import pytest

from db import Database
from db.enums import Role
from tests.api_server import ApiServer
from tests.api_tokens import bearer, make_token
from tests.graphql_api import reports

SECONDS = 10.0


class Caller:
    """A client of the server with a token of its own; what `reports` asks of a server."""

    def __init__(self, server: ApiServer, token: str) -> None:
        self.server = server
        self.token = token

    def post(self, query: str, **variables: Any) -> dict[str, Any]:
        body = {"query": query, "variables": variables}
        response: dict[str, Any] = self.server.http.post("/graphql", json=body, headers=bearer(self.token)).json()
        return response

    def ask(self, query: str, **variables: Any) -> Any:
        body = self.post(query, **variables)
        assert "errors" not in body, body
        (value,) = body["data"].values()
        return value


@dataclass
class Place:
    """What was made in a namespace."""

    namespace: str
    workflow: str
    run: str
    step: str
    child: str
    """A run that the step started."""
    again: str
    """A run that runs `run` again."""


def make(caller: Any, namespace: str, parent: str | None = None, retry_of: str | None = None) -> Place:
    """Make one of each, in RUNNING, with an entry of the log; the further runs of others' step and run, if given."""
    workflow, _ = reports.workflow(caller, "load", namespace=namespace)
    run = reports.running(caller, workflow)
    (step,) = reports.steps(caller, run, "load")
    reports.log(caller, run, f"in {namespace}")
    child = reports.run(caller, workflow, parentNodeExecutionId=parent or step)
    again = reports.run(caller, workflow, retryOfId=retry_of or run)
    return Place(namespace, workflow, run, step, child, again)


@dataclass
class World:
    """Two namespaces, and who sees what of them."""

    all: Caller
    engine: Caller
    """Sees `ours` only, and may report."""
    admin: Caller
    """Sees `ours` only, and may delete."""
    ours: Place
    theirs: Place


@pytest.fixture
async def world(guarded: ApiServer) -> World:
    async with Database(guarded.database_url) as database:
        everything = Caller(guarded, await make_token(database, "everything", Role.ADMIN))
        engine = Caller(guarded, await make_token(database, "engine", Role.ENGINE, ["ours"]))
        admin = Caller(guarded, await make_token(database, "admin", Role.ADMIN, ["ours", "empty"]))
    theirs = make(everything, "theirs")
    ours = make(everything, "ours", theirs.step, theirs.run)  # its further runs refer to the other namespace
    return World(everything, engine, admin, ours, theirs)


TYPENAME = "{ __typename ... on Error { message } ... on InvalidInput { field } ... on NotFound { id } }"


def everything_written(place: Place, ours: Place) -> dict[str, tuple[str, dict[str, Any], str]]:
    """Every mutation that names something of a place: the document, its variables, and the id that is not found."""
    of_run = {"id": place.run}
    of_step = {"id": place.step}

    def on(name: str, arguments: str, declared: str = "$id: UUID!") -> str:
        return f"mutation ({declared}) {{ {name}(id: $id{arguments}) {TYPENAME} }}"

    create = f"mutation ($input: CreateWorkflowExecutionInput!) {{ createWorkflowExecution(input: $input) {TYPENAME} }}"
    steps = f"""mutation ($id: UUID!) {{
        createNodeExecutions(workflowExecutionId: $id, nodeExecutions: [{{ name: "x", executionOrder: 1 }}]) {TYPENAME}
    }}"""
    logs = f"""mutation ($id: UUID!) {{
        appendLogs(workflowExecutionId: $id, entries: [{{ level: INFO, message: "x" }}]) {TYPENAME}
    }}"""
    return {
        "createWorkflowExecution": (
            create,
            {"input": {"workflowId": place.workflow, "triggerType": "EVENT"}},
            place.workflow,
        ),
        "createWorkflowExecution with a parent": (
            create,
            {"input": {"workflowId": ours.workflow, "triggerType": "EVENT", "parentNodeExecutionId": place.step}},
            place.step,
        ),
        "startWorkflowExecution": (on("startWorkflowExecution", ""), of_run, place.run),
        "completeWorkflowExecution": (on("completeWorkflowExecution", ""), of_run, place.run),
        "failWorkflowExecution": (on("failWorkflowExecution", ', errorMessage: "x"'), of_run, place.run),
        "cancelWorkflowExecution": (on("cancelWorkflowExecution", ""), of_run, place.run),
        "createNodeExecutions": (steps, of_run, place.run),
        "appendLogs": (logs, of_run, place.run),
        "startNodeExecution": (on("startNodeExecution", ""), of_step, place.step),
        "completeNodeExecution": (on("completeNodeExecution", ""), of_step, place.step),
        "failNodeExecution": (on("failNodeExecution", ', errorMessage: "x"'), of_step, place.step),
        "cancelNodeExecution": (on("cancelNodeExecution", ""), of_step, place.step),
        "skipNodeExecution": (on("skipNodeExecution", ""), of_step, place.step),
        "retryNodeExecution": (on("retryNodeExecution", ", force: true"), of_step, place.step),
    }


STATE = """query ($run: UUID!) {
    workflowExecution(id: $run) { revision status logCounts { total } nodeExecutions { nodes { status } } }
}"""


def test_nothing_is_written_in_other_namespaces(world: World) -> None:
    before = world.all.post(STATE, run=world.theirs.run)
    for name, (document, variables, id_) in everything_written(world.theirs, world.ours).items():
        answer = world.engine.ask(document, **variables)
        assert (answer["__typename"], answer.get("id")) == ("NotFound", id_), name
        unknown = json.loads(json.dumps(variables).replace(id_, (other := str(uuid4()))))
        assert world.engine.ask(document, **unknown)["message"] == answer["message"].replace(id_, other)
    delete = f"mutation ($id: UUID!) {{ deleteWorkflowExecution(id: $id) {TYPENAME} }}"
    assert world.admin.ask(delete, id=world.theirs.run)["__typename"] == "NotFound"
    retry = everything_written(world.theirs, world.ours)["createWorkflowExecution"][0]
    refused = world.engine.ask(
        retry, input={"workflowId": world.ours.workflow, "triggerType": "EVENT", "retryOfId": world.theirs.run}
    )
    assert (refused["__typename"], refused["field"]) == ("InvalidInput", "retryOfId")
    assert world.all.post(STATE, run=world.theirs.run) == before


READ = {
    "workflow": "query ($id: UUID!) { workflow(id: $id) { id } }",
    "run": "query ($id: UUID!) { workflowExecution(id: $id) { id } }",
    "step": "query ($id: UUID!) { nodeExecution(id: $id) { id } }",
}


@pytest.mark.parametrize("thing", READ)
def test_what_lies_in_another_namespace_is_not_there(world: World, thing: str) -> None:
    for place in (world.ours, world.theirs):
        id_ = getattr(place, thing)
        assert world.all.ask(READ[thing], id=id_) == {"id": id_}
        assert world.engine.ask(READ[thing], id=id_) == ({"id": id_} if place is world.ours else None)
        assert world.admin.ask(READ[thing], id=id_) == ({"id": id_} if place is world.ours else None)


def test_fields_that_lead_into_another_namespace_lead_nowhere(world: World) -> None:
    document = """query ($child: UUID!, $again: UUID!, $step: UUID!) {
        child: workflowExecution(id: $child) { parent { id } workflow { id } }
        again: workflowExecution(id: $again) { retryOf { id } }
        step: nodeExecution(id: $step) { childExecutions { totalCount nodes { id } edges { node { id } } } }
    }"""
    ours, theirs = world.ours, world.theirs
    ids = {"child": ours.child, "again": ours.again, "step": ours.step}
    seen = world.all.post(document, **ids)["data"]
    assert (seen["child"]["parent"], seen["again"]["retryOf"]) == ({"id": theirs.step}, {"id": theirs.run})
    assert world.engine.post(document, **ids)["data"] == {
        "child": {"parent": None, "workflow": {"id": ours.workflow}},
        "again": {"retryOf": None},
        "step": {"childExecutions": {"totalCount": 0, "nodes": [], "edges": []}},
    }
    # A step of ours that started a run in theirs.
    stranger = reports.run(world.all, theirs.workflow, parentNodeExecutionId=ours.step)
    children = "query ($id: UUID!) { nodeExecution(id: $id) { childExecutions { totalCount nodes { id } } } }"
    assert world.all.ask(children, id=ours.step)["childExecutions"] == {"totalCount": 1, "nodes": [{"id": stranger}]}
    assert world.engine.ask(children, id=ours.step)["childExecutions"] == {"totalCount": 0, "nodes": []}


LISTS = """query ($filter: WorkflowExecutionFilter, $namespaces: [String!]) {
    workflows(namespaces: $namespaces) { totalCount nodes { namespace executions { totalCount nodes { namespace } } } }
    workflowExecutions(filter: $filter) { totalCount nodes { namespace } edges { node { namespace } } }
    workflowExecutionStats(filter: $filter) { summary { total byStatus { count } } }
}"""


@pytest.mark.parametrize("namespaces", [None, ["theirs"], ["ours", "theirs"], []])
def test_lists_counts_and_statistics_are_of_ones_own_namespaces(world: World, namespaces: Any) -> None:
    seen = world.engine.post(LISTS, filter={"namespaces": namespaces}, namespaces=namespaces)["data"]
    number = 3 if namespaces is None or "ours" in namespaces else 0
    runs = seen["workflowExecutions"]
    assert (runs["totalCount"], len(runs["nodes"]), len(runs["edges"])) == (number, number, number)
    assert seen["workflows"]["totalCount"] == (1 if number else 0)
    assert seen["workflowExecutionStats"]["summary"]["total"] == number
    assert "theirs" not in json.dumps(seen)


def test_no_filter_reaches_into_another_namespace(world: World) -> None:
    for filter_ in (
        {"workflowIds": [world.theirs.workflow]},
        {"retryOfIds": [world.theirs.run]},
        {"search": world.theirs.run},
    ):
        assert world.engine.post(LISTS, filter=filter_)["data"]["workflowExecutions"]["totalCount"] == 0, filter_
        assert world.all.post(LISTS, filter=filter_)["data"]["workflowExecutions"]["totalCount"] > 0, filter_


@pytest.mark.parametrize(
    "document",
    [
        "subscription ($id: UUID!) { executionLogs(workflowExecutionId: $id) { entries { message } } }",
        "subscription ($id: UUID!) { workflowExecutionChanged(id: $id) { revision } }",
    ],
)
def test_nothing_of_another_namespace_is_followed(world: World, document: str) -> None:
    headers = {**bearer(world.engine.token), "accept": "text/event-stream"}
    body = {"query": document, "variables": {"id": world.theirs.run}}
    response = world.all.server.http.post("/graphql", json=body, headers=headers)
    (event,) = [json.loads(line[6:]) for line in response.text.splitlines() if line.startswith("data: {")]
    (error,) = event["errors"]
    assert (error["message"], error["extensions"]) == (
        f"Workflow execution {world.theirs.run} does not exist",
        {"code": "NOT_FOUND"},
    )


async def test_a_followed_list_tells_of_ones_own_namespaces_only(world: World) -> None:
    document = "subscription { workflowExecutionsChanged { changed { id namespace } removedIds } }"
    headers = {**bearer(world.engine.token), "accept": "text/event-stream"}
    async with (
        asyncio.timeout(2 * SECONDS),
        httpx.AsyncClient(timeout=SECONDS) as client,
        client.stream("POST", world.all.server.url, json={"query": document}, headers=headers) as response,
    ):
        events = (
            json.loads(line[6:])["data"]["workflowExecutionsChanged"]
            async for line in response.aiter_lines()
            if line.startswith("data: {")
        )
        assert await anext(events) == {"changed": [], "removedIds": []}
        await asyncio.to_thread(reports.log, world.all, world.theirs.run, "not for you")
        await asyncio.to_thread(reports.log, world.all, world.ours.run, "for you")
        ours = {"changed": [{"id": world.ours.run, "namespace": "ours"}], "removedIds": []}
        assert await anext(events) == ours
        delete = "mutation ($id: UUID!) { deleteWorkflowExecution(id: $id) { __typename } }"
        await asyncio.to_thread(world.all.ask, delete, id=world.theirs.run)
        told = [await anext(events)]
        while told[-1]["changed"]:  # runs of ours that lost by it what they referred to
            told.append(await anext(events))
        assert told[-1] == {"changed": [], "removedIds": []}  # something is gone, and not what
        assert {run["namespace"] for event in told for run in event["changed"]} <= {"ours"}
        assert not any(event["removedIds"] for event in told)


def test_of_many_transitions_and_heartbeats_only_those_of_others_are_not_found(world: World) -> None:
    document = f"""mutation ($transitions: [NodeTransitionInput!]!) {{
        transitionNodeExecutions(transitions: $transitions) {{
            ... on TransitionNodeExecutionsPayload {{ results {TYPENAME} }}
        }}
    }}"""
    ids = [world.theirs.step, world.ours.step]
    results = world.engine.ask(document, transitions=[{"start": {"id": id_}} for id_ in ids])["results"]
    assert [result["__typename"] for result in results] == ["NotFound", "NodeExecution"]
    beats = "mutation ($ids: [UUID!]!) { heartbeat(workflowExecutionIds: $ids) { __typename } }"
    answers = world.engine.ask(beats, ids=[world.theirs.run, world.ours.run, str(uuid4())])
    assert [answer["__typename"] for answer in answers] == ["NotFound", "WorkflowExecution", "NotFound"]


@pytest.mark.parametrize("mutation", ["createWorkflow", "registerWorkflow"])
def test_no_definition_is_made_in_another_namespace(world: World, mutation: str) -> None:
    type_ = mutation[0].upper() + mutation[1:] + "Input"
    document = f"mutation ($input: {type_}!) {{ {mutation}(input: $input) {TYPENAME} }}"
    key = {"key": "k"} if mutation == "registerWorkflow" else {}
    for namespace in ("theirs", "default", "unknown"):
        refused = world.engine.ask(document, input={"namespace": namespace, "name": "Flow", **key})
        assert (refused["__typename"], refused["field"]) == ("InvalidInput", "namespace")
    made = world.engine.ask(document, input={"namespace": "ours", "name": "Flow", **key})
    assert made["__typename"] == "Workflow"


def test_what_is_ones_own_is_written_as_ever(world: World) -> None:
    place = make(world.engine, "ours")
    assert world.engine.ask(STATE, run=place.run)["status"] == "RUNNING"


def test_an_idempotency_key_belongs_to_its_token(world: World) -> None:
    document = """mutation ($input: CreateWorkflowInput!) {
        createWorkflow(input: $input, idempotencyKey: "k") { __typename ... on Workflow { id } }
    }"""
    made = {
        caller.ask(document, input={"namespace": "ours", "name": name})["id"]
        for caller, name in ((world.all, "A"), (world.engine, "B"), (world.admin, "A"), (world.engine, "B"))
    }
    assert len(made) == 3


def test_taking_something_away_is_logged_with_the_name_of_the_token(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "execgraph.audit")
    step, run = world.ours.step, world.ours.run
    for caller, id_, field in (
        (world.engine, step, "startNodeExecution(id: $id)"),
        (world.engine, step, 'failNodeExecution(id: $id, errorMessage: "x")'),
        (world.engine, step, "retryNodeExecution(id: $id, force: true)"),
        (world.engine, step, "cancelNodeExecution(id: $id)"),
        (world.engine, run, "cancelWorkflowExecution(id: $id)"),
        (world.engine, world.theirs.run, "cancelWorkflowExecution(id: $id)"),
        (world.admin, run, "deleteWorkflowExecution(id: $id)"),
    ):
        caller.ask(f"mutation ($id: UUID!) {{ {field} {{ __typename }} }}", id=id_)
    logged = [
        (record.getMessage(), record.__dict__["token"]) for record in caplog.records if record.name == "execgraph.audit"
    ]
    assert logged == [
        (f"retryNodeExecution of {world.ours.step}", "engine"),
        (f"cancelNodeExecution of {world.ours.step}", "engine"),
        (f"cancelWorkflowExecution of {world.ours.run}", "engine"),
        (f"deleteWorkflowExecution of {world.ours.run}", "admin"),
    ]
