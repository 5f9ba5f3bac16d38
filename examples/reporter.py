"""What an engine tells the API about its runs: one method for each event, in an engine's words.

Every call may be repeated after a lost answer without harm. Things are made with ids that the client chose,
and making the same thing twice makes it once; a transition that is refused because the entity already is
where it should go, after a try whose answer was lost, has worked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import documents
from api_errors import InvalidTransitionError, JsonObject
from client import Client, new_id

STEPS_PER_CALL = 500


@dataclass(frozen=True, slots=True)
class CreatedWorkflow:
    """A definition's id, and those of its nodes by their keys."""

    id: str
    node_ids: dict[str, str]


class Reporter:
    """Reports to the API through `client`. All methods raise `ApiError`s."""

    def __init__(self, client: Client) -> None:
        self.client = client

    async def create_workflow(self, definition: JsonObject) -> CreatedWorkflow:
        """Create a workflow; `definition` is a CreateWorkflowInput."""
        value = await self._create(documents.CREATE_WORKFLOW, {"id": new_id(), **definition})
        return CreatedWorkflow(value["id"], {node["key"]: node["id"] for node in value["nodes"]})

    async def create_run(self, run: JsonObject) -> dict[str, str]:
        """Create a run; `run` is a CreateWorkflowExecutionInput with an id.

        Returns:
            The ids of the steps made with it (`createNodeExecutions`; 1,000 at most), by their nodes' keys.
        """
        value = await self._create(documents.CREATE_RUN, run)
        steps = value["nodeExecutions"]
        if steps["pageInfo"]["hasNextPage"]:
            raise ValueError("more than 1,000 steps: use create_steps")
        return {step["node"]["key"]: step["id"] for step in steps["nodes"]}

    async def create_steps(self, run_id: str, steps: Sequence[JsonObject]) -> None:
        """Create steps, as many calls as it takes; each is a CreateNodeExecutionInput with an id."""
        for start in range(0, len(steps), STEPS_PER_CALL):
            batch = list(steps[start : start + STEPS_PER_CALL])
            await self.client.call(documents.CREATE_STEPS, {"runId": run_id, "steps": batch})

    async def start_run(self, run_id: str, *, at: datetime | None = None) -> None:
        """The run begins. Like every `at`: the instant it happened, by default the server's now."""
        await self._transition(documents.START_RUN, "RUNNING", id=run_id, at=_instant(at))

    async def complete_run(self, run_id: str, output: Any = None, *, at: datetime | None = None) -> None:
        """The run has done its work."""
        await self._transition(documents.COMPLETE_RUN, "COMPLETED", id=run_id, outputData=output, at=_instant(at))

    async def fail_run(self, run_id: str, message: str) -> None:
        """The run did not do its work. Its unfinished steps are cancelled."""
        await self._transition(documents.FAIL_RUN, "FAILED", id=run_id, errorMessage=message)

    async def cancel_run(self, run_id: str, reason: str) -> None:
        """The run is given up. Its unfinished steps are cancelled."""
        await self._transition(documents.CANCEL_RUN, "CANCELLED", id=run_id, reason=reason)

    async def start_step(self, step_id: str, data: Any = None, *, at: datetime | None = None) -> None:
        """A step begins, with its input."""
        await self._transition(documents.START_STEP, "RUNNING", id=step_id, inputData=data, at=_instant(at))

    async def complete_step(self, step_id: str, output: Any = None, *, at: datetime | None = None) -> None:
        """A step has done its work, with this output."""
        await self._transition(documents.COMPLETE_STEP, "COMPLETED", id=step_id, outputData=output, at=_instant(at))

    async def tell_step(self, step_id: str, output: Any, *, start: datetime, end: datetime) -> None:
        """A step has begun and done its work, as `start_step` and `complete_step` tell it, in one request."""
        times = {"start": _instant(start), "end": _instant(end)}
        await self._transition(documents.TELL_STEP, "COMPLETED", id=step_id, outputData=output, **times)

    async def fail_step(self, step_id: str, message: str) -> bool:
        """A step failed. Returns whether it may be tried again."""
        value = await self._transition(documents.FAIL_STEP, "FAILED", id=step_id, errorMessage=message)
        if value is None:  # the answer that said so was lost
            value = await self.client.call(documents.STEP_STATUS, {"id": step_id})
        return bool(value["canRetry"])

    async def retry_step(self, step_id: str) -> None:
        """A failed step waits to be started again."""
        await self._transition(documents.RETRY_STEP, "PENDING", id=step_id)

    async def run_status(self, run_id: str) -> str | None:
        """The run's status; None when there is no such run."""
        value = await self.client.call(documents.RUN_STATUS, {"id": run_id})
        return None if value is None else str(value["status"])

    async def _create(self, document: str, given: JsonObject) -> JsonObject:
        value: JsonObject = await self.client.call(document, {"input": given})
        return value

    async def _transition(self, document: str, goal: str, **variables: Any) -> JsonObject | None:
        try:
            value: JsonObject = await self.client.call(document, variables)
        except InvalidTransitionError as refusal:
            if refusal.repeated and refusal.status == goal:
                return None
            raise
        return value


def _instant(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
