"""execgraph's store: models, state machine, commands and queries on PostgreSQL.

Nothing here knows of GraphQL or HTTP.
"""

from db.database import Database
from db.enums import ExecutionStatus, LogLevel, TriggerType
from db.models import (
    Edge,
    ExecutionLog,
    Node,
    NodeExecution,
    NodeExecutionAttempt,
    Workflow,
    WorkflowExecution,
)

__all__ = [
    "Database",
    "Edge",
    "ExecutionLog",
    "ExecutionStatus",
    "LogLevel",
    "Node",
    "NodeExecution",
    "NodeExecutionAttempt",
    "TriggerType",
    "Workflow",
    "WorkflowExecution",
]
