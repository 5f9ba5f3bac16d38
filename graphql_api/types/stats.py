"""What became of runs, counted; resolved from a StatsRecord."""

from datetime import datetime

import strawberry

from graphql_api.types.enums import ExecutionStatus, TriggerType


@strawberry.type
class StatusCount:
    """How many runs there are in a status."""

    status: ExecutionStatus
    count: int


@strawberry.type
class TriggerCount:
    """How many runs began in a way."""

    trigger_type: TriggerType
    count: int


@strawberry.type
class StatsSummary:
    """What became of some runs."""

    total: int
    by_status: list[StatusCount] = strawberry.field(description="Every status a run can have, also where it is 0.")
    by_trigger: list[TriggerCount] = strawberry.field(description="Every type, also where it is 0.")
    success_rate: float | None = strawberry.field(
        description="Completed / (completed + failed); null when there are neither."
    )
    duration_p50: float | None = strawberry.field(description="Seconds; of the runs that started and ended.")
    duration_p95: float | None
    duration_max: float | None


@strawberry.type
class StatsBucketSummary:
    """What became of the runs created from `start` up to, not including, `end`."""

    start: datetime
    end: datetime
    summary: StatsSummary


@strawberry.type
class WorkflowExecutionStats:
    """What became of some runs, and the same over time."""

    summary: StatsSummary
    buckets: list[StatsBucketSummary] = strawberry.field(
        description="Whole buckets of the time zone's calendar, empty ones too, at most 1,000;"
        " they cover the time asked for, or else reach from the first run to the last."
    )
