"""A token that is limited to some namespaces: what lies in others does not exist for it, over whatever path."""

import json
import logging
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

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
