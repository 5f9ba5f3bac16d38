"""The indexes that lists of runs are read by.

A list is narrowed by one column and read in the order of its index, newest first for instance, from the place
of a cursor on: page 1,000 costs what page 1 costs, and nothing is sorted. `db.paging` sorts by these very
expressions. A list that is narrowed by more columns takes the index of one of them.
"""

from typing import Any

from sqlalchemy import Index, text

ALL_RUNS = ""
NEWEST_FIRST = (ALL_RUNS, "workflow_id", "namespace", "status", "trigger_type")
"""What is read in the order of creation."""
ANY_ORDER = (ALL_RUNS, "workflow_id", "status")
"""What is read in each of the other orders, too."""
OTHER_ORDERS = {"started_at": "started_at", "ended_at": "ended_at", "duration": text("(ended_at - started_at)")}


def access_paths() -> tuple[Index, ...]:
    """Make the indexes of workflow_executions."""
    return (
        *(_ordered(narrowed_by, "created_at", "created_at") for narrowed_by in NEWEST_FIRST),
        *(_ordered(narrowed_by, *order) for order in OTHER_ORDERS.items() for narrowed_by in ANY_ORDER),
        Index(
            "ix_workflow_executions_parent_node_execution_id",
            "parent_node_execution_id",
            "created_at",
            "id",
            postgresql_where="parent_node_execution_id IS NOT NULL",
        ),
        Index("ix_workflow_executions_retry_of_id", "retry_of_id", postgresql_where="retry_of_id IS NOT NULL"),
        # Text is looked for in all error messages, of which there are few, the newest first.
        Index("ix_workflow_executions_messages", "created_at", "id", postgresql_where="error_message IS NOT NULL"),
        Index(
            "ix_workflow_executions_metadata",
            "metadata",
            postgresql_using="gin",
            postgresql_ops={"metadata": "jsonb_path_ops"},
        ),
    )


def _ordered(narrowed_by: str, name: str, key: Any) -> Index:
    """An index in an order; it ends with the id, which decides ties."""
    columns = [narrowed_by] if narrowed_by else []
    return Index("_".join(["ix_workflow_executions", *columns, name, "id"]), *columns, key, "id")
