"""Every mutation as an engine sends it, with the whole result: `report(api, "startNodeExecution", id=...)`."""

from typing import Any, Protocol
from uuid import uuid4

_WORKFLOW = "... on Workflow { id version }"
_RUN = "... on WorkflowExecution { id status revision errorMessage }"
_STEP = "... on NodeExecution { id key status revision retryCount errorMessage }"
_NOT_FOUND = "... on NotFound { message id }"
_TRANSITION = "... on InvalidTransition { message id from attempted allowed }"
_INPUT = "... on InvalidInput { message field }"
_CONFLICT = "... on IdempotencyConflict { message usedKey: key }"  # a step has a nullable `key`
_STEP_RESULT = f"{_STEP} {_NOT_FOUND} {_TRANSITION} {_INPUT}"

_RESULTS = {
    "Workflow": f"{_WORKFLOW} {_NOT_FOUND} {_INPUT} {_CONFLICT}",
    "WorkflowExecution": f"{_RUN} {_NOT_FOUND} {_TRANSITION} {_INPUT} {_CONFLICT}",
    "NodeExecution": f"{_STEP_RESULT} {_CONFLICT}",
    "CreateNodeExecutions": f"... on CreateNodeExecutionsPayload {{ nodeExecutions {{ id key status revision }} }}"
    f" {_NOT_FOUND} {_TRANSITION} {_INPUT} {_CONFLICT}",
    "AppendLogs": f"... on AppendLogsPayload {{ count firstSequence lastSequence }} {_NOT_FOUND} {_INPUT} {_CONFLICT}",
    "DeleteWorkflowExecution": f"... on DeleteWorkflowExecutionPayload {{ id }} {_NOT_FOUND} {_INPUT} {_CONFLICT}",
    "TransitionNodeExecutions": "... on TransitionNodeExecutionsPayload"
    f" {{ results {{ __typename {_STEP_RESULT} }} }} {_INPUT} {_CONFLICT}",
    "Heartbeat": f"{_RUN} {_NOT_FOUND} {_INPUT}",
}

_AT = {"at": "DateTime"}
_REASON = {"reason": "String", **_AT}
MUTATIONS: dict[str, tuple[str, dict[str, str]]] = {
    "createWorkflow": ("Workflow", {"input": "CreateWorkflowInput!"}),
    "registerWorkflow": ("Workflow", {"input": "RegisterWorkflowInput!"}),
    "createWorkflowExecution": ("WorkflowExecution", {"input": "CreateWorkflowExecutionInput!"}),
    "startWorkflowExecution": ("WorkflowExecution", {"id": "UUID!", "heartbeatTimeoutSeconds": "Int", **_AT}),
    "completeWorkflowExecution": ("WorkflowExecution", {"id": "UUID!", "outputData": "JSON", **_AT}),
    "failWorkflowExecution": ("WorkflowExecution", {"id": "UUID!", "errorMessage": "String!", **_AT}),
    "cancelWorkflowExecution": ("WorkflowExecution", {"id": "UUID!", **_REASON}),
    "deleteWorkflowExecution": ("DeleteWorkflowExecution", {"id": "UUID!"}),
    "heartbeat": ("Heartbeat", {"workflowExecutionIds": "[UUID!]!"}),
    "createNodeExecutions": (
        "CreateNodeExecutions",
        {"workflowExecutionId": "UUID!", "nodeExecutions": "[CreateNodeExecutionInput!]!"},
    ),
    "startNodeExecution": ("NodeExecution", {"id": "UUID!", "inputData": "JSON", **_AT}),
    "completeNodeExecution": ("NodeExecution", {"id": "UUID!", "outputData": "JSON", **_AT}),
    "failNodeExecution": ("NodeExecution", {"id": "UUID!", "errorMessage": "String!", **_AT}),
    "cancelNodeExecution": ("NodeExecution", {"id": "UUID!", **_REASON}),
    "skipNodeExecution": ("NodeExecution", {"id": "UUID!", **_REASON}),
    "retryNodeExecution": ("NodeExecution", {"id": "UUID!", "force": "Boolean!"}),
    "transitionNodeExecutions": ("TransitionNodeExecutions", {"transitions": "[NodeTransitionInput!]!"}),
    "appendLogs": ("AppendLogs", {"workflowExecutionId": "UUID!", "entries": "[LogEntryInput!]!"}),
}
"""The result and the arguments of each, but for the idempotency key, which all but `heartbeat` take."""


class Api(Protocol):
    """Where to report to."""

    def ask(self, query: str, **variables: Any) -> Any: ...


def document(mutation: str, *arguments: str) -> str:
    """The operation that sends these arguments."""
    result, types = MUTATIONS[mutation]
    types = {**types, "idempotencyKey": "String"}
    declared = ", ".join(f"${name}: {types[name]}" for name in arguments)
    passed = ", ".join(f"{name}: ${name}" for name in arguments)
    return f"mutation ({declared}) {{ {mutation}({passed}) {{ __typename {_RESULTS[result]} }} }}"


def report(api: Api, mutation: str, **arguments: Any) -> Any:
    """Send it and give the whole result, whatever it is."""
    return api.ask(document(mutation, *arguments), **arguments)


def a_workflow(api: Api, *nodes: dict[str, Any], **values: Any) -> str:
    return str(report(api, "createWorkflow", input={"name": "Flow", "nodes": list(nodes), **values})["id"])


def a_run(api: Api, status: str = "PENDING", **values: Any) -> str:
    """A run, of a definition of its own unless `workflowId` says otherwise."""
    heartbeat = values.pop("heartbeatTimeoutSeconds", None)
    given = {"triggerType": "MANUAL", **values}
    given.setdefault("workflowId", None)
    given["workflowId"] = given["workflowId"] or a_workflow(api)
    id_ = str(report(api, "createWorkflowExecution", input=given)["id"])
    if status in ("RUNNING", "COMPLETED", "FAILED"):
        report(api, "startWorkflowExecution", id=id_, heartbeatTimeoutSeconds=heartbeat)
    _finish(api, "WorkflowExecution", id_, status)
    return id_


def some_steps(api: Api, run_id: str, *steps: dict[str, Any]) -> list[str]:
    """PENDING steps."""
    inputs = [{"name": "Step", "executionOrder": place, **step} for place, step in enumerate(steps, start=1)]
    made = report(api, "createNodeExecutions", workflowExecutionId=run_id, nodeExecutions=inputs)
    assert made["__typename"] == "CreateNodeExecutionsPayload", made
    return [step["id"] for step in made["nodeExecutions"]]


def a_step(api: Api, run_id: str, status: str = "PENDING", **values: Any) -> str:
    """A step of a RUNNING run."""
    (id_,) = some_steps(api, run_id, values)
    if status in ("RUNNING", "COMPLETED", "FAILED"):
        report(api, "startNodeExecution", id=id_)
    _finish(api, "NodeExecution", id_, status)
    return id_


def _finish(api: Api, kind: str, id_: str, status: str) -> None:
    if status == "COMPLETED":
        report(api, f"complete{kind}", id=id_)
    elif status == "FAILED":
        report(api, f"fail{kind}", id=id_, errorMessage="It broke")
    elif status == "CANCELLED":
        report(api, f"cancel{kind}", id=id_)


def entries(*messages: str, **values: Any) -> list[dict[str, Any]]:
    """INFO entries, unless told otherwise."""
    return [{"level": "INFO", "message": message, **values} for message in messages]


def log(api: Api, run_id: str, *messages: str, **values: Any) -> Any:
    return report(api, "appendLogs", workflowExecutionId=run_id, entries=entries(*messages, **values))


def logged(api: Api, run_id: str, fields: str = "sequence message") -> list[dict[str, Any]]:
    """All entries of a run, in order."""
    query = f"""query ($id: UUID!, $from: Int!) {{
        workflowExecution(id: $id) {{ logs(filter: {{fromSequence: $from}}, first: 1000) {{ nodes {{ {fields} }} }} }}
    }}"""
    found: list[dict[str, Any]] = []
    while page := api.ask(query, **{"id": run_id, "from": len(found) + 1})["logs"]["nodes"]:
        found += page
    return found


def a_key() -> str:
    return uuid4().hex
