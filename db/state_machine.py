"""The state machine: one literal table for each kind of entity, and no I/O.

Nothing else in the code base compares statuses to decide what is allowed: models and commands both ask
`decide`. The database defends the resulting invariants a second time, with CHECK constraints.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from db.enums import ExecutionStatus
from db.errors import InvalidInputError, InvalidTransitionError

PENDING, RUNNING, COMPLETED, FAILED, CANCELLED, SKIPPED = ExecutionStatus

MAX_CLOCK_SKEW = timedelta(minutes=5)
"""How far an engine's clock may be ahead of ours."""


class Action(StrEnum):
    """What may be asked of a run or a step."""

    START = "start"
    COMPLETE = "complete"
    FAIL = "fail"
    CANCEL = "cancel"
    SKIP = "skip"
    RETRY = "retry"


@dataclass(frozen=True, slots=True)
class Transition:
    """An action's effect: where it is allowed from, and where it leads."""

    sources: tuple[ExecutionStatus, ...]
    target: ExecutionStatus


Machine = Mapping[Action, Transition]

WORKFLOW_EXECUTION: Machine = {
    Action.START: Transition((PENDING,), RUNNING),
    Action.COMPLETE: Transition((RUNNING,), COMPLETED),
    Action.FAIL: Transition((RUNNING,), FAILED),
    Action.CANCEL: Transition((PENDING, RUNNING), CANCELLED),
}

NODE_EXECUTION: Machine = {
    Action.START: Transition((PENDING,), RUNNING),
    Action.COMPLETE: Transition((RUNNING,), COMPLETED),
    Action.FAIL: Transition((RUNNING,), FAILED),
    Action.CANCEL: Transition((PENDING, RUNNING), CANCELLED),
    Action.SKIP: Transition((PENDING,), SKIPPED),
    Action.RETRY: Transition((FAILED,), PENDING),
}

UNFINISHED = (PENDING, RUNNING)
TERMINAL = (COMPLETED, FAILED, CANCELLED, SKIPPED)
ALWAYS_STARTED = (RUNNING, COMPLETED, FAILED)
"""A row in one of these has a `started_at`; a cancelled one has it if it ever started."""

RUN_STATUSES_FOR_STEP: Mapping[Action, tuple[ExecutionStatus, ...]] = {
    Action.START: (RUNNING,),
    Action.RETRY: (RUNNING,),
}
"""The statuses that the run must have for a step to do this; an action that is absent does not ask."""

UNFINISHED_STEPS_BECOME: Mapping[Action, ExecutionStatus] = {
    Action.COMPLETE: SKIPPED,  # the PENDING ones; a RUNNING one is a reason to refuse
    Action.FAIL: CANCELLED,
    Action.CANCEL: CANCELLED,
}
"""What the end of a run makes of its unfinished steps."""

RUN_STATUSES_FOR_NEW_STEPS = (PENDING, RUNNING)
"""The statuses of a run that steps may be added to."""


class State(Protocol):
    """What a decision rests on: any model or record of a run or a step has it."""

    @property
    def id(self) -> UUID: ...  # noqa: D102
    @property
    def status(self) -> ExecutionStatus: ...  # noqa: D102
    @property
    def started_at(self) -> datetime | None: ...  # noqa: D102
    @property
    def last_transition_at(self) -> datetime | None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Decision:
    """The columns that a transition sets."""

    status: ExecutionStatus
    started_at: datetime | None
    ended_at: datetime | None
    last_transition_at: datetime | None


def decide(machine: Machine, action: Action, state: State, *, at: datetime | None = None) -> Decision:
    """Say what `action` makes of `state`.

    Args:
        machine: the table of the entity's kind.
        action: what is asked.
        state: the entity as it is.
        at: the engine's time of the transition; by default the server's clock, moved up where a previous
            transition was reported by a clock ahead of ours, so that an end is never before its start.

    Raises:
        InvalidTransitionError: the table does not allow it from here.
        InvalidInputError: `at` lies before the previous transition, or too far ahead of the server's clock.
    """
    transition = machine.get(action)
    if transition is None or state.status not in transition.sources:
        raise refusal(machine, action, state)
    previous = state.last_transition_at
    now = datetime.now(UTC)
    if at is None:
        at = now if previous is None else max(now, previous)
    elif previous is not None and at < previous:
        raise InvalidInputError("at", f"{at.isoformat()} is before the previous transition, {previous.isoformat()}")
    elif at > now + MAX_CLOCK_SKEW:
        raise InvalidInputError("at", f"{at.isoformat()} is more than 5 minutes ahead of the server's clock")
    if action is Action.RETRY:
        # A retry has no time of its own: the next start only has to follow the failure.
        return Decision(transition.target, None, None, previous)
    if action is Action.START:
        return Decision(transition.target, at, None, at)
    return Decision(transition.target, state.started_at, at, at)


def refusal(machine: Machine, action: Action, state: State, because: str | None = None) -> InvalidTransitionError:
    """Build the error that says why `action` is refused; `because` names the rule when it is not the table."""
    message = f"Cannot {action.value} execution in status {state.status.value}"
    return InvalidTransitionError(
        f"{message}: {because}" if because else message,
        id=state.id,
        from_=state.status,
        attempted=action.value,
        allowed=machine[action].sources if action in machine else (),
    )
