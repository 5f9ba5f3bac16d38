"""The indexes that lists are read by, and the letters that a search knows."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

DURATION = sa.text("(ended_at - started_at)")

# Upper and lower case of every script, whatever the locale of the database is: in the locale C, ILIKE knows
# those of ASCII only. Version 17 brings its own tables; before, they are the system's or else ICU's.
SEARCH_COLLATION = """
DO $$
BEGIN
    IF current_setting('server_version_num')::int >= 170000 THEN
        CREATE COLLATION execgraph_search (provider = builtin, locale = 'C.UTF-8');
        RETURN;
    END IF;
    BEGIN
        CREATE COLLATION execgraph_search (provider = libc, lc_collate = 'C', lc_ctype = 'C.UTF-8');
    EXCEPTION WHEN OTHERS THEN
        CREATE COLLATION execgraph_search (provider = icu, locale = 'und');
    END;
END $$
"""

# What a search compares with. Without them PostgreSQL takes it that hardly any text matches, and sorts all that do.
STATISTICS = (
    """
    CREATE STATISTICS workflow_executions_search
    ON (lower(upper(error_message COLLATE execgraph_search))) FROM workflow_executions
    """,
    """
    CREATE STATISTICS execution_logs_search
    ON (lower(upper(message COLLATE execgraph_search))) FROM execution_logs
    """,
)


def upgrade() -> None:
    """Make them."""
    op.execute(SEARCH_COLLATION)
    for statement in STATISTICS:
        op.execute(statement)
    for narrowed_by in ("namespace", "status", "trigger_type"):
        name = f"ix_workflow_executions_{narrowed_by}_created_at_id"
        op.create_index(name, "workflow_executions", [narrowed_by, "created_at", "id"])
    for name, key in (("started_at", "started_at"), ("ended_at", "ended_at"), ("duration", DURATION)):
        op.create_index(f"ix_workflow_executions_{name}_id", "workflow_executions", [key, "id"])
        for narrowed_by in ("workflow_id", "status"):
            op.create_index(
                f"ix_workflow_executions_{narrowed_by}_{name}_id", "workflow_executions", [narrowed_by, key, "id"]
            )
    op.create_index(
        "ix_workflow_executions_messages",
        "workflow_executions",
        ["created_at", "id"],
        postgresql_where=sa.text("error_message IS NOT NULL"),
    )
    op.create_index(
        "ix_workflow_executions_metadata",
        "workflow_executions",
        ["metadata"],
        postgresql_using="gin",
        postgresql_ops={"metadata": "jsonb_path_ops"},
    )
    op.create_index(
        "ix_execution_counters_erring",
        "execution_counters",
        ["workflow_execution_id"],
        postgresql_where=sa.text("error_count > 0"),
    )
    op.create_index(
        "ix_execution_logs_errors",
        "execution_logs",
        ["workflow_execution_id", "sequence"],
        postgresql_where=sa.text("level = 'error'"),
    )
    op.execute("ANALYZE workflow_executions")  # how durations and texts are distributed


def downgrade() -> None:
    """Remove them."""
    op.drop_index("ix_execution_logs_errors")
    op.drop_index("ix_execution_counters_erring")
    op.drop_index("ix_workflow_executions_metadata")
    op.drop_index("ix_workflow_executions_messages")
    for name in ("started_at", "ended_at", "duration"):
        op.drop_index(f"ix_workflow_executions_{name}_id")
        for narrowed_by in ("workflow_id", "status"):
            op.drop_index(f"ix_workflow_executions_{narrowed_by}_{name}_id")
    for narrowed_by in ("namespace", "status", "trigger_type"):
        op.drop_index(f"ix_workflow_executions_{narrowed_by}_created_at_id")
    op.execute("DROP STATISTICS workflow_executions_search, execution_logs_search")
    op.execute("DROP COLLATION execgraph_search")
