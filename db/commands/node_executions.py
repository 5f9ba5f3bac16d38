"""Moving a step through its states; `node_transitions` moves many at once."""

from datetime import datetime
from typing import Any
from uuid import UUID

from db.commands.locks import lock_runs_of_steps, lock_steps
from db.commands.node_transitions import StepTransition, check_values, save_steps, transition_step
from db.errors import NotFoundError
from db.state_machine import RUN_STATUSES_FOR_STEP, Action
from db.transaction import Transaction


async def start_node_execution(
    session: Transaction,
    id: UUID,  # noqa: A002
    *,
    input_data: Any = None,
    at: datetime | None = None,
) -> None:
    """PENDING to RUNNING, in a RUNNING run; `input_data` replaces the input where it is given.

    Raises:
        NotFoundError: no such step.
        InvalidTransitionError: the step is not PENDING, or its run is not RUNNING.
        InvalidInputError: a value is not acceptable.
    """
    values = {} if input_data is None else {"input_data": input_data}
    await _transition(session, id, Action.START, at, values)


async def complete_node_execution(
    session: Transaction,
    id: UUID,  # noqa: A002
    *,
    output_data: Any = None,
    at: datetime | None = None,
) -> None:
    """RUNNING to COMPLETED. Raises as `start_node_execution` does."""
    await _transition(session, id, Action.COMPLETE, at, {"output_data": output_data})


async def fail_node_execution(
    session: Transaction,
    id: UUID,  # noqa: A002
    *,
    error_message: str,
    at: datetime | None = None,
) -> None:
    """RUNNING to FAILED. Raises as `start_node_execution` does."""
    await _transition(session, id, Action.FAIL, at, {"error_message": error_message})


async def cancel_node_execution(
    session: Transaction,
    id: UUID,  # noqa: A002
    *,
    reason: str | None = None,
    at: datetime | None = None,
) -> None:
    """PENDING or RUNNING to CANCELLED. Raises as `start_node_execution` does."""
    await _transition(session, id, Action.CANCEL, at, {"error_message": reason})


async def skip_node_execution(
    session: Transaction,
    id: UUID,  # noqa: A002
    *,
    reason: str | None = None,
    at: datetime | None = None,
) -> None:
    """PENDING to SKIPPED. Raises as `start_node_execution` does."""
    await _transition(session, id, Action.SKIP, at, {"error_message": reason})


async def retry_node_execution(session: Transaction, id: UUID, *, force: bool = False) -> None:  # noqa: A002
    """FAILED to PENDING, in a RUNNING run; the try that failed is kept.

    Args:
        session: the transaction to work in.
        id: the step.
        force: ignore the node's max_retries, and nothing else.

    Raises:
        NotFoundError: no such step.
        InvalidTransitionError: the step is not FAILED, has no retries left, or its run is not RUNNING.
    """
    await _transition(session, id, Action.RETRY, None, {}, force=force)


async def _transition(
    session: Transaction,
    id: UUID,  # noqa: A002
    action: Action,
    at: datetime | None,
    values: dict[str, Any],
    *,
    force: bool = False,
) -> None:
    transition = StepTransition(id, action, at, values, force)
    check_values(transition)
    runs = await lock_runs_of_steps(session, [id], hold_status=action in RUN_STATUSES_FOR_STEP)
    step = (await lock_steps(session, [id], runs)).get(id)
    if step is None:
        raise NotFoundError("Node execution", id)
    run_id = step.workflow_execution_id
    transition_step(step, runs[run_id].status, transition)
    step.revision = 1
    await save_steps(session, [step], {run_id: 1})
