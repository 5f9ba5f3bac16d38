"""What an engine reports before a test looks: each function is one mutation that has to succeed."""

from typing import Any

from tests.api_server import ApiServer

NOON = "2026-01-12T12:00:00+00:00"
"""A time in the past, for what must not depend on the present one."""


def at(seconds: float) -> str:
    """So many seconds after noon."""
    return f"2026-01-12T12:{int(seconds // 60):02}:{int(seconds % 60):02}+00:00"


def workflow(api: ApiServer, *keys: str, **values: Any) -> Any:
    """Make a definition with these nodes; gives its id and its nodes' ids."""
    made = api.ask(
        """mutation ($input: CreateWorkflowInput!) {
            createWorkflow(input: $input) { __typename ... on Workflow { id nodes { id } } ... on Error { message } }
        }""",
        input={"name": "Flow", "nodes": [{"key": key} for key in keys], **values},
    )
    assert made["__typename"] == "Workflow", made
    return made["id"], [node["id"] for node in made["nodes"]]


def run(api: ApiServer, workflow_id: str | None = None, **values: Any) -> str:
    """Make a PENDING run, of a definition of its own unless told otherwise."""
    made = api.ask(
        """mutation ($input: CreateWorkflowExecutionInput!) {
            createWorkflowExecution(input: $input) {
                __typename ... on WorkflowExecution { id } ... on Error { message }
            }
        }""",
        input={"workflowId": workflow_id or workflow(api)[0], "triggerType": "MANUAL", **values},
    )
    assert made["__typename"] == "WorkflowExecution", made
    return str(made["id"])


def running(api: ApiServer, workflow_id: str | None = None, **values: Any) -> str:
    """Make a RUNNING run."""
    run_id = run(api, workflow_id, **values)
    transition(api, "startWorkflowExecution", run_id, at=NOON)
    return run_id


def steps(api: ApiServer, run_id: str, *given: str | dict[str, Any]) -> list[str]:
    """Make PENDING steps, from names or from inputs; gives their ids."""
    inputs = [{"name": step} if isinstance(step, str) else step for step in given]
    made = api.ask(
        """mutation ($run: UUID!, $steps: [CreateNodeExecutionInput!]!) {
            createNodeExecutions(workflowExecutionId: $run, nodeExecutions: $steps) {
                __typename ... on CreateNodeExecutionsPayload { nodeExecutions { id } } ... on Error { message }
            }
        }""",
        run=run_id,
        steps=[{"executionOrder": place, **step} for place, step in enumerate(inputs, start=1)],
    )
    assert made["__typename"] == "CreateNodeExecutionsPayload", made
    return [step["id"] for step in made["nodeExecutions"]]


def log(api: ApiServer, run_id: str, *messages: str, **values: Any) -> None:
    """Append INFO entries, unless told otherwise."""
    appended = api.ask(
        """mutation ($run: UUID!, $entries: [LogEntryInput!]!) {
            appendLogs(workflowExecutionId: $run, entries: $entries) { __typename ... on Error { message } }
        }""",
        run=run_id,
        entries=[{"level": "INFO", "message": message, **values} for message in messages],
    )
    assert appended["__typename"] == "AppendLogsPayload", appended


def transition(api: ApiServer, mutation: str, id: str, **arguments: Any) -> None:  # noqa: A002
    """Do one transition of a run or a step: `transition(api, "startNodeExecution", id, at=...)`."""
    declared = "".join(f", ${name}: {_TYPES[name]}" for name in arguments)
    passed = "".join(f", {name}: ${name}" for name in arguments)
    done = api.ask(
        f"""mutation ($id: UUID!{declared}) {{
            {mutation}(id: $id{passed}) {{ __typename ... on Error {{ message }} }}
        }}""",
        id=id,
        **arguments,
    )
    assert done["__typename"] in ("WorkflowExecution", "NodeExecution", "DeleteWorkflowExecutionPayload"), done


_TYPES = {
    "at": "DateTime",
    "errorMessage": "String!",
    "force": "Boolean!",
    "inputData": "JSON",
    "outputData": "JSON",
    "reason": "String",
}
