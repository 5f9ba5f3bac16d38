"""What becomes of many transitions: read, remembered and presented."""

from typing import Any
from uuid import UUID

from db.commands.node_transitions import Outcome, StepTransition
from db.enums import ExecutionStatus
from db.errors import NotFoundError
from db.queries.node_executions import steps_by_id
from db.reader import Reader
from db.state_machine import Action
from graphql_api.mutations.command import seen
from graphql_api.types.inputs import NodeTransitionInput
from graphql_api.types.results import (
    InvalidInput,
    InvalidTransition,
    NodeExecutionResult,
    NotFound,
    TransitionNodeExecutionsPayload,
    refusal,
)

_REFUSALS = {refused.__name__: refused for refused in (NotFound, InvalidTransition, InvalidInput)}


def read_transition(given: NodeTransitionInput) -> StepTransition:
    """Read one of the inputs of a `@oneOf`."""
    ((name, chosen),) = ((name, chosen) for name, chosen in vars(given).items() if chosen)
    values = {name: value for name, value in vars(chosen).items() if name in _COLUMNS}
    if name == "start" and values["input_data"] is None:
        del values["input_data"]  # an input is replaced only where one is given
    return StepTransition(
        id=chosen.id,
        action=Action(name),
        at=getattr(chosen, "at", None),
        values={_COLUMNS[name]: value for name, value in values.items()},
        force=getattr(chosen, "force", False),
    )


_COLUMNS = {
    "input_data": "input_data",
    "output_data": "output_data",
    "error_message": "error_message",
    "reason": "error_message",
}


def remember_outcome(outcome: Outcome) -> Any:
    """What is kept of an outcome: the step's id, or the refusal as it was."""
    if isinstance(outcome, UUID):
        return str(outcome)
    refused = refusal(outcome)
    values = {name: str(value) if isinstance(value, UUID) else value for name, value in vars(refused).items()}
    return {"type": type(refused).__name__, **values}


async def present_outcomes(reader: Reader, outcomes: list[Any]) -> TransitionNodeExecutionsPayload:
    """Answer with the steps as they are now, and with the refusals as they were."""
    ids = list({UUID(outcome) for outcome in outcomes if isinstance(outcome, str)})
    steps = dict(zip(ids, await seen(reader, await steps_by_id(reader, ids)), strict=True)) if ids else {}
    results: list[NodeExecutionResult] = []
    for outcome in outcomes:
        if isinstance(outcome, str):
            step: Any = steps[UUID(outcome)] or refusal(NotFoundError("Node execution", UUID(outcome)))
            results.append(step)
        else:
            results.append(_refused(**outcome))
    return TransitionNodeExecutionsPayload(results=results)


def _refused(type: str, **values: Any) -> Any:  # noqa: A002 - as it is remembered
    if "id" in values:
        values["id"] = UUID(values["id"])
    if "from_" in values:
        values["from_"] = ExecutionStatus(values["from_"])
        values["allowed"] = [ExecutionStatus(status) for status in values["allowed"]]
    return _REFUSALS[type](**values)
