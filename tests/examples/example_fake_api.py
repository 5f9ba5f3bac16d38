"""The API in a few lines of memory, behind an httpx transport: answers according to the real schema."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import httpx
from graphql import GraphQLSchema, graphql

Answer = dict[str, Any]


class FakeApi:
    """`calls` lists the top-level fields called, with their arguments.

    `before(field, arguments)` may return a refusal (a dict with `__typename`), or raise an httpx error, which
    loses the request; `after(field)` may raise one, which loses the answer.
    """

    def __init__(self, schema: GraphQLSchema) -> None:
        self.schema = schema
        self.calls: list[tuple[str, Answer]] = []
        self.workflows: dict[str, Answer] = {}
        self.runs: dict[str, Answer] = {}
        self.steps: dict[str, Answer] = {}
        self.logs: dict[str, list[Answer]] = defaultdict(list)
        self.before: Callable[[str, Answer], Answer | None] = lambda *_: None
        self.after: Callable[[str], None] = lambda *_: None
        self.transport = httpx.MockTransport(self._handle)

    def fields(self) -> list[str]:
        return [field for field, _ in self.calls]

    async def _handle(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/readyz":
            return httpx.Response(200)
        body = json.loads(request.content)
        result = await graphql(
            self.schema, body["query"], variable_values=body["variables"], field_resolver=self._resolve
        )
        for error in result.errors or []:
            if isinstance(error.original_error, httpx.HTTPError):
                raise error.original_error
        return httpx.Response(200, json=result.formatted)

    def _resolve(self, source: Any, info: Any, **arguments: Any) -> Any:
        if source is not None:
            value = source[info.field_name]
            return value(**arguments) if callable(value) else value
        arguments = {name: value for name, value in arguments.items() if value is not None}  # absent means null
        self.calls.append((info.field_name, arguments))
        refusal = self.before(info.field_name, arguments)
        answer = refusal or getattr(self, info.field_name)(**arguments)
        self.after(info.field_name)
        return answer

    def createWorkflow(self, input: Answer) -> Answer:  # noqa: A002, N802
        nodes = [{"id": _id(node["key"]), "key": node["key"]} for node in input["nodes"]]
        self.workflows[input["id"]] = {**input, "__typename": "Workflow", "nodes": nodes}
        return self.workflows[input["id"]]

    def createWorkflowExecution(self, input: Answer) -> Answer:  # noqa: A002, N802
        run = self.runs[input["id"]] = {**input, "__typename": "WorkflowExecution", "status": "PENDING"}
        if input["createNodeExecutions"]:
            for order, node in enumerate(self.workflows[input["workflowId"]]["nodes"], start=1):
                step_id = f"step of {node['key']}"
                self._make_step(run["id"], id=step_id, key=None, executionOrder=order, node=node)
        steps = [step for step in self.steps.values() if step["runId"] == run["id"]]
        page = {"nodes": steps, "pageInfo": {"hasNextPage": False}}
        return {**run, "nodeExecutions": lambda **_: page}

    def createNodeExecutions(self, workflowExecutionId: str, nodeExecutions: list[Answer]) -> Answer:  # noqa: N802, N803
        made = [self._make_step(workflowExecutionId, **step) for step in nodeExecutions]
        return {"__typename": "CreateNodeExecutionsPayload", "nodeExecutions": made}

    def _make_step(self, run_id: str, **step: Any) -> Answer:
        made = {**step, "__typename": "NodeExecution", "status": "PENDING", "runId": run_id, "canRetry": False}
        self.steps[step["id"]] = {"tries": 0, **made}
        return self.steps[step["id"]]

    def __getattr__(self, field: str) -> Callable[..., Answer]:
        for action, (allowed, status) in TRANSITIONS.items():
            if field == f"{action}WorkflowExecution":
                return lambda **arguments: self._transit(self.runs, action, allowed, status, **arguments)
            if field == f"{action}NodeExecution":
                return lambda **arguments: self._transit(self.steps, action, allowed, status, **arguments)
        raise AttributeError(field)

    def _transit(
        self, entities: dict[str, Answer], action: str, allowed: set[str], status: str, **given: Any
    ) -> Answer:
        entity = entities.get(given["id"])
        if entity is None:
            return {"__typename": "NotFound", "id": given["id"], "message": "no such thing"}
        if entity["status"] not in allowed:
            return invalid_transition(entity["id"], entity["status"], action)
        times = {**entity.get("at", {}), action: given.get("at")}
        entity.update({**given, "status": status, "at": times})
        if entities is self.steps:
            entity["tries"] += action == "start"
            entity["canRetry"] = action == "fail" and entity["tries"] <= 2
        elif status in {"FAILED", "CANCELLED"}:
            for step in self.steps.values():
                if step["status"] in {"PENDING", "RUNNING"}:
                    step["status"] = "CANCELLED"
        return entity

    def appendLogs(self, workflowExecutionId: str, entries: list[Answer]) -> Answer:  # noqa: N802, N803
        log = self.logs[workflowExecutionId]
        first = len(log) + 1
        log += entries
        counts = {"count": len(entries), "firstSequence": first, "lastSequence": len(log)}
        return {"__typename": "AppendLogsPayload", **counts}

    def workflowExecution(self, id: str) -> Answer | None:  # noqa: A002, N802
        run = self.runs.get(id, {"id": id, "status": "RUNNING"})
        return {"errorMessage": None, **run, "logs": lambda **_: {"lastSequence": len(self.logs[id])}}

    def nodeExecution(self, id: str) -> Answer | None:  # noqa: A002, N802
        return self.steps.get(id)


TRANSITIONS: dict[str, tuple[set[str], str]] = {
    "start": ({"PENDING"}, "RUNNING"),
    "complete": ({"RUNNING"}, "COMPLETED"),
    "fail": ({"RUNNING"}, "FAILED"),
    "cancel": ({"PENDING", "RUNNING"}, "CANCELLED"),
    "skip": ({"PENDING"}, "SKIPPED"),
    "retry": ({"FAILED"}, "PENDING"),
}


def invalid_transition(entity_id: str, status: str, action: str) -> Answer:
    return {
        "__typename": "InvalidTransition",
        "id": entity_id,
        "message": f"Cannot {action} execution in status {status.lower()}",
        "from": status,
        "attempted": action,
        "allowed": sorted(TRANSITIONS[action][0]),
    }


def invalid_input(field: str) -> Answer:
    return {"__typename": "InvalidInput", "message": f"{field} is no good", "field": field}


def _id(key: str) -> str:
    return f"node of {key}"
