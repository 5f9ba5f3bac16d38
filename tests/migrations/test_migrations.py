"""The migrations: each goes up, down and up again, keeps the data, and the last one gives what the models say."""

import asyncio
import subprocess
import sys
from collections.abc import Callable, Coroutine
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.engine import make_url

from db import Database
from db.models import Model
from graphql_api.cli import migrate
from migrations import OPTIONAL, alembic_config, concerns_models
from tests.conftest import connect_options

REVISIONS: list[Script] = list(reversed(list(ScriptDirectory.from_config(alembic_config()).walk_revisions())))

ID = "01a208be-0000-7000-8000-00000000000{}"

# What there was when a revision had been reached, written as it was written then. A revision that moves data
# adds its rows here, and what has become of them to KEPT.
ROWS = {
    "0001": f"""
        INSERT INTO workflows (id, namespace, key, name, description)
            VALUES ('{ID.format(1)}', 'research', 'trend', '추세 추종', 'Follows trends');
        INSERT INTO nodes (id, workflow_id, key, name, retry_config)
            VALUES ('{ID.format(2)}', '{ID.format(1)}', 'load', 'Load', '{{"max_retries": 3}}'),
                   ('{ID.format(3)}', '{ID.format(1)}', 'report', 'Report', NULL);
        INSERT INTO edges (source_node_id, target_node_id) VALUES ('{ID.format(2)}', '{ID.format(3)}');
        INSERT INTO workflow_executions (id, workflow_id, trigger_type, input_data, metadata, status, started_at)
            VALUES ('{ID.format(4)}', '{ID.format(1)}', 'event', '{{"market": "KOSPI"}}', '[1, 2]', 'running',
                    '2026-01-12T12:00Z');
        INSERT INTO node_executions (id, workflow_execution_id, node_id, execution_order, status, started_at, ended_at,
                error_message)
            VALUES ('{ID.format(5)}', '{ID.format(4)}', '{ID.format(2)}', 1, 'failed', '2026-01-12T12:00Z',
                    '2026-01-12T12:01Z', 'It broke');
        INSERT INTO execution_logs (workflow_execution_id, node_execution_id, level, message, data)
            VALUES ('{ID.format(4)}', '{ID.format(5)}', 'error', 'It broke', '{{"code": 7}}'),
                   ('{ID.format(4)}', NULL, 'info', 'Going on', NULL);
    """,
}

# What is read at head of the rows of each revision.
KEPT = {
    "0001": {
        "SELECT namespace, key, version, name, description FROM workflows": [
            ("research", "trend", 1, "추세 추종", "Follows trends")
        ],
        "SELECT key, name, version, retry_config FROM nodes ORDER BY id": [
            ("load", "Load", 1, '{"max_retries": 3}'),
            ("report", "Report", 1, None),
        ],
        "SELECT count(*) FROM edges": [(1,)],
        "SELECT namespace, workflow_version, status, input_data, metadata, revision FROM workflow_executions": [
            ("research", 1, "running", '{"market": "KOSPI"}', "[1, 2]", 1)
        ],
        "SELECT status, retry_count, error_message, revision FROM node_executions": [("failed", 0, "It broke", 2)],
        "SELECT attempt, status, error_message FROM node_execution_attempts": [(1, "failed", "It broke")],
        "SELECT sequence, level, message, data, attempt FROM execution_logs ORDER BY sequence": [
            (1, "error", "It broke", '{"code": 7}', 1),
            (2, "info", "Going on", None, None),
        ],
        "SELECT revision, last_sequence, debug_count, info_count, warning_count, error_count FROM execution_counters": [
            (2, 2, 0, 1, 0, 1)
        ],
    },
}


def config(url: str) -> Config:
    config = alembic_config()
    config.attributes["url"] = url
    return config


def upgrade(url: str, revision: str) -> None:
    command.upgrade(config(url), revision)


def downgrade(url: str, revision: str) -> None:
    command.downgrade(config(url), revision)


def on(url: str, work: Callable[[asyncpg.Connection], Coroutine[Any, Any, Any]]) -> Any:
    """What `work` gives on a connection of its own."""

    async def connect_and_work() -> Any:
        connection = await asyncpg.connect(**connect_options(url))
        try:
            return await work(connection)
        finally:
            await connection.close()

    return asyncio.run(connect_and_work())


def read(url: str, statement: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in on(url, lambda connection: connection.fetch(statement))]


def write(url: str, statements: str) -> None:
    on(url, lambda connection: connection.execute(statements))


CATALOG = {
    "columns": """
        SELECT table_name, column_name, data_type, is_nullable, column_default FROM information_schema.columns
        WHERE table_schema = 'public' AND table_name <> 'alembic_version'
    """,
    "constraints": """
        SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace AND conrelid <> coalesce(to_regclass('alembic_version'), 0)
    """,
    "indexes": """
        SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'alembic_version'
    """,
    "storage": """
        SELECT relname, reloptions FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
            AND relname <> 'alembic_version'
    """,
    "functions": """
        SELECT proname, pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
            AND oid NOT IN (SELECT objid FROM pg_depend WHERE deptype = 'e')
    """,
    "triggers": "SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
    "others": """
        SELECT typname, typtype FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typtype <> 'c'
            AND typelem = 0 AND oid NOT IN (SELECT objid FROM pg_depend WHERE deptype = 'e')
        UNION ALL SELECT collname, collprovider FROM pg_collation WHERE collnamespace = 'public'::regnamespace
        UNION ALL SELECT relname, relkind FROM pg_class WHERE relnamespace = 'public'::regnamespace
            AND relkind NOT IN ('r', 'i')
    """,
}
"""What a schema consists of, by the system's own catalogs."""

OF_TABLES = ("columns", "constraints", "indexes", "storage")
"""What a model can say of it."""


def schema(url: str, *parts: str) -> dict[str, set[tuple[Any, ...]]]:
    return {part: {tuple(map(str, row)) for row in read(url, CATALOG[part])} for part in parts or CATALOG}


@pytest.mark.parametrize("revision", REVISIONS, ids=lambda revision: revision.revision)
def test_each_revision_goes_up_down_and_up_again(new_database_url: str, revision: Script) -> None:
    below = str(revision.down_revision or "base")
    if below != "base":
        upgrade(new_database_url, below)
    before = schema(new_database_url)

    upgrade(new_database_url, revision.revision)
    there = schema(new_database_url)
    downgrade(new_database_url, below)
    back = schema(new_database_url)
    upgrade(new_database_url, revision.revision)

    assert back == before
    assert schema(new_database_url) == there


def test_there_is_one_line_of_revisions() -> None:
    below = [None, *(revision.revision for revision in REVISIONS[:-1])]

    assert [revision.down_revision for revision in REVISIONS] == below


def test_the_command_goes_to_head_and_back_to_nothing(new_database_url: str) -> None:
    empty = schema(new_database_url)
    migrate(new_database_url)
    reached = read(new_database_url, "SELECT version_num FROM alembic_version")
    migrate(new_database_url, "base")

    assert reached == [(REVISIONS[-1].revision,)]
    assert schema(new_database_url) == empty


def test_migrating_again_changes_nothing(new_database_url: str) -> None:
    migrate(new_database_url)
    there = schema(new_database_url)
    migrate(new_database_url)

    assert schema(new_database_url) == there


async def test_alembic_sees_no_difference_between_head_and_the_models(database: Database) -> None:
    def differences(connection: Connection) -> list[Any]:
        options = {"compare_type": True, "compare_server_default": True, "include_object": concerns_models}
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), Model.metadata))

    async with database.read() as connection:
        assert await connection.run_sync(differences) == []


def test_head_has_the_very_columns_checks_keys_and_indexes_of_the_models(
    database_url: str, new_database_url: str
) -> None:
    async def create_tables() -> None:
        async with Database(new_database_url) as database, database.engine.begin() as connection:
            await connection.run_sync(Model.metadata.create_all)

    asyncio.run(create_tables())

    of_head = schema(database_url, *OF_TABLES)
    of_head["indexes"] = {(name, made) for name, made in of_head["indexes"] if name not in OPTIONAL}
    assert of_head == schema(new_database_url, *OF_TABLES)


@pytest.mark.parametrize("revision", ROWS)
def test_an_upgrade_keeps_what_is_there(new_database_url: str, revision: str) -> None:
    upgrade(new_database_url, revision)
    write(new_database_url, ROWS[revision])
    upgrade(new_database_url, "head")

    assert {statement: read(new_database_url, statement) for statement in KEPT[revision]} == KEPT[revision]


def test_the_printed_sql_makes_the_same_as_migrating(database_url: str, new_database_url: str) -> None:
    printed = StringIO()
    offline = config(new_database_url)
    offline.output_buffer = printed
    command.upgrade(offline, "head", sql=True)
    write(new_database_url, printed.getvalue())

    assert schema(new_database_url) == schema(database_url)


MIGRATE = """
import sys
from alembic import command
from migrations import OPTIONAL, alembic_config, concerns_models
config = alembic_config()
config.attributes["url"] = sys.argv[1]
print(flush=True)
input()
command.upgrade(config, "head")
"""


def test_two_processes_that_migrate_at_once_both_succeed(new_database_url: str) -> None:
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", MIGRATE, new_database_url]
    processes = [subprocess.Popen(command, cwd=root, **pipes) for _ in range(2)]
    for process in processes:
        process.stdout.readline()  # it has imported everything
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    errors = [process.communicate(timeout=60)[1] for process in processes]

    assert [process.returncode for process in processes] == [0, 0], errors
    assert read(new_database_url, "SELECT version_num FROM alembic_version") == [(REVISIONS[-1].revision,)]


def test_a_database_goes_to_any_revision_from_any_other(new_database_url: str) -> None:
    at = "SELECT version_num FROM alembic_version"
    for revision in ("0001", "0002", "0001", "head", "0001", "base", "head"):
        migrate(new_database_url, revision)
        reached = {"head": [(REVISIONS[-1].revision,)], "base": []}.get(revision, [(revision,)])
        assert read(new_database_url, at) == reached


def test_without_the_extension_for_trigrams_everything_else_is_made(new_database_url: str) -> None:
    upgrade(new_database_url, "0004")
    role = f"owner_{uuid4().hex}"
    # An owner who may make nothing but tables.
    write(new_database_url, f"CREATE ROLE {role} LOGIN; GRANT CREATE ON SCHEMA public TO {role}")
    try:
        for (table,) in read(new_database_url, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"):
            write(new_database_url, f"ALTER TABLE {table} OWNER TO {role}")
        upgrade(make_url(new_database_url).set(username=role).render_as_string(hide_password=False), "head")
        indexes = {name for name, _ in schema(new_database_url, "indexes")["indexes"]}
        assert "ix_workflow_executions_messages" in indexes
        assert not OPTIONAL & indexes
    finally:
        write(new_database_url, f"REASSIGN OWNED BY {role} TO CURRENT_USER; DROP OWNED BY {role}; DROP ROLE {role}")
