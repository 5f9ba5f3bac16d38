"""The first tables, and the triggers that keep what every writer must keep."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# Every writer goes through these, whatever it is written in: what they supply, a command may supply itself
# (and does, for many rows at once); what they keep equal, nobody has to remember.
TRIGGERS = (
    # A run is of its workflow's namespace and, unless it says otherwise, of its present version.
    """
    CREATE FUNCTION workflow_executions_defaults() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        SELECT coalesce(NEW.workflow_version, version), coalesce(NEW.namespace, namespace)
            INTO NEW.workflow_version, NEW.namespace
            FROM workflows WHERE id = NEW.workflow_id;
        IF NOT FOUND THEN
            RAISE foreign_key_violation USING MESSAGE = format('workflow %s does not exist', NEW.workflow_id);
        END IF;
        NEW.revision := coalesce(NEW.revision, 1);
        RETURN NEW;
    END $$
    """,
    """
    CREATE TRIGGER defaults BEFORE INSERT ON workflow_executions FOR EACH ROW
    WHEN (NEW.workflow_version IS NULL OR NEW.namespace IS NULL OR NEW.revision IS NULL)
    EXECUTE FUNCTION workflow_executions_defaults()
    """,
    # Each run has its counter from the start.
    """
    CREATE FUNCTION workflow_executions_counter() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO execution_counters (workflow_execution_id, revision) SELECT id, revision FROM created;
        RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER counter AFTER INSERT ON workflow_executions REFERENCING NEW TABLE AS created
    FOR EACH STATEMENT EXECUTE FUNCTION workflow_executions_counter()
    """,
    # A node is of its workflow's present version unless it says otherwise.
    """
    CREATE FUNCTION nodes_version() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        SELECT version INTO NEW.version FROM workflows WHERE id = NEW.workflow_id;
        IF NOT FOUND THEN
            RAISE foreign_key_violation USING MESSAGE = format('workflow %s does not exist', NEW.workflow_id);
        END IF;
        RETURN NEW;
    END $$
    """,
    """
    CREATE TRIGGER version BEFORE INSERT ON nodes FOR EACH ROW WHEN (NEW.version IS NULL)
    EXECUTE FUNCTION nodes_version()
    """,
    # An edge stays within one version of one definition.
    """
    CREATE FUNCTION edges_one_version() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF EXISTS (
            SELECT FROM added
            JOIN nodes AS source ON source.id = added.source_node_id
            JOIN nodes AS target ON target.id = added.target_node_id
            WHERE (source.workflow_id, source.version) <> (target.workflow_id, target.version)
        ) THEN
            RAISE check_violation USING MESSAGE = 'an edge must join two nodes of one version';
        END IF;
        RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER one_version AFTER INSERT ON edges REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION edges_one_version()
    """,
    # Whatever changes takes the run's next revision. The run's row is locked before its counter: the one
    # order everywhere.
    """
    CREATE FUNCTION next_revision(run uuid) RETURNS integer LANGUAGE plpgsql AS $$
    DECLARE
        taken integer;
    BEGIN
        PERFORM FROM workflow_executions WHERE id = run FOR KEY SHARE;
        UPDATE execution_counters SET revision = revision + 1, last_report_at = clock_timestamp()
            WHERE workflow_execution_id = run
            RETURNING revision INTO taken;
        IF taken IS NULL THEN
            RAISE foreign_key_violation USING MESSAGE = format('run %s does not exist', run);
        END IF;
        RETURN taken;
    END $$
    """,
    """
    CREATE FUNCTION workflow_executions_revision() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        NEW.revision := next_revision(NEW.id);
        RETURN NEW;
    END $$
    """,
    """
    CREATE TRIGGER revision BEFORE UPDATE ON workflow_executions FOR EACH ROW
    WHEN (OLD.* IS DISTINCT FROM NEW.* AND NEW.revision = OLD.revision)
    EXECUTE FUNCTION workflow_executions_revision()
    """,
    """
    CREATE FUNCTION node_executions_revision() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        NEW.revision := next_revision(NEW.workflow_execution_id);
        RETURN NEW;
    END $$
    """,
    """
    CREATE TRIGGER first_revision BEFORE INSERT ON node_executions FOR EACH ROW WHEN (NEW.revision IS NULL)
    EXECUTE FUNCTION node_executions_revision()
    """,
    """
    CREATE TRIGGER revision BEFORE UPDATE ON node_executions FOR EACH ROW
    WHEN (OLD.* IS DISTINCT FROM NEW.* AND NEW.revision = OLD.revision)
    EXECUTE FUNCTION node_executions_revision()
    """,
    # The present try of a step is equal to the step, from its start on.
    """
    CREATE FUNCTION node_executions_new_attempts() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO node_execution_attempts
            (node_execution_id, attempt, status, started_at, ended_at, error_message)
        SELECT id, retry_count + 1, status, started_at, ended_at, error_message
            FROM created WHERE started_at IS NOT NULL;
        RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER new_attempts AFTER INSERT ON node_executions REFERENCING NEW TABLE AS created
    FOR EACH STATEMENT EXECUTE FUNCTION node_executions_new_attempts()
    """,
    """
    CREATE FUNCTION node_executions_attempts() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO node_execution_attempts AS attempts
            (node_execution_id, attempt, status, started_at, ended_at, error_message)
        SELECT id, after.retry_count + 1, after.status, after.started_at, after.ended_at, after.error_message
            FROM after JOIN before USING (id)
            WHERE after.started_at IS NOT NULL
            AND (after.status, after.started_at, after.ended_at, after.error_message)
                IS DISTINCT FROM (before.status, before.started_at, before.ended_at, before.error_message)
        ON CONFLICT (node_execution_id, attempt) DO UPDATE SET
            status = excluded.status,
            started_at = excluded.started_at,
            ended_at = excluded.ended_at,
            error_message = excluded.error_message;
        RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER attempts AFTER UPDATE ON node_executions REFERENCING OLD TABLE AS before NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION node_executions_attempts()
    """,
    # An entry without a number takes the next one of its run. Bulk inserts allocate a range in one statement
    # and never come here.
    """
    CREATE FUNCTION execution_logs_sequence() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM FROM workflow_executions WHERE id = NEW.workflow_execution_id FOR KEY SHARE;
        IF NEW.attempt IS NULL AND NEW.node_execution_id IS NOT NULL THEN
            SELECT retry_count + 1 INTO NEW.attempt FROM node_executions WHERE id = NEW.node_execution_id;
        END IF;
        UPDATE execution_counters SET
            last_sequence = last_sequence + 1,
            debug_count = debug_count + (NEW.level = 'debug')::int,
            info_count = info_count + (NEW.level = 'info')::int,
            warning_count = warning_count + (NEW.level = 'warning')::int,
            error_count = error_count + (NEW.level = 'error')::int,
            last_append_at = clock_timestamp(),
            last_report_at = clock_timestamp()
            WHERE workflow_execution_id = NEW.workflow_execution_id
            RETURNING last_sequence INTO NEW.sequence;
        IF NEW.sequence IS NULL THEN
            RAISE foreign_key_violation
                USING MESSAGE = format('run %s does not exist', NEW.workflow_execution_id);
        END IF;
        RETURN NEW;
    END $$
    """,
    """
    CREATE TRIGGER sequence BEFORE INSERT ON execution_logs FOR EACH ROW WHEN (NEW.sequence IS NULL)
    EXECUTE FUNCTION execution_logs_sequence()
    """,
)

FUNCTIONS = (
    "workflow_executions_defaults()",
    "workflow_executions_counter()",
    "workflow_executions_revision()",
    "nodes_version()",
    "edges_one_version()",
    "node_executions_revision()",
    "node_executions_new_attempts()",
    "node_executions_attempts()",
    "execution_logs_sequence()",
    "next_revision(uuid)",
)


def upgrade() -> None:
    """Make everything."""
    op.create_table(
        "workflows",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("namespace", sa.Text(), server_default="default", nullable=False),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("creation_digest", sa.LargeBinary(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint("namespace <> ''", name=op.f("ck_workflows_namespace")),
        sa.CheckConstraint("version >= 1", name=op.f("ck_workflows_version")),
        sa.PrimaryKeyConstraint("id", name="pk_workflows"),
    )
    op.create_index("ix_workflows_created_at_id", "workflows", ["created_at", "id"])
    op.create_index("ix_workflows_namespace_created_at_id", "workflows", ["namespace", "created_at", "id"])
    op.create_index("uq_workflows_namespace_key", "workflows", ["namespace", "key"], unique=True)
    op.create_table(
        "nodes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workflow_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("node_type", sa.Text(), nullable=True),
        sa.Column("config", JSONB(), nullable=True),
        sa.Column("retry_config", JSONB(), nullable=True),
        sa.CheckConstraint(
            "jsonb_typeof(retry_config) = 'object'"
            " AND coalesce(jsonb_typeof(retry_config -> 'max_retries'), 'number') = 'number'",
            name=op.f("ck_nodes_retry_config"),
        ),
        sa.ForeignKeyConstraint(["workflow_id"], ["workflows.id"], name="fk_nodes_workflow_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_nodes"),
        sa.UniqueConstraint("workflow_id", "version", "key", name="uq_nodes_workflow_id_version_key"),
    )
    op.create_table(
        "workflow_executions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workflow_id", sa.Uuid(), nullable=False),
        sa.Column("workflow_version", sa.Integer(), nullable=False),
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("retry_of_id", sa.Uuid(), nullable=True),
        sa.Column("parent_node_execution_id", sa.Uuid(), nullable=True),
        sa.Column("heartbeat_timeout_seconds", sa.Integer(), nullable=True),
        sa.Column("trigger_type", sa.Text(), nullable=False),
        sa.Column("input_data", JSONB(), nullable=True),
        sa.Column("output_data", JSONB(), nullable=True),
        sa.Column("context", JSONB(), nullable=True),
        sa.Column("metadata", JSONB(), nullable=True),
        sa.Column("creation_digest", sa.LargeBinary(), nullable=True),
        sa.Column("status", sa.Text(), server_default="pending", nullable=False),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_transition_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(ended_at IS NOT NULL) = (status IN ('completed', 'failed', 'cancelled'))",
            name=op.f("ck_workflow_executions_ended_if_terminal"),
        ),
        sa.CheckConstraint(
            "started_at IS NOT NULL OR status NOT IN ('running', 'completed', 'failed')",
            name=op.f("ck_workflow_executions_started_if_it_ran"),
        ),
        sa.CheckConstraint(
            "started_at IS NULL OR status NOT IN ('pending', 'skipped')",
            name=op.f("ck_workflow_executions_not_started"),
        ),
        sa.CheckConstraint(
            "status IN ('pending', 'running', 'completed', 'failed', 'cancelled')",
            name=op.f("ck_workflow_executions_status"),
        ),
        sa.CheckConstraint(
            "trigger_type IN ('schedule', 'event', 'manual')",
            name=op.f("ck_workflow_executions_trigger_type"),
        ),
        sa.CheckConstraint("started_at <= ended_at", name=op.f("ck_workflow_executions_started_before_ended")),
        sa.CheckConstraint(
            "heartbeat_timeout_seconds >= 1", name=op.f("ck_workflow_executions_heartbeat_timeout_seconds")
        ),
        sa.ForeignKeyConstraint(
            ["retry_of_id"],
            ["workflow_executions.id"],
            name="fk_workflow_executions_retry_of_id",
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["workflow_id"], ["workflows.id"], name="fk_workflow_executions_workflow_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_workflow_executions"),
    )
    op.create_index(
        "ix_workflow_executions_watched",
        "workflow_executions",
        ["id"],
        postgresql_where=sa.text("status = 'running' AND heartbeat_timeout_seconds IS NOT NULL"),
    )
    op.create_index("ix_workflow_executions_created_at_id", "workflow_executions", ["created_at", "id"])
    op.create_index(
        "ix_workflow_executions_parent_node_execution_id",
        "workflow_executions",
        ["parent_node_execution_id", "created_at", "id"],
        postgresql_where=sa.text("parent_node_execution_id IS NOT NULL"),
    )
    op.create_index(
        "ix_workflow_executions_retry_of_id",
        "workflow_executions",
        ["retry_of_id"],
        postgresql_where=sa.text("retry_of_id IS NOT NULL"),
    )
    op.create_index(
        "ix_workflow_executions_workflow_id_created_at_id",
        "workflow_executions",
        ["workflow_id", "created_at", "id"],
    )
    op.create_table(
        "edges",
        sa.Column("source_node_id", sa.Uuid(), nullable=False),
        sa.Column("target_node_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("source_node_id <> target_node_id", name=op.f("ck_edges_no_self_loop")),
        sa.ForeignKeyConstraint(["source_node_id"], ["nodes.id"], name="fk_edges_source_node_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["target_node_id"], ["nodes.id"], name="fk_edges_target_node_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("source_node_id", "target_node_id", name="pk_edges"),
    )
    op.create_index("ix_edges_target_node_id", "edges", ["target_node_id"])
    op.create_table(
        "execution_counters",
        sa.Column("workflow_execution_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.Integer(), server_default="1", nullable=False),
        sa.Column("last_sequence", sa.Integer(), server_default="0", nullable=False),
        sa.Column("debug_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("info_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("warning_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("error_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("last_append_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "last_report_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["workflow_execution_id"],
            ["workflow_executions.id"],
            name="fk_execution_counters_workflow_execution_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workflow_execution_id", name="pk_execution_counters"),
        postgresql_with={"fillfactor": 70},
    )
    op.create_table(
        "node_executions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workflow_execution_id", sa.Uuid(), nullable=False),
        sa.Column("node_id", sa.Uuid(), nullable=True),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("execution_order", sa.Integer(), nullable=False),
        sa.Column("retry_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("input_data", JSONB(), nullable=True),
        sa.Column("output_data", JSONB(), nullable=True),
        sa.Column("creation_digest", sa.LargeBinary(), nullable=True),
        sa.Column("status", sa.Text(), server_default="pending", nullable=False),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_transition_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(ended_at IS NOT NULL) = (status IN ('completed', 'failed', 'cancelled', 'skipped'))",
            name=op.f("ck_node_executions_ended_if_terminal"),
        ),
        sa.CheckConstraint(
            "started_at IS NOT NULL OR status NOT IN ('running', 'completed', 'failed')",
            name=op.f("ck_node_executions_started_if_it_ran"),
        ),
        sa.CheckConstraint(
            "started_at IS NULL OR status NOT IN ('pending', 'skipped')",
            name=op.f("ck_node_executions_not_started"),
        ),
        sa.CheckConstraint(
            "status IN ('pending', 'running', 'completed', 'failed', 'cancelled', 'skipped')",
            name=op.f("ck_node_executions_status"),
        ),
        sa.CheckConstraint("node_id IS NOT NULL OR name IS NOT NULL", name=op.f("ck_node_executions_named")),
        sa.CheckConstraint("retry_count >= 0", name=op.f("ck_node_executions_retry_count")),
        sa.CheckConstraint("started_at <= ended_at", name=op.f("ck_node_executions_started_before_ended")),
        sa.ForeignKeyConstraint(["node_id"], ["nodes.id"], name="fk_node_executions_node_id"),
        sa.ForeignKeyConstraint(
            ["workflow_execution_id", "parent_id"],
            ["node_executions.workflow_execution_id", "node_executions.id"],
            name="fk_node_executions_workflow_execution_id_parent_id",
        ),
        sa.ForeignKeyConstraint(
            ["workflow_execution_id"],
            ["workflow_executions.id"],
            name="fk_node_executions_workflow_execution_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_node_executions"),
        sa.UniqueConstraint("workflow_execution_id", "id", name="uq_node_executions_workflow_execution_id_id"),
    )
    op.create_index(
        "ix_node_executions_node_id",
        "node_executions",
        ["node_id"],
        postgresql_where=sa.text("node_id IS NOT NULL"),
    )
    op.create_index(
        "ix_node_executions_workflow_execution_id_execution_order_id",
        "node_executions",
        ["workflow_execution_id", "execution_order", "id"],
    )
    op.create_index(
        "ix_node_executions_workflow_execution_id_parent_id",
        "node_executions",
        ["workflow_execution_id", "parent_id"],
        postgresql_where=sa.text("parent_id IS NOT NULL"),
    )
    op.create_index(
        "ix_node_executions_workflow_execution_id_revision",
        "node_executions",
        ["workflow_execution_id", "revision"],
    )
    op.create_index(
        "uq_node_executions_workflow_execution_id_key",
        "node_executions",
        ["workflow_execution_id", "key"],
        unique=True,
        postgresql_where=sa.text("key IS NOT NULL"),
    )
    op.create_table(
        "execution_logs",
        sa.Column("workflow_execution_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("node_execution_id", sa.Uuid(), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=True),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("data", JSONB(), nullable=True),
        sa.Column(
            "timestamp",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint("level IN ('debug', 'info', 'warning', 'error')", name=op.f("ck_execution_logs_level")),
        sa.CheckConstraint("message <> ''", name=op.f("ck_execution_logs_message")),
        sa.ForeignKeyConstraint(
            ["workflow_execution_id", "node_execution_id"],
            ["node_executions.workflow_execution_id", "node_executions.id"],
            name="fk_execution_logs_workflow_execution_id_node_execution_id",
        ),
        sa.ForeignKeyConstraint(
            ["workflow_execution_id"],
            ["workflow_executions.id"],
            name="fk_execution_logs_workflow_execution_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workflow_execution_id", "sequence", name="pk_execution_logs"),
    )
    op.create_index(
        "ix_execution_logs_node",
        "execution_logs",
        ["workflow_execution_id", "node_execution_id", "sequence"],
        postgresql_where=sa.text("node_execution_id IS NOT NULL"),
    )
    op.create_index(
        "ix_execution_logs_problems",
        "execution_logs",
        ["workflow_execution_id", "sequence"],
        postgresql_where=sa.text("level IN ('warning', 'error')"),
    )
    op.create_table(
        "node_execution_attempts",
        sa.Column("node_execution_id", sa.Uuid(), nullable=False),
        sa.Column("attempt", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(ended_at IS NOT NULL) = (status IN ('completed', 'failed', 'cancelled'))",
            name=op.f("ck_node_execution_attempts_ended_if_terminal"),
        ),
        sa.CheckConstraint(
            "started_at IS NOT NULL OR status NOT IN ('running', 'completed', 'failed')",
            name=op.f("ck_node_execution_attempts_started_if_it_ran"),
        ),
        sa.CheckConstraint(
            "started_at IS NULL OR status NOT IN ('pending', 'skipped')",
            name=op.f("ck_node_execution_attempts_not_started"),
        ),
        sa.CheckConstraint(
            "status IN ('running', 'completed', 'failed', 'cancelled')",
            name=op.f("ck_node_execution_attempts_status"),
        ),
        sa.CheckConstraint("attempt >= 1", name=op.f("ck_node_execution_attempts_attempt")),
        sa.CheckConstraint("started_at <= ended_at", name=op.f("ck_node_execution_attempts_started_before_ended")),
        sa.ForeignKeyConstraint(
            ["node_execution_id"],
            ["node_executions.id"],
            name="fk_node_execution_attempts_node_execution_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("node_execution_id", "attempt", name="pk_node_execution_attempts"),
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("caller", sa.Text(), nullable=False),
        sa.Column("mutation", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("arguments_digest", sa.LargeBinary(), nullable=False),
        sa.Column("result", JSONB(), nullable=True),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("caller", "mutation", "key", name="pk_idempotency_keys"),
    )
    op.create_index("ix_idempotency_keys_created_at", "idempotency_keys", ["created_at"])
    op.create_foreign_key(
        "fk_workflow_executions_parent_node_execution_id",
        "workflow_executions",
        "node_executions",
        ["parent_node_execution_id"],
        ["id"],
        ondelete="SET NULL",
    )
    for statement in TRIGGERS:
        op.execute(statement)


def downgrade() -> None:
    """Remove everything."""
    op.drop_constraint("fk_workflow_executions_parent_node_execution_id", "workflow_executions")
    for table in (
        "idempotency_keys",
        "node_execution_attempts",
        "execution_logs",
        "execution_counters",
        "node_executions",
        "workflow_executions",
        "edges",
        "nodes",
        "workflows",
    ):
        op.drop_table(table)
    for function in FUNCTIONS:
        op.execute(f"DROP FUNCTION {function}")
