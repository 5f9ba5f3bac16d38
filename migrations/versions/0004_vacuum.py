"""Tables that grow to millions of rows are vacuumed before a fifth of them is dead, and analyzed as they grow."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# A purge leaves dead rows in the oldest part of a table, which fill up again only after a vacuum; and a vacuum of few
# rows is short. Entries are only ever inserted and deleted: a vacuum after inserts keeps counts index-only.
SETTINGS = {
    "workflow_executions": {"autovacuum_vacuum_scale_factor": "0.02", "autovacuum_analyze_scale_factor": "0.02"},
    "node_executions": {"autovacuum_vacuum_scale_factor": "0.02", "autovacuum_analyze_scale_factor": "0.02"},
    "node_execution_attempts": {"autovacuum_vacuum_scale_factor": "0.02"},
    "execution_logs": {
        "autovacuum_vacuum_scale_factor": "0.01",
        "autovacuum_vacuum_insert_scale_factor": "0.05",
        "autovacuum_analyze_scale_factor": "0.02",
    },
    # Every report updates a counter: small, and always in need of it.
    "execution_counters": {"autovacuum_vacuum_scale_factor": "0.02", "autovacuum_vacuum_cost_delay": "0"},
    "idempotency_keys": {"autovacuum_vacuum_scale_factor": "0.02"},
}


def upgrade() -> None:
    """Set them."""
    for table, settings in SETTINGS.items():
        listed = ", ".join(f"{name} = {value}" for name, value in settings.items())
        op.execute(f"ALTER TABLE {table} SET ({listed})")


def downgrade() -> None:
    """Take them back."""
    for table, settings in SETTINGS.items():
        op.execute(f"ALTER TABLE {table} RESET ({', '.join(settings)})")
