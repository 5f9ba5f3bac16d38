"""What `db` refuses, and why.

ExecgraphError
├── NotFoundError              the entity that the call is about does not exist
├── InvalidInputError          a value that is not acceptable, with the path to it
├── IdempotencyConflictError   the key was used before, with other arguments
├── InvalidTransitionError     the state machine does not allow this from here
├── PurgeUnderWayError         another process removes old runs just now
└── HintsUnavailableError      LISTEN was accepted, but nothing arrives
"""

from collections.abc import Iterable
from uuid import UUID

from db.enums import ExecutionStatus


class ExecgraphError(Exception):
    """The root of everything that execgraph raises on purpose."""


class NotFoundError(ExecgraphError, LookupError):
    """The entity that the call is about does not exist."""

    def __init__(self, what: str, id: UUID) -> None:  # noqa: A002 - the field's name in the contract
        super().__init__(f"{what} {id} does not exist")
        self.id = id


class InvalidInputError(ExecgraphError, ValueError):
    """A value that is not acceptable; `field` is the path to it, as in `entries[17].data`."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field

    def within(self, path: str) -> "InvalidInputError":
        """The same of a value that is a part of another one."""
        return InvalidInputError(f"{path}.{self.field}", str(self))


class InvalidTransitionError(ExecgraphError, ValueError):
    """The state machine does not allow this action from the entity's present status."""

    def __init__(
        self,
        message: str,
        *,
        id: UUID,  # noqa: A002 - the field's name in the contract
        from_: ExecutionStatus,
        attempted: str,
        allowed: Iterable[ExecutionStatus],
    ) -> None:
        super().__init__(message)
        self.id = id
        self.from_ = from_
        self.attempted = attempted
        self.allowed = tuple(allowed)


class IdempotencyConflictError(ExecgraphError):
    """The idempotency key was used before, with other arguments."""

    def __init__(self, key: str) -> None:
        super().__init__("The idempotency key was used before, with other arguments")
        self.key = key


class PurgeUnderWayError(ExecgraphError):
    """Another process removes old runs just now."""


class HintsUnavailableError(ExecgraphError):
    """LISTEN was accepted, but nothing arrives (a transaction-mode pooler is in between)."""
