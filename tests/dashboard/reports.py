"""What an engine reports, one call at a time, so that a test can look in between."""

from itertools import pairwise
from typing import Any, Protocol


class Api(Protocol):
    """Something to send operations to."""

    async def ask(self, query: str, **variables: Any) -> Any:
        """Send an operation that must succeed; gives the value of its one root field."""


REGISTER = """
mutation Register($input: RegisterWorkflowInput!) {
  registerWorkflow(input: $input) { ... on Workflow { id nodes { id key } } ... on Error { message } }
}
"""
CREATE = """
mutation Create($input: CreateWorkflowExecutionInput!) {
  createWorkflowExecution(input: $input) {
    ... on WorkflowExecution { id nodeExecutions(first: 1000) { nodes { id name } } }
    ... on Error { message }
  }
}
"""
APPEND = """
mutation Append($id: UUID!, $entries: [LogEntryInput!]!) {
  appendLogs(workflowExecutionId: $id, entries: $entries) {
    ... on AppendLogsPayload { lastSequence } ... on Error { message }
  }
}
"""


async def register(api: Api, name: str, *keys: str, **retry: Any) -> str:
    """A workflow whose steps follow each other; its id."""
    nodes = [{"key": key, **({"retryConfig": retry} if retry else {})} for key in keys]
    edges = [{"sourceKey": a, "targetKey": b} for a, b in pairwise(keys)]
    definition = {"key": name, "name": name, "nodes": nodes, "dependencies": edges}
    return str((await api.ask(REGISTER, input=definition))["id"])


async def create(api: Api, workflow: str, *, start: bool = True, **more: Any) -> tuple[str, dict[str, str]]:
    """A run, started by default: its id, and the ids of its steps by name."""
    values = {"workflowId": workflow, "triggerType": "MANUAL", "createNodeExecutions": True, **more}
    run = await api.ask(CREATE, input=values)
    if start:
        await act(api, "startWorkflowExecution", run["id"])
    return run["id"], {step["name"]: step["id"] for step in run["nodeExecutions"]["nodes"]}


async def act(api: Api, mutation: str, id_: str, **more: str) -> None:
    """A transition by its mutation's name; further arguments are strings."""
    arguments = "".join(f', {name}: "{value}"' for name, value in more.items())
    answer = await api.ask(f'mutation {{ {mutation}(id: "{id_}"{arguments}) {{ __typename }} }}')
    assert answer["__typename"].endswith("Execution"), answer


async def append(api: Api, run: str, *messages: str, level: str = "INFO", step: str | None = None) -> int:
    """Log entries; gives the last one's sequence."""
    entries = [{"level": level, "message": message, "nodeExecutionId": step} for message in messages]
    return int((await api.ask(APPEND, id=run, entries=entries))["lastSequence"])
