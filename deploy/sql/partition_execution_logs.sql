-- Turns execution_logs into a table partitioned by month, in one transaction, with all that is in it. Stop the servers
-- before: it locks the table and copies it. The id of a run begins with its time, so a range of ids is a range of time.
-- Run it again later with more months: what is there already stays.

CREATE OR REPLACE FUNCTION first_id_of(month date) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT (lpad(to_hex((extract(epoch FROM month::timestamp) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
$$;

DO $$
BEGIN
    IF (SELECT relkind FROM pg_class WHERE oid = 'execution_logs'::regclass) = 'p' THEN
        RETURN;
    END IF;
    ALTER TABLE execution_logs RENAME TO execution_logs_before;
    ALTER TABLE execution_logs_before RENAME CONSTRAINT pk_execution_logs TO pk_execution_logs_before;
    CREATE TABLE execution_logs (LIKE execution_logs_before INCLUDING DEFAULTS INCLUDING CONSTRAINTS)
        PARTITION BY RANGE (workflow_execution_id);
    ALTER TABLE execution_logs ADD CONSTRAINT pk_execution_logs PRIMARY KEY (workflow_execution_id, sequence);
    -- Whatever no month holds: entries of runs whose month nobody has made yet.
    CREATE TABLE execution_logs_default PARTITION OF execution_logs DEFAULT;
END $$;

DO $$
DECLARE
    month date := date_trunc('month', coalesce((SELECT min(created_at) FROM workflow_executions), now()));
    upto date := date_trunc('month', now()) + interval '3 months';
BEGIN
    WHILE month < upto LOOP
        EXECUTE format(
            'CREATE TABLE IF NOT EXISTS execution_logs_%s PARTITION OF execution_logs FOR VALUES FROM (%L) TO (%L)',
            to_char(month, 'YYYY_MM'), first_id_of(month), first_id_of((month + interval '1 month')::date)
        );
        month := month + interval '1 month';
    END LOOP;
END $$;

DO $$
BEGIN
    IF to_regclass('execution_logs_before') IS NULL THEN
        RETURN;
    END IF;
    INSERT INTO execution_logs SELECT * FROM execution_logs_before;
    DROP TABLE execution_logs_before;
    ALTER TABLE execution_logs ADD CONSTRAINT fk_execution_logs_workflow_execution_id
        FOREIGN KEY (workflow_execution_id) REFERENCES workflow_executions (id) ON DELETE CASCADE;
    ALTER TABLE execution_logs ADD CONSTRAINT fk_execution_logs_workflow_execution_id_node_execution_id
        FOREIGN KEY (workflow_execution_id, node_execution_id) REFERENCES node_executions (workflow_execution_id, id);
    CREATE INDEX ix_execution_logs_node ON execution_logs (workflow_execution_id, node_execution_id, sequence)
        WHERE node_execution_id IS NOT NULL;
    CREATE INDEX ix_execution_logs_problems ON execution_logs (workflow_execution_id, sequence)
        WHERE level IN ('warning', 'error');
    CREATE INDEX ix_execution_logs_errors ON execution_logs (workflow_execution_id, sequence) WHERE level = 'error';
    CREATE TRIGGER sequence BEFORE INSERT ON execution_logs FOR EACH ROW WHEN (NEW.sequence IS NULL)
        EXECUTE FUNCTION execution_logs_sequence();
    CREATE STATISTICS execution_logs_search
        ON (lower(upper(message COLLATE execgraph_search))) FROM execution_logs;
END $$;
