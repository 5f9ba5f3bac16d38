"""A trace of a past execution told to the API as if it happened now, at the times it really happened."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable
from graphlib import TopologicalSorter

from api_errors import ApiError, InvalidTransitionError, JsonObject
from client import Client, new_id
from log_queue import LogQueue
from replay_schedule import Schedule
from reporter import Reporter
from task_log import end_entries, figures_of, placed, start_entries
from wfformat import VERSION
from workflow_trace import File, Task, Trace

CONCURRENCY = 8  # tasks that are told at the same time when there is no pace to keep


class LostLogError(ApiError):
    """Log entries did not arrive."""


class Replay:
    """One run made of a trace.

    Args:
        client: the API.
        trace: what happened.
        schedule: when.
        source: where the trace comes from; recorded with the run.
        on_end: called when a task has been told to its end.
    """

    def __init__(
        self, client: Client, trace: Trace, schedule: Schedule, *, source: str, on_end: Callable[[Task], None]
    ) -> None:
        self.run_id = new_id()
        self._reporter = Reporter(client)
        self._trace = trace
        self._schedule = schedule
        self._source = source
        self._on_end = on_end
        self._step_ids = {task.id: new_id() for task in trace.tasks}
        self._queue = LogQueue(client, self.run_id)

    async def tell(self, *, namespace: str, speed: float | None) -> None:
        """Tell everything.

        Args:
            namespace: where the workflow is created.
            speed: how many of the trace's seconds pass in one of ours; None: as fast as possible.

        Raises:
            ApiError: the API refused or could not be reached. If the run exists, it has been failed with the
                reason, as far as the API could be reached. A cancelled replay cancels its run.
        """
        workflow = await self._reporter.create_workflow(self._definition(namespace))
        try:
            await self._reporter.create_run(self._description(workflow.id))
            await self._reporter.create_steps(self.run_id, self._descriptions(workflow.node_ids))
            await self._reporter.start_run(self.run_id, at=self._schedule.start)
            async with self._queue:
                await (self._tell_quickly() if speed is None else self._tell_at_pace(speed))
            if self._queue.lost:
                raise LostLogError(f"{self._queue.lost} log entries were lost")
            output = {"tasks": len(self._trace.tasks), "makespanInSeconds": self._trace.makespan}
            await self._reporter.complete_run(self.run_id, output, at=self._schedule.end)
        except ApiError as error:
            await self._give_up(self._reporter.fail_run, f"the replay failed: {error}")
            raise
        except asyncio.CancelledError:
            await self._give_up(self._reporter.cancel_run, "the replay was interrupted")
            raise

    async def _tell_quickly(self) -> None:
        """Each task as soon as its parents have been told, several at a time."""
        sorter = TopologicalSorter({task.id: task.parents for task in self._trace.tasks})
        sorter.prepare()
        tasks = {task.id: task for task in self._trace.tasks}
        ready: deque[str] = deque()
        running: dict[asyncio.Task[None], str] = {}
        try:
            while sorter.is_active():
                ready.extend(sorter.get_ready())
                while ready and len(running) < CONCURRENCY:
                    task_id = ready.popleft()
                    running[asyncio.create_task(self._tell_task(tasks[task_id]))] = task_id
                done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for finished in done:
                    sorter.done(running.pop(finished))
                    finished.result()
        finally:
            for unfinished in running:
                unfinished.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def _tell_at_pace(self, speed: float) -> None:
        """Every start and end in the order of their times, and not before its time has come."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
        for event in self._schedule.events(self._trace):
            due = begun + (event.at - self._schedule.start).total_seconds() / speed
            await asyncio.sleep(due - loop.time())
            await (self._tell_end(event.task) if event.is_end else self._tell_start(event.task))

    async def _tell_task(self, task: Task) -> None:
        start, end = self._schedule.starts[task.id], self._schedule.ends[task.id]
        self._log_start(task)
        self._log_end(task)
        await self._reporter.tell_step(self._step_ids[task.id], _output(task), start=start, end=end)
        self._on_end(task)

    async def _tell_start(self, task: Task) -> None:
        await self._reporter.start_step(self._step_ids[task.id], at=self._schedule.starts[task.id])
        self._log_start(task)

    async def _tell_end(self, task: Task) -> None:
        self._log_end(task)
        end = self._schedule.ends[task.id]
        await self._reporter.complete_step(self._step_ids[task.id], _output(task), at=end)
        self._on_end(task)

    def _log_start(self, task: Task) -> None:
        entries = start_entries(task, self._trace.machines)
        for entry in placed(entries, self._step_ids[task.id], self._schedule.starts[task.id]):
            self._queue.put(entry)

    def _log_end(self, task: Task) -> None:
        for entry in placed(end_entries(task), self._step_ids[task.id], self._schedule.ends[task.id]):
            self._queue.put(entry)

    async def _give_up(self, end: Callable[[str, str], Awaitable[None]], reason: str) -> None:
        """End the run if it exists; one that has not started cannot fail, only be cancelled.

        An error here would only hide the reason, so it is dropped.
        """
        with contextlib.suppress(ApiError):
            try:
                await end(self.run_id, reason)
            except InvalidTransitionError:
                await self._reporter.cancel_run(self.run_id, reason)

    def _definition(self, namespace: str) -> JsonObject:
        return {
            "namespace": namespace,
            "name": self._trace.name,
            "description": self._trace.description,
            "nodes": [
                {"key": task.id, "name": task.name, "nodeType": "task", "config": _config(task)}
                for task in self._trace.tasks
            ],
            "dependencies": [
                {"sourceKey": parent, "targetKey": task.id} for task in self._trace.tasks for parent in task.parents
            ],
        }

    def _description(self, workflow_id: str) -> JsonObject:
        return {
            "id": self.run_id,
            "workflowId": workflow_id,
            "triggerType": "MANUAL",
            "metadata": {
                "trace": self._trace.name,
                "source": self._source,
                "system": self._trace.system,
                "makespanInSeconds": self._trace.makespan,
                "wfformat": VERSION,
            },
        }

    def _descriptions(self, node_ids: dict[str, str]) -> list[JsonObject]:
        return [
            {
                "id": self._step_ids[task.id],
                "nodeId": node_ids[task.id],
                "key": task.id,
                "executionOrder": order,
                "inputData": {"files": _described(task.inputs)},
            }
            for order, task in enumerate(self._trace.tasks, start=1)
        ]


def _config(task: Task) -> JsonObject:
    return {
        "program": task.program,
        "arguments": list(task.arguments),
        "coreCount": task.core_count,
        "priority": task.priority,
    }


def _output(task: Task) -> JsonObject:
    return {"files": _described(task.outputs), **figures_of(task)}


def _described(files: tuple[File, ...]) -> list[JsonObject]:
    return [{"id": file.id, "sizeInBytes": file.size} for file in files]
