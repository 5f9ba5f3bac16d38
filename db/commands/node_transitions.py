"""Moving many steps through their states in a few statements, each with an outcome of its own."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from db.commands.counters import take_revisions
from db.commands.locks import LockedStep, lock_runs_of_steps, lock_steps
from db.enums import ExecutionStatus
from db.errors import ExecgraphError, InvalidInputError, NotFoundError
from db.json import write_json
from db.state_machine import NODE_EXECUTION, RUN_STATUSES_FOR_STEP, Action, decide, refusal
from db.transaction import Transaction, touch
from db.validation import check_batch, check_json, check_message


@dataclass(frozen=True, slots=True)
class StepTransition:
    """What is asked of a step."""

    id: UUID
    action: Action
    at: datetime | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    """The columns that it sets beside those of the state: `input_data`, `output_data`, `error_message`."""
    force: bool = False
    """For a retry: ignore max_retries, and nothing else."""


def check_values(transition: StepTransition) -> None:
    """Refuse values that cannot be stored. Raises InvalidInputError."""
    values = transition.values
    check_json(values.get("input_data"), "input_data")
    check_json(values.get("output_data"), "output_data")
    if transition.action is Action.FAIL:
        check_message(values["error_message"], "error_message")
    else:
        check_message(values.get("error_message"), "reason", may_be_empty=True)


def transition_step(step: LockedStep, run_status: ExecutionStatus, transition: StepTransition) -> None:
    """Make of a locked step what the transition makes of it.

    Raises:
        InvalidTransitionError: the state machine, the run's status or the retry limit refuses.
        InvalidInputError: `at` is not acceptable.
    """
    action = transition.action
    decision = decide(NODE_EXECUTION, action, step, at=transition.at)
    allowed = RUN_STATUSES_FOR_STEP.get(action)
    if allowed is not None and run_status not in allowed:
        raise refusal(NODE_EXECUTION, action, step, f"its run is in status {run_status.value}")
    if action is Action.RETRY:
        if not transition.force and step.retry_count >= step.max_retries:
            raise refusal(NODE_EXECUTION, action, step, f"all {step.max_retries} retries are used up")
        step.retry_count += 1
        step.values.update(error_message=None, output_data=None)
    step.status = decision.status
    step.started_at = decision.started_at
    step.ended_at = decision.ended_at
    step.last_transition_at = decision.last_transition_at
    step.values.update(transition.values)


Outcome = UUID | ExecgraphError
"""The id of a step that did what was asked, or why it did not."""


async def transition_node_executions(session: Transaction, transitions: Sequence[StepTransition]) -> list[Outcome]:
    """Do the transitions in order, each for itself; an id may recur. Gives an outcome for each.

    Raises:
        InvalidInputError: there are none, or too many.
    """
    check_batch(transitions, "transitions")
    ids = {transition.id for transition in transitions}
    hold_status = any(transition.action in RUN_STATUSES_FOR_STEP for transition in transitions)
    runs = await lock_runs_of_steps(session, ids, hold_status=hold_status)
    steps = await lock_steps(session, ids, runs)
    ended: list[dict[str, Any]] = []
    outcomes: list[Outcome] = []
    revisions: Counter[UUID] = Counter()
    for place, transition in enumerate(transitions):
        step = steps.get(transition.id)
        try:
            if step is None:
                raise NotFoundError("Node execution", transition.id)
            check_values(transition)
            attempt = _attempt(step)
            transition_step(step, runs[step.workflow_execution_id].status, transition)
        except InvalidInputError as error:
            outcomes.append(error.within(f"transitions[{place}].{transition.action.value}"))
        except ExecgraphError as error:
            outcomes.append(error)
        else:
            if transition.action is Action.RETRY:
                ended.append(attempt)
            revisions[step.workflow_execution_id] += 1
            step.revision = revisions[step.workflow_execution_id]  # within this call; made absolute below
            outcomes.append(step.id)
    changed = [step for step in steps.values() if step.revision]
    if changed:
        await save_steps(session, changed, revisions)
    if ended:
        await session.execute(_SAVE_ATTEMPTS, {"attempts": write_json(ended)})
    return outcomes


def _attempt(step: LockedStep) -> dict[str, Any]:
    return {
        "node_execution_id": step.id,
        "attempt": step.retry_count + 1,
        "status": step.status.value,
        "started_at": step.started_at,
        "ended_at": step.ended_at,
        "error_message": step.values.get("error_message", step.error_message),
    }


async def save_steps(session: Transaction, steps: Sequence[LockedStep], revisions: Mapping[UUID, int]) -> None:
    """Write what was made of steps; `revisions` says how many each run needs, a step's says which one it has."""
    before: dict[UUID, int] = {}
    for run_id in sorted(revisions):
        before[run_id] = await take_revisions(session, run_id, revisions[run_id]) - revisions[run_id]
        touch(session, run_id)
    rows = [
        {
            "id": step.id,
            "status": step.status.value,
            "started_at": step.started_at,
            "ended_at": step.ended_at,
            "last_transition_at": step.last_transition_at,
            "retry_count": step.retry_count,
            "revision": before[step.workflow_execution_id] + step.revision,
            "values": step.values,
        }
        for step in steps
    ]
    await session.execute(_SAVE, {"steps": write_json(rows)})


# A key that is absent from `values` leaves its column as it is; one that is null empties it.
_SAVE = text(
    """
    UPDATE node_executions AS step SET
        status = new.status,
        started_at = new.started_at,
        ended_at = new.ended_at,
        last_transition_at = new.last_transition_at,
        retry_count = new.retry_count,
        revision = new.revision,
        updated_at = clock_timestamp(),
        input_data = CASE WHEN new.values ? 'input_data'
            THEN nullif(new.values -> 'input_data', 'null') ELSE step.input_data END,
        output_data = CASE WHEN new.values ? 'output_data'
            THEN nullif(new.values -> 'output_data', 'null') ELSE step.output_data END,
        error_message = CASE WHEN new.values ? 'error_message'
            THEN new.values ->> 'error_message' ELSE step.error_message END
    FROM jsonb_to_recordset(CAST(:steps AS jsonb)) AS new (id uuid, status text, started_at timestamptz,
        ended_at timestamptz, last_transition_at timestamptz, retry_count integer, revision integer, values jsonb)
    WHERE step.id = new.id
    """
)

# Tries that ended and were retried within one call: their step's row no longer shows them.
_SAVE_ATTEMPTS = text(
    """
    INSERT INTO node_execution_attempts
        (node_execution_id, attempt, status, started_at, ended_at, error_message)
    SELECT node_execution_id, attempt, status, started_at, ended_at, error_message
    FROM jsonb_to_recordset(CAST(:attempts AS jsonb)) AS ended (node_execution_id uuid, attempt integer, status text,
        started_at timestamptz, ended_at timestamptz, error_message text)
    ON CONFLICT (node_execution_id, attempt) DO UPDATE SET
        status = excluded.status, started_at = excluded.started_at, ended_at = excluded.ended_at,
        error_message = excluded.error_message
    """
)
