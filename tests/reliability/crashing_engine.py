"""An engine that crashes: it remembers nothing but the key of its workflow and those of its steps."""

import json
import socket
from hashlib import sha256
from typing import Any

from tests.api_server import ApiServer
from tests.reliability.reports import document

ITEMS = 200
GROUP = 20
KEYS = ["plan", *(f"item-{place}" for place in range(ITEMS)), "sum"]
PATIENCE = 1_000
"""Calls that a life never makes."""


class CrashError(Exception):
    """The engine is dead."""


class Crash:
    """Dies with one of its calls: before it is sent, while it is under way, or before its answer is read."""

    def __init__(self, after_calls: int = PATIENCE, moment: str = "before") -> None:
        self._left = after_calls
        self._moment = moment

    def send(self, api: ApiServer, query: str, **variables: Any) -> Any:
        self._left -= 1
        if self._left >= 0:
            return api.ask(query, **variables)
        if self._moment == "answer":
            api.post(query, **variables)
        elif self._moment == "on the wire":
            body = json.dumps({"query": query, "variables": variables}).encode()
            head = f"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
            with socket.create_connection(("127.0.0.1", api.port)) as connection:
                connection.sendall(head.encode() + b"\r\n\r\n" + body)
        raise CrashError


class Engine:
    """One life. It plans, works on the items in groups, and sums up; every tenth item fails the first time."""

    def __init__(self, api: ApiServer, workflow_key: str, crash: Crash | None = None) -> None:
        self._api = api
        self._key = workflow_key
        self._crash = crash or Crash()

    def live(self) -> str:
        """Do whatever is not yet done, and give the id of the run."""
        self._run, status = self._find_run()
        if status == "PENDING":
            once = self._once("start")
            self._report("startWorkflowExecution", id=self._run, heartbeatTimeoutSeconds=600, idempotencyKey=once)
        self._steps = self._find_steps()
        self._create_steps()
        self._finish("plan")
        for first in range(0, ITEMS, GROUP):
            self._work([f"item-{place}" for place in range(first, first + GROUP)])
        self._finish("sum")
        if status != "COMPLETED":
            output = {"items": ITEMS}
            once = self._once("complete")
            self._report("completeWorkflowExecution", id=self._run, outputData=output, idempotencyKey=once)
        return self._run

    def _send(self, query: str, **variables: Any) -> Any:
        return self._crash.send(self._api, query, **variables)

    def _report(self, mutation: str, **arguments: Any) -> Any:
        result = self._send(document(mutation, *arguments), **arguments)
        assert "message" not in result, result
        return result

    def _once(self, *what: Any) -> str:
        """The key of a call: what a former life has sent may arrive only now, and is the same call then."""
        return f"{self._key}/{sha256(json.dumps(what).encode()).hexdigest()}"

    def _find_run(self) -> tuple[str, str]:
        """What was begun under the workflow's key, or a new run: there is one for each key."""
        registered = self._report("registerWorkflow", input={"key": self._key, "name": "Fan-out"})
        query = "query ($id: UUID!) { workflow(id: $id) { executions(first: 2) { nodes { id status } } } }"
        found = self._send(query, id=registered["id"])["executions"]["nodes"]
        if not found:
            given = {"workflowId": registered["id"], "triggerType": "SCHEDULE"}
            found = [self._report("createWorkflowExecution", input=given, idempotencyKey=self._key)]
        (run,) = found
        return run["id"], run["status"]

    def _find_steps(self) -> dict[str, dict[str, Any]]:
        query = """query ($id: UUID!, $keys: [String!]) { workflowExecution(id: $id) {
            nodeExecutions(filter: {keys: $keys}, first: 1000) { nodes { key id status retryCount } }
        } }"""
        found = self._send(query, id=self._run, keys=KEYS)["nodeExecutions"]["nodes"]
        return {step["key"]: step for step in found}

    def _create_steps(self) -> None:
        """In parts, so that there is something to die between."""
        for first in range(0, len(KEYS), 50):
            if KEYS[min(first + 50, len(KEYS)) - 1] in self._steps:
                continue
            inputs = []
            for order, key in list(enumerate(KEYS))[first : first + 50]:
                parent = self._steps["plan"]["id"] if key.startswith("item") and "plan" in self._steps else None
                inputs.append({"key": key, "name": key, "executionOrder": order, "parentId": parent})
            if first == 0:
                self._create(inputs[:1])
                for given in inputs[1:]:
                    given["parentId"] = self._steps["plan"]["id"]
            self._create(inputs)

    def _create(self, inputs: list[dict[str, Any]]) -> None:
        made = self._report("createNodeExecutions", workflowExecutionId=self._run, nodeExecutions=inputs)
        for step in made["nodeExecutions"]:
            self._steps[step["key"]] = {"retryCount": 0, **step}

    def _transition(self, *transitions: tuple[str, str, dict[str, Any]]) -> None:
        """Each is a key, an action and its arguments."""
        if not transitions:
            return
        given = [{action: {"id": self._steps[key]["id"], **values}} for key, action, values in transitions]
        tries = [self._steps[key]["retryCount"] for key, _, _ in transitions]
        once = self._once("transition", given, tries)
        results = self._report("transitionNodeExecutions", transitions=given, idempotencyKey=once)["results"]
        for (key, _, _), result in zip(transitions, results, strict=True):
            assert result["__typename"] == "NodeExecution", result
            self._steps[key] = result

    def _in(self, keys: list[str], status: str) -> list[str]:
        return [key for key in keys if self._steps[key]["status"] == status]

    def _finish(self, key: str) -> None:
        if self._in([key], "PENDING"):
            self._transition((key, "start", {}))
        if self._in([key], "RUNNING"):
            self._transition((key, "complete", {"outputData": key}))

    def _work(self, keys: list[str]) -> None:
        """From whatever state the items are in to their end, each entry once."""
        while open_ := [key for key in keys if self._steps[key]["status"] != "COMPLETED"]:
            self._transition(*((key, "start", {"inputData": key}) for key in self._in(open_, "PENDING")))
            self._log(self._in(open_, "RUNNING"))
            self._transition(*(self._end(key) for key in self._in(open_, "RUNNING")))
            self._transition(*((key, "retry", {"force": True}) for key in self._in(open_, "FAILED")))

    def _end(self, key: str) -> tuple[str, str, dict[str, Any]]:
        if key.endswith("7") and self._steps[key]["retryCount"] == 0:
            return key, "fail", {"errorMessage": f"{key} broke"}
        return key, "complete", {"outputData": {"of": key}}

    def _log(self, keys: list[str]) -> None:
        """Both entries of every running item of a try."""
        for attempt in sorted({self._steps[key]["retryCount"] for key in keys}):
            tried = [key for key in keys if self._steps[key]["retryCount"] == attempt]
            entries = [
                {"level": "INFO", "message": f"{message} {key}", "nodeExecutionId": self._steps[key]["id"]}
                for key in tried
                for message in ("working on", "done with")
            ]
            self._report(
                "appendLogs",
                workflowExecutionId=self._run,
                entries=entries,
                idempotencyKey=self._once("log", tried, attempt),
            )


TREE = """query ($id: UUID!) { workflowExecution(id: $id) {
    status errorMessage outputData logCounts { total info } workflow { version }
    nodeExecutions(first: 1000) { nodes {
        id key name parentId executionOrder status retryCount errorMessage inputData outputData
        attempts { attempt status errorMessage } logs { nodes { message attempt } }
    } }
} }"""


def tree(api: ApiServer, run_id: str) -> Any:
    """A run with all that belongs to it, but for ids and times; parents are named by their key."""
    found = api.ask(TREE, id=run_id)
    steps = found["nodeExecutions"]["nodes"]
    keys = {step.pop("id"): step["key"] for step in steps}
    for step in steps:
        step["parentId"] = keys.get(step["parentId"])
    return found
