"""Engines that report until they are answered, each report under one key, whatever breaks meanwhile."""

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from tests.reliability.reports import a_key, document, entries
from tests.reliability.store import BROKEN, fetch

PATIENCE = 60.0
"""Seconds after which an engine gives up on one report: nothing is broken for so long."""
STEPS = ("load", "sum", "save")
ENTRIES = 3
"""Of each step."""


class Engine(threading.Thread):
    """Does one run after the other until it is stopped; a report is repeated until it is acknowledged."""

    def __init__(self, engines: "Engines", url: str, workflow_id: str, place: int) -> None:
        super().__init__(daemon=True)
        self._engines = engines
        self._workflow_id = workflow_id
        self._http = httpx.Client(base_url=url, timeout=10)
        self._random = random.Random(place)
        self.expected: dict[str, list[str]] = {}
        """The messages of each acknowledged run that was not deleted again."""
        self.error: BaseException | None = None
        self.repeated = 0

    def run(self) -> None:
        try:
            with self._http:
                while not self._engines.stopping.is_set():
                    self._do_a_run()
        except BaseException as error:
            self.error = error
            self._engines.failed()

    def _do_a_run(self) -> None:
        given = {"workflowId": self._workflow_id, "triggerType": "EVENT"}
        run_id = self._report("createWorkflowExecution", input=given)["id"]
        self._report("startWorkflowExecution", id=run_id)
        inputs = [{"key": key, "name": key, "executionOrder": place} for place, key in enumerate(STEPS)]
        made = self._report("createNodeExecutions", workflowExecutionId=run_id, nodeExecutions=inputs)
        messages = []
        for step in made["nodeExecutions"]:
            self._report("startNodeExecution", id=step["id"])
            for _ in range(ENTRIES):
                messages.append(a_key())
                given_entries = entries(messages[-1], nodeExecutionId=step["id"])
                self._report("appendLogs", workflowExecutionId=run_id, entries=given_entries)
            self._report("transitionNodeExecutions", transitions=[{"complete": {"id": step["id"]}}])
        self._report("completeWorkflowExecution", id=run_id, outputData={"sum": 1})
        if self._random.random() < 0.2:
            self._report("deleteWorkflowExecution", id=run_id)
        else:
            self.expected[run_id] = messages

    def _report(self, mutation: str, **arguments: Any) -> Any:
        arguments["idempotencyKey"] = a_key()
        body = {"query": document(mutation, *arguments), "variables": arguments}
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                answer = self._http.post("/graphql", json=body).json()
            except httpx.TransportError:
                answer = None
            if answer is not None and "errors" not in answer:
                result = answer["data"][mutation]
                assert "message" not in result, result
                self._engines.acknowledged()
                return result
            if answer is not None:
                codes = [error["extensions"]["code"] for error in answer["errors"]]
                assert codes == ["UNAVAILABLE"], answer
            self.repeated += 1
            time.sleep(self._random.uniform(0.01, 0.1))
        raise AssertionError(f"{mutation} was not answered within {PATIENCE} seconds")


class Engines:
    """Several engines at once, and what they know at the end."""

    def __init__(self) -> None:
        self.stopping = threading.Event()
        self._answers = 0
        self._answered = threading.Condition()

    def acknowledged(self) -> None:
        """Count an answer."""
        with self._answered:
            self._answers += 1
            self._answered.notify_all()

    def wait_for(self, count: int) -> None:
        """Return when so many further reports are acknowledged."""
        with self._answered:
            goal = self._answers + count
            self._answered.wait_for(lambda: self._answers >= goal or any(self._errors()), PATIENCE)
            for error in self._errors():
                raise error
            assert self._answers >= goal, "nothing is acknowledged any more"

    def failed(self) -> None:
        """Let nobody wait for answers that do not come."""
        with self._answered:
            self._answered.notify_all()

    def _errors(self) -> list[BaseException]:
        return [engine.error for engine in self._engines if engine.error is not None]

    @contextmanager
    def at_work(self, url: str, workflow_id: str, count: int = 4) -> Iterator[None]:
        """Begin, and at the end let each finish its run."""
        self._engines = [Engine(self, url, workflow_id, place) for place in range(count)]
        for engine in self._engines:
            engine.start()
        try:
            yield
        finally:
            self.stopping.set()
            for engine in self._engines:
                engine.join(2 * PATIENCE)
        for error in self._errors():
            raise error

    @property
    def repeated(self) -> int:
        """How many reports were sent again."""
        return sum(engine.repeated for engine in self._engines)

    async def check(self, database_url: str) -> None:
        """Whatever was acknowledged is there exactly once, and nothing that was not sent."""
        expected = {run_id: messages for engine in self._engines for run_id, messages in engine.expected.items()}
        # Made and started, three steps made, started and completed, completed: nothing twice.
        revisions = 2 + 3 * len(STEPS) + 1
        runs = await fetch(database_url, "SELECT id::text, status, revision FROM workflow_executions")
        assert sorted(runs) == sorted((run_id, "completed", revisions) for run_id in expected)
        steps = await fetch(
            database_url,
            """SELECT workflow_execution_id::text, key, status, retry_count, (
                SELECT count(*) FROM node_execution_attempts WHERE node_execution_id = step.id
            ) FROM node_executions AS step""",
        )
        assert sorted(steps) == sorted((run_id, key, "completed", 0, 1) for run_id in expected for key in STEPS)
        logged = await fetch(
            database_url, "SELECT workflow_execution_id::text, sequence, message FROM execution_logs ORDER BY 1, 2"
        )
        assert logged == [
            (run_id, sequence, message)
            for run_id in sorted(expected)
            for sequence, message in enumerate(expected[run_id], start=1)
        ]
        assert await fetch(database_url, BROKEN) == []
        assert expected
