"""An index of the letters of error messages, where PostgreSQL has `pg_trgm`: a search for rare text reads few."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# Its owner may make this extension in a database, if it is installed at all. Without it everything works, and a search
# that finds little looks through all messages.
INDEX = """
DO $$
DECLARE place text;
BEGIN
    CREATE EXTENSION IF NOT EXISTS pg_trgm;
    SELECT nspname INTO STRICT place FROM pg_extension JOIN pg_namespace AS space ON space.oid = extnamespace
    WHERE extname = 'pg_trgm';
    EXECUTE format(
        'CREATE INDEX IF NOT EXISTS ix_workflow_executions_message_trigrams ON workflow_executions'
        ' USING gin (lower(upper(error_message COLLATE execgraph_search)) %I.gin_trgm_ops)'
        ' WHERE error_message IS NOT NULL',
        place
    );
EXCEPTION WHEN insufficient_privilege OR undefined_file OR feature_not_supported OR undefined_object THEN
    RAISE NOTICE 'searches look through all error messages, without pg_trgm: %', SQLERRM;
END $$
"""


def upgrade() -> None:
    """Make it."""
    op.execute(INDEX)


def downgrade() -> None:
    """Remove it; the extension may be of use to others."""
    op.execute("DROP INDEX IF EXISTS ix_workflow_executions_message_trigrams")
