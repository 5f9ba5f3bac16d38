"""The tables, one noun per module."""

from db.models.api_token import ApiToken
from db.models.execution_log import ExecutionCounter, ExecutionLog
from db.models.idempotency import IdempotencyKey
from db.models.model import Model
from db.models.node import Edge, Node
from db.models.node_execution import NodeExecution, NodeExecutionAttempt
from db.models.workflow import Workflow
from db.models.workflow_execution import WorkflowExecution

__all__ = [
    "ApiToken",
    "Edge",
    "ExecutionCounter",
    "ExecutionLog",
    "IdempotencyKey",
    "Model",
    "Node",
    "NodeExecution",
    "NodeExecutionAttempt",
    "Workflow",
    "WorkflowExecution",
]
