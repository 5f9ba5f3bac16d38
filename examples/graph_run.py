"""One run of a step graph: functions called in threads, everything that happens reported to the API."""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections.abc import Mapping
from concurrent.futures import Executor, Future, wait
from graphlib import TopologicalSorter
from typing import Any

from api_errors import InvalidTransitionError, JsonObject, NotFoundError
from client import new_id
from log_handler import step_log
from log_queue import LogQueue
from reporter import Reporter
from step_graph import Call, Result, Step, StepGraph

LINGER = 10  # seconds to wait at the end for functions that cannot be interrupted


class StepFailedError(Exception):
    """A step failed and may not be tried again."""


class StoppedError(Exception):
    """The engine was told to stop."""


class GraphRun:
    """One run of `graph` for the workflow `workflow_id`.

    Args:
        reporter: reports to the API.
        graph: what to run.
        workflow_id: its definition at the API.
        parameters: for all steps; recorded as the run's input.
        executor: calls the functions. Threads, so that log records find their step by context variable and
            results need no copying; processes would suit heavier functions.
        log: where the engine itself and the steps' functions log.
    """

    def __init__(
        self,
        reporter: Reporter,
        graph: StepGraph,
        workflow_id: str,
        parameters: Mapping[str, Any],
        executor: Executor,
        log: logging.Logger,
    ) -> None:
        self.id = new_id()
        self._reporter = reporter
        self._graph = graph
        self._workflow_id = workflow_id
        self._parameters = dict(parameters)
        self._executor = executor
        self._log = log
        self._steps = {step.key: step for step in graph.steps}
        self._step_ids: dict[str, str] = {}
        self._results: dict[str, Result] = {}
        self._calls: list[Future[Result]] = []

    async def execute(self, stop: asyncio.Event) -> str:
        """Run all steps and return the run's final status.

        A step that fails for good fails the run; `stop` cancels it, and somebody else may have ended it.

        Raises:
            ApiError: the API could not be reached, or refused what this engine thought was right. The run may
                be left unfinished.
        """
        self._step_ids = await self._reporter.create_run(self._description())
        async with LogQueue(self._reporter.client, self.id) as queue:
            with step_log(queue):
                try:
                    await self._reporter.start_run(self.id)
                    self._log.info("%d steps, parameters %s", len(self._steps), self._parameters)
                    return await self._conclude(stop, queue)
                except (InvalidTransitionError, NotFoundError):
                    status = await self._reporter.run_status(self.id)
                    if status in {"PENDING", "RUNNING"}:
                        raise
                    self._log.warning("the run was ended by somebody else: %s", status)
                    return status or "DELETED"

    async def _conclude(self, stop: asyncio.Event, queue: LogQueue) -> str:
        """Run the steps, then say how it ended. The log goes first: who follows the run sees it whole."""
        try:
            await self._run_steps(stop, queue)
        except StepFailedError as failure:
            self._log.error("the run failed: %s", failure)
            await queue.flush()
            await self._reporter.fail_run(self.id, str(failure))
            return "FAILED"
        except StoppedError:
            self._log.warning("the engine is stopping")
            await queue.flush()
            await self._reporter.cancel_run(self.id, "the engine was stopped")
            return "CANCELLED"
        await queue.flush()
        last = self._graph.steps[-1].key
        await self._reporter.complete_run(self.id, self._results[last].report)
        return "COMPLETED"

    async def _run_steps(self, stop: asyncio.Event, queue: LogQueue) -> None:
        sorter = TopologicalSorter(self._graph.needs())
        sorter.prepare()
        stopping = asyncio.create_task(stop.wait())
        running: dict[asyncio.Task[None], str] = {}
        try:
            while sorter.is_active():
                for key in sorter.get_ready():
                    running[asyncio.create_task(self._run_step(self._steps[key], queue))] = key
                done, _ = await asyncio.wait({stopping, *running}, return_when=asyncio.FIRST_COMPLETED)
                if stop.is_set():
                    raise StoppedError
                for task in [task for task in running if task in done]:
                    key = running.pop(task)
                    task.result()
                    sorter.done(key)
        finally:
            for waiting in (stopping, *running):
                waiting.cancel()
            await asyncio.gather(stopping, *running, return_exceptions=True)
            # A function in a thread cannot be interrupted; its log records should still find the queue open.
            await asyncio.to_thread(wait, self._calls, LINGER)

    async def _run_step(self, step: Step, queue: LogQueue) -> None:
        step_id = self._step_ids[step.key]
        attempt = 1
        while True:
            await self._reporter.start_step(step_id, {"needs": list(step.needs), "attempt": attempt})
            with step_log(queue, step_id, attempt):
                try:
                    result = await self._call(step, attempt)
                except Exception as error:
                    message = f"{step.name}: {str(error) or type(error).__name__}"
                    self._log.exception("%s", message)
                    if not await self._reporter.fail_step(step_id, message):
                        raise StepFailedError(message) from error
                    self._log.info("trying again in %g s", step.retry.delay)
                    await self._reporter.retry_step(step_id)
                    await asyncio.sleep(step.retry.delay)
                    attempt += 1
                    continue
            self._results[step.key] = result
            await self._reporter.complete_step(step_id, result.report)
            return

    async def _call(self, step: Step, attempt: int) -> Result:
        inputs = {need: self._results[need].value for need in step.needs}
        call = Call(self._parameters, inputs, attempt)
        future = self._executor.submit(contextvars.copy_context().run, step.function, call)
        self._calls.append(future)
        return await asyncio.wrap_future(future)

    def _description(self) -> JsonObject:
        return {
            "id": self.id,
            "workflowId": self._workflow_id,
            "triggerType": "SCHEDULE",
            "inputData": self._parameters,
            "metadata": {"engine": "examples/engine.py"},
            "createNodeExecutions": True,
        }
