"""Rows as COPY reads them in its text format. No value may hold a tab or a backslash."""

NULL = r"\N"

COLUMNS = {
    "workflows": "id namespace key version name created_at updated_at",
    "nodes": "id workflow_id version key name node_type config retry_config",
    "edges": "source_node_id target_node_id",
    "workflow_executions": "id workflow_id workflow_version namespace retry_of_id parent_node_execution_id trigger_type"
    " input_data output_data context metadata status error_message revision created_at updated_at started_at ended_at"
    " last_transition_at",
    "execution_counters": "workflow_execution_id revision last_sequence debug_count info_count warning_count"
    " error_count last_append_at last_report_at",
    "node_executions": "id workflow_execution_id node_id parent_id key name execution_order retry_count input_data"
    " output_data status error_message revision created_at updated_at started_at ended_at last_transition_at",
    "node_execution_attempts": "node_execution_id attempt status started_at ended_at error_message",
    "execution_logs": "workflow_execution_id sequence node_execution_id attempt level message data timestamp",
}
"""What is written of each table."""

Rows = dict[str, list[str]]
"""Lines by table."""


def line(*values: object) -> str:
    """A row in COPY's text format."""
    return "\t".join(NULL if value is None else str(value) for value in values)
