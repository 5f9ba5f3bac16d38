"""The enums of the contract: `db`'s own, named for GraphQL."""

from enum import Enum

import strawberry

from db.buckets import Bucket
from db.enums import ExecutionStatus, LogLevel, TriggerType
from db.queries.workflow_executions import RunOrder

__all__ = ["Bucket", "ExecutionStatus", "LogLevel", "OrderDirection", "RunOrder", "TriggerType"]

strawberry.enum(ExecutionStatus, description="The state of a run or of a step.")
strawberry.enum(TriggerType, description="What made a run begin.")
strawberry.enum(LogLevel, description="The severity of a log entry, in ascending order.")
strawberry.enum(RunOrder, name="WorkflowExecutionOrderField", description="What runs can be sorted by.")
strawberry.enum(
    Bucket, name="StatsBucket", description="Minutes, hours, days, or ISO weeks, of the time zone's calendar."
)


@strawberry.enum
class OrderDirection(Enum):
    """Up or down. A null comes last either way."""

    ASC = "asc"
    DESC = "desc"
