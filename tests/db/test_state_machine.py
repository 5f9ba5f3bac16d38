"""The state machine does what the contract's table says, and nothing else, for every status and action."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import pytest

from db import ExecutionStatus, LogLevel, TriggerType
from db.errors import InvalidInputError, InvalidTransitionError
from db.state_machine import NODE_EXECUTION, WORKFLOW_EXECUTION, Action, Decision, decide, refusal

MACHINES = {"run": WORKFLOW_EXECUTION, "step": NODE_EXECUTION}

ACTIONS = ("start", "complete", "fail", "cancel", "skip", "retry")

# What each action makes of each status; None: refused.
TABLE = {
    #                       start      complete     fail      cancel       skip       retry
    ("run", "pending"): ("running", None, None, "cancelled", None, None),
    ("run", "running"): (None, "completed", "failed", "cancelled", None, None),
    ("run", "completed"): (None, None, None, None, None, None),
    ("run", "failed"): (None, None, None, None, None, None),
    ("run", "cancelled"): (None, None, None, None, None, None),
    ("run", "skipped"): (None, None, None, None, None, None),
    ("step", "pending"): ("running", None, None, "cancelled", "skipped", None),
    ("step", "running"): (None, "completed", "failed", "cancelled", None, None),
    ("step", "completed"): (None, None, None, None, None, None),
    ("step", "failed"): (None, None, None, None, None, "pending"),
    ("step", "cancelled"): (None, None, None, None, None, None),
    ("step", "skipped"): (None, None, None, None, None, None),
}

# From where each action is allowed, as a refusal says it.
ALLOWED = {
    "run": {
        "start": ("pending",),
        "complete": ("running",),
        "fail": ("running",),
        "cancel": ("pending", "running"),
        "skip": (),
        "retry": (),
    },
    "step": {
        "start": ("pending",),
        "complete": ("running",),
        "fail": ("running",),
        "cancel": ("pending", "running"),
        "skip": ("pending",),
        "retry": ("failed",),
    },
}

ID = UUID("01a208be-71ab-7398-9934-cce9f973de11")
STARTED = datetime(2026, 1, 12, 12, 0, 0, tzinfo=UTC)
PREVIOUS = datetime(2026, 1, 12, 12, 0, 5, tzinfo=UTC)
AT = datetime(2026, 1, 12, 12, 1, 0, tzinfo=UTC)

# The times that each action sets: started_at, ended_at, last_transition_at.
TIMES = {
    "start": (AT, None, AT),
    "complete": (STARTED, AT, AT),
    "fail": (STARTED, AT, AT),
    "cancel": (STARTED, AT, AT),
    "skip": (STARTED, AT, AT),
    "retry": (None, None, PREVIOUS),
}


class Given(NamedTuple):
    status: ExecutionStatus
    started_at: datetime | None = None
    last_transition_at: datetime | None = None
    id: UUID = ID


PAIRS = [
    pytest.param(kind, status, action, target, id=f"{kind} {status} {action}")
    for (kind, status), targets in TABLE.items()
    for action, target in zip(ACTIONS, targets, strict=True)
]


def test_the_table_covers_every_machine_status_and_action() -> None:
    assert {(kind, status) for kind, status in TABLE} == {(k, s.value) for k in MACHINES for s in ExecutionStatus}
    assert tuple(action.value for action in Action) == ACTIONS


@pytest.mark.parametrize(("kind", "status", "action", "target"), [pair for pair in PAIRS if pair.values[3]])
def test_an_allowed_action_gives_the_status_and_times_of_the_table(
    kind: str, status: str, action: str, target: str
) -> None:
    given = Given(ExecutionStatus(status), STARTED, PREVIOUS)

    decision = decide(MACHINES[kind], Action(action), given, at=AT)

    assert decision == Decision(ExecutionStatus(target), *TIMES[action])


@pytest.mark.parametrize(("kind", "status", "action", "target"), [pair for pair in PAIRS if not pair.values[3]])
def test_any_other_action_is_refused_with_all_that_explains_it(
    kind: str, status: str, action: str, target: None
) -> None:
    with pytest.raises(InvalidTransitionError) as refused:
        decide(MACHINES[kind], Action(action), Given(ExecutionStatus(status), STARTED, PREVIOUS), at=AT)

    error = refused.value
    assert (str(error), error.id, error.from_, error.attempted, error.allowed) == (
        f"Cannot {action} execution in status {status}",
        ID,
        status,
        action,
        ALLOWED[kind][action],
    )


def test_a_refused_transition_is_a_value_error() -> None:
    with pytest.raises(ValueError, match=r"^Cannot start execution in status completed$"):
        decide(WORKFLOW_EXECUTION, Action.START, Given(ExecutionStatus.COMPLETED))


def test_a_refusal_by_another_rule_names_that_rule() -> None:
    error = refusal(NODE_EXECUTION, Action.START, Given(ExecutionStatus.PENDING), "its run is in status failed")

    assert str(error) == "Cannot start execution in status pending: its run is in status failed"


def test_without_at_a_transition_is_of_now() -> None:
    before = datetime.now(UTC)
    decision = decide(WORKFLOW_EXECUTION, Action.START, Given(ExecutionStatus.PENDING))

    assert before <= decision.last_transition_at <= datetime.now(UTC)
    assert decision == Decision(ExecutionStatus.RUNNING, decision.last_transition_at, None, decision.last_transition_at)


def test_without_at_an_end_is_not_before_a_start_by_a_clock_ahead_of_ours() -> None:
    ahead = datetime.now(UTC) + timedelta(minutes=4)
    decision = decide(WORKFLOW_EXECUTION, Action.COMPLETE, Given(ExecutionStatus.RUNNING, ahead, ahead))

    assert decision == Decision(ExecutionStatus.COMPLETED, ahead, ahead, ahead)


def test_at_may_be_the_time_of_the_previous_transition() -> None:
    decision = decide(NODE_EXECUTION, Action.FAIL, Given(ExecutionStatus.RUNNING, STARTED, PREVIOUS), at=PREVIOUS)

    assert decision == Decision(ExecutionStatus.FAILED, STARTED, PREVIOUS, PREVIOUS)


def test_at_before_the_previous_transition_is_refused() -> None:
    given = Given(ExecutionStatus.RUNNING, STARTED, PREVIOUS)

    with pytest.raises(InvalidInputError, match="is before the previous transition") as refused:
        decide(NODE_EXECUTION, Action.FAIL, given, at=PREVIOUS - timedelta(microseconds=1))

    assert refused.value.field == "at"


def test_at_may_be_almost_five_minutes_ahead() -> None:
    at = datetime.now(UTC) + timedelta(minutes=4, seconds=55)

    assert decide(WORKFLOW_EXECUTION, Action.START, Given(ExecutionStatus.PENDING), at=at).started_at == at


@pytest.mark.parametrize("previous", [None, PREVIOUS], ids=["first transition", "later transition"])
def test_at_more_than_five_minutes_ahead_is_refused(previous: datetime | None) -> None:
    at = datetime.now(UTC) + timedelta(minutes=5, seconds=5)

    with pytest.raises(InvalidInputError, match="is more than 5 minutes ahead") as refused:
        decide(WORKFLOW_EXECUTION, Action.START, Given(ExecutionStatus.PENDING, None, previous), at=at)

    assert refused.value.field == "at"


def test_a_status_that_does_not_allow_it_is_refused_before_its_at_is_looked_at() -> None:
    with pytest.raises(InvalidTransitionError):
        decide(NODE_EXECUTION, Action.START, Given(ExecutionStatus.FAILED, STARTED, PREVIOUS), at=STARTED)


def test_a_retry_keeps_the_time_that_the_next_start_must_not_precede() -> None:
    retried = decide(NODE_EXECUTION, Action.RETRY, Given(ExecutionStatus.FAILED, STARTED, PREVIOUS))
    given = Given(retried.status, retried.started_at, retried.last_transition_at)

    with pytest.raises(InvalidInputError):
        decide(NODE_EXECUTION, Action.START, given, at=PREVIOUS - timedelta(seconds=1))


def test_what_is_cancelled_before_it_started_has_an_end_and_no_start() -> None:
    decision = decide(WORKFLOW_EXECUTION, Action.CANCEL, Given(ExecutionStatus.PENDING), at=AT)

    assert decision == Decision(ExecutionStatus.CANCELLED, None, AT, AT)


@pytest.mark.parametrize("enum", [ExecutionStatus, TriggerType, LogLevel])
def test_values_are_the_lower_case_names(enum: type[ExecutionStatus | TriggerType | LogLevel]) -> None:
    assert {member.value for member in enum} == {member.name.lower() for member in enum}


def test_log_levels_ascend() -> None:
    assert list(LogLevel) == ["debug", "info", "warning", "error"]
