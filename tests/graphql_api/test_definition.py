"""A run keeps the definition that it was made of."""

from tests.api_server import ApiServer
from tests.graphql_api.reports import run

REGISTER = """
mutation ($input: RegisterWorkflowInput!) {
    registerWorkflow(input: $input) {
        __typename
        ... on Workflow { id version name nodes { key } dependencies { sourceNodeId } }
        ... on Error { message }
    }
}
"""


def test_a_run_shows_the_definition_as_it_was_and_its_workflow_as_it_is(api: ApiServer) -> None:
    before = api.ask(REGISTER, input={"key": "nightly", "name": "Nightly", "nodes": [{"key": "load"}]})
    old = run(api, before["id"])
    after = api.ask(REGISTER, input={"key": "nightly", "name": "Night", "nodes": [{"key": "load"}, {"key": "report"}]})
    new = run(api, before["id"])
    older = run(api, before["id"], workflowVersion=1)

    seen = """query ($id: UUID!) { workflowExecution(id: $id) {
        workflowVersion definition { version nodes { key } } workflow { version name nodes { key } }
    } }"""
    now = {"version": 2, "name": "Night", "nodes": [{"key": "load"}, {"key": "report"}]}
    first = {"workflowVersion": 1, "definition": {"version": 1, "nodes": [{"key": "load"}]}, "workflow": now}
    second = {"version": 2, "nodes": [{"key": "load"}, {"key": "report"}]}
    assert (after["id"], after["version"]) == (before["id"], 2)
    assert api.ask(seen, id=old) == first
    assert api.ask(seen, id=older) == first
    assert api.ask(seen, id=new) == {"workflowVersion": 2, "definition": second, "workflow": now}
