"""The closed vocabularies: stored as their lower-case values, defended by a CHECK in each table."""

from enum import StrEnum


class ExecutionStatus(StrEnum):
    """The state of a run or of a step."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"  # steps only: a step that was never started and never will be


class TriggerType(StrEnum):
    """What made a run begin."""

    SCHEDULE = "schedule"
    EVENT = "event"
    MANUAL = "manual"


class LogLevel(StrEnum):
    """The severity of a log entry, in ascending order."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Role(StrEnum):
    """What a caller may do, in ascending order: each may do what those before it may."""

    VIEWER = "viewer"  # read and follow, with secrets masked
    ENGINE = "engine"  # report
    ADMIN = "admin"  # delete

    @property
    def rank(self) -> int:
        """Its place in the order."""
        return _RANKS[self]


_RANKS = {role: rank for rank, role in enumerate(Role)}
