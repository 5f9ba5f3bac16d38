"""What is written to the log of mutations that take something away: who did it, and to what."""

import logging
from collections.abc import Sequence
from typing import Any, Final

from db.commands.node_transitions import StepTransition
from db.state_machine import Action
from graphql_api.security.access import Access
from graphql_api.types.results import Refusal

logger = logging.getLogger("execgraph.audit")

AUDITED: Final = frozenset(
    {
        "cancelWorkflowExecution",
        "deleteWorkflowExecution",
        "cancelNodeExecution",
        "retryNodeExecution",
    }
)
AUDITED_TRANSITIONS: Final = frozenset({Action.CANCEL, Action.RETRY})


def audit(access: Access, mutation: str, result: Any) -> None:
    """Log a mutation that was done, if it is one that takes something away."""
    if mutation in AUDITED and not isinstance(result, Refusal):
        _log(access, mutation, result.id)


def audit_transitions(access: Access, asked: Sequence[StepTransition], results: Sequence[Any]) -> None:
    """Log those of many transitions that were done and take something away."""
    for transition, result in zip(asked, results, strict=True):
        if transition.action in AUDITED_TRANSITIONS and not isinstance(result, Refusal):
            _log(access, f"transitionNodeExecutions.{transition.action.value}", transition.id)


def _log(access: Access, what: str, id: Any) -> None:  # noqa: A002
    logger.info("%s of %s", what, id, extra={"token": access.name or None, "role": access.role.value})
