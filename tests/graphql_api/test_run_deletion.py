"""deleteWorkflowExecution: a run goes with all that belongs to it, whatever its state."""

from tests.api_server import ApiServer
from tests.graphql_api.reports import log, run, running, steps

DELETE = """mutation ($id: UUID!) {
    deleteWorkflowExecution(id: $id) {
        __typename
        ... on DeleteWorkflowExecutionPayload { id }
        ... on NotFound { id message }
    }
}"""


def test_a_run_is_deleted_with_all_that_belongs_to_it_and_what_refers_to_it_stays(api: ApiServer) -> None:
    outer = running(api)
    (caller,) = steps(api, outer, "call")
    log(api, outer, "calling", nodeExecutionId=caller)
    inner = run(api, parentNodeExecutionId=caller, retryOfId=outer)

    assert api.ask(DELETE, id=outer) == {"__typename": "DeleteWorkflowExecutionPayload", "id": outer}
    assert api.post(
        """query ($outer: UUID!, $caller: UUID!, $inner: UUID!) {
            outer: workflowExecution(id: $outer) { id }
            caller: nodeExecution(id: $caller) { id }
            inner: workflowExecution(id: $inner) { parent { id } retryOf { id } }
        }""",
        outer=outer,
        caller=caller,
        inner=inner,
    ) == {"data": {"outer": None, "caller": None, "inner": {"parent": None, "retryOf": None}}}
    message = f"Workflow execution {outer} does not exist"
    assert api.ask(DELETE, id=outer) == {"__typename": "NotFound", "id": outer, "message": message}
