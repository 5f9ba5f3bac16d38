"""What is raced over, and the rules that every outcome is held against: the contract's, written down again."""

from collections.abc import Awaitable, Callable, Iterable
from itertools import permutations
from typing import Any, NamedTuple
from uuid import UUID

from db import Database
from db.commands.node_executions import (
    cancel_node_execution,
    complete_node_execution,
    fail_node_execution,
    retry_node_execution,
    skip_node_execution,
    start_node_execution,
)
from db.commands.workflow_executions import (
    cancel_workflow_execution,
    complete_workflow_execution,
    fail_workflow_execution,
    start_workflow_execution,
)
from db.errors import InvalidTransitionError

RUN = -1


class Move(NamedTuple):
    """A transition of the run, or of one of its steps by its place."""

    of: int
    action: str


class State(NamedTuple):
    """The statuses of a run and its steps."""

    run: str
    steps: tuple[str, ...]

    def of(self, place: int) -> str:
        """The status of the run, or of a step."""
        return self.run if place == RUN else self.steps[place]


class Outcome(NamedTuple):
    """What a client was told: `refused_from` is the status that the refusal names, None where it was done."""

    move: Move
    refused_from: str | None


RUN_ACTIONS: dict[str, tuple[tuple[str, ...], str]] = {
    "start": (("pending",), "running"),
    "complete": (("running",), "completed"),
    "fail": (("running",), "failed"),
    "cancel": (("pending", "running"), "cancelled"),
}
STEP_ACTIONS: dict[str, tuple[tuple[str, ...], str]] = {
    "start": (("pending",), "running"),
    "complete": (("running",), "completed"),
    "fail": (("running",), "failed"),
    "cancel": (("pending", "running"), "cancelled"),
    "skip": (("pending",), "skipped"),
    "retry": (("failed",), "pending"),
}
UNFINISHED = ("pending", "running")
STEPS_BECOME = {"start": None, "complete": "skipped", "fail": "cancelled", "cancel": "cancelled"}
ASK_FOR_A_RUNNING_RUN = ("start", "retry")


def after(state: State, move: Move) -> State | None:
    """What a move makes of a state; None if it is refused."""
    sources, target = (RUN_ACTIONS if move.of == RUN else STEP_ACTIONS)[move.action]
    if state.of(move.of) not in sources:
        return None
    if move.of != RUN:
        if move.action in ASK_FOR_A_RUNNING_RUN and state.run != "running":
            return None
        return State(state.run, (*state.steps[: move.of], target, *state.steps[move.of + 1 :]))
    if move.action == "complete" and "running" in state.steps:
        return None
    become = STEPS_BECOME[move.action]
    return State(target, tuple(become if become and step in UNFINISHED else step for step in state.steps))


def explained(before: State, outcomes: Iterable[Outcome], now: State) -> bool:
    """Whether doing the moves one after the other in some order tells every client the same, and ends as it did."""
    outcomes = list(outcomes)
    done = [outcome.move for outcome in outcomes if outcome.refused_from is None]
    refused = {outcome for outcome in outcomes if outcome.refused_from is not None}
    return any(_explained(before, order, refused, now) for order in set(permutations(done)))


def _explained(before: State, order: Iterable[Move], refused: set[Outcome], now: State) -> bool:
    visited = [before]
    for move in order:
        following = after(visited[-1], move)
        if following is None:
            return False
        visited.append(following)
    return visited[-1] == now and all(
        any(state.of(move.of) == status and after(state, move) is None for state in visited) for move, status in refused
    )


Command = Callable[..., Awaitable[None]]

_COMMANDS: dict[tuple[bool, str], tuple[Command, dict[str, Any]]] = {
    (True, "start"): (start_workflow_execution, {}),
    (True, "complete"): (complete_workflow_execution, {}),
    (True, "fail"): (fail_workflow_execution, {"error_message": "It broke"}),
    (True, "cancel"): (cancel_workflow_execution, {}),
    (False, "start"): (start_node_execution, {}),
    (False, "complete"): (complete_node_execution, {}),
    (False, "fail"): (fail_node_execution, {"error_message": "It broke"}),
    (False, "cancel"): (cancel_node_execution, {}),
    (False, "skip"): (skip_node_execution, {}),
    (False, "retry"): (retry_node_execution, {"force": True}),
}


async def do(database: Database, run_id: UUID, steps: list[UUID], move: Move) -> Outcome:
    """Do a move as the API does it, in a transaction on a connection of its own."""
    command, arguments = _COMMANDS[move.of == RUN, move.action]
    id_ = run_id if move.of == RUN else steps[move.of]
    try:
        await database.run_command(lambda session: command(session, id_, **arguments))
    except InvalidTransitionError as error:
        if (error.id, error.attempted) != (id_, move.action):
            raise
        return Outcome(move, error.from_.value)
    return Outcome(move, None)
