"""The database defends the invariants itself, whoever writes: with constraints, and with triggers that supply."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import select

from db import Database, Edge, ExecutionLog, LogLevel, Node, NodeExecution, TriggerType, Workflow, WorkflowExecution
from db.errors import InvalidInputError
from tests.conftest import connect_options
from tests.db.builders import (
    RUNNING,
    EntryInput,
    NodeInput,
    StepInput,
    a_run,
    a_step,
    a_workflow,
    append,
    counter_of,
    run_of,
    some_steps,
    step_of,
)

Connection = asyncpg.Connection


def uuid(number: int) -> str:
    return f"01a208be-0000-7000-8000-{number:012}"


WORKFLOW, OTHER_WORKFLOW, NODE, OTHER_NODE, NODE_OF_OTHER, RUN, OTHER_RUN, STEP, STEP_OF_OTHER = map(uuid, range(9))
NEW, NOBODY = uuid(100), uuid(200)
NOON, LATER = "2026-01-12T12:00Z", "2026-01-12T12:01Z"


def insert(table: str, **values: Any) -> str:
    literals = ("NULL" if value is None else f"'{value}'" for value in values.values())
    return f"INSERT INTO {table} ({', '.join(values)}) VALUES ({', '.join(literals)})"


def workflow(**values: Any) -> str:
    return insert("workflows", **{"id": NEW, "name": "W", **values})


def node(**values: Any) -> str:
    return insert("nodes", **{"id": NEW, "workflow_id": WORKFLOW, "key": "new", "name": "N", **values})


def edge(source: str, target: str) -> str:
    return insert("edges", source_node_id=source, target_node_id=target)


def run(**values: Any) -> str:
    return insert("workflow_executions", **{"id": NEW, "workflow_id": WORKFLOW, "trigger_type": "manual", **values})


def step(**values: Any) -> str:
    values = {"id": NEW, "workflow_execution_id": RUN, "name": "S", "execution_order": 1, **values}
    return insert("node_executions", **values)


def attempt(**values: Any) -> str:
    values = {"node_execution_id": STEP, "attempt": 1, "status": "running", "started_at": NOON, **values}
    return insert("node_execution_attempts", **values)


def log(**values: Any) -> str:
    return insert("execution_logs", **{"workflow_execution_id": RUN, "level": "info", "message": "m", **values})


def counter(**values: Any) -> str:
    return insert("execution_counters", **values)


def idempotency_key() -> str:
    return insert("idempotency_keys", caller="c", mutation="m", key="k", arguments_digest="d")


ROWS = (
    workflow(id=WORKFLOW, key="w"),
    workflow(id=OTHER_WORKFLOW, namespace="research", version=4),
    node(id=NODE, key="n"),
    node(id=OTHER_NODE, key="o"),
    node(id=NODE_OF_OTHER, workflow_id=OTHER_WORKFLOW),
    edge(NODE, OTHER_NODE),
    run(id=RUN),
    run(id=OTHER_RUN),
    step(id=STEP, node_id=NODE, key="s"),
    step(id=STEP_OF_OTHER, workflow_execution_id=OTHER_RUN),
    log(node_execution_id=STEP),
    insert("node_execution_attempts", node_execution_id=STEP_OF_OTHER, attempt=1, status="running", started_at=NOON),
    idempotency_key(),
)

STATUS_CHECKS = [
    # what is refused of any row with a status, and by which check
    ("ended_if_terminal", {"status": "running", "started_at": NOON, "ended_at": LATER}),
    ("ended_if_terminal", {"status": "completed", "started_at": NOON}),
    ("ended_if_terminal", {"status": "failed", "started_at": NOON}),
    ("ended_if_terminal", {"status": "cancelled"}),
    ("started_before_ended", {"status": "completed", "started_at": LATER, "ended_at": NOON}),
    ("started_if_it_ran", {"status": "running", "started_at": None}),
    ("started_if_it_ran", {"status": "completed", "started_at": None, "ended_at": NOON}),
    ("started_if_it_ran", {"status": "failed", "started_at": None, "ended_at": NOON}),
    ("status", {"status": "paused", "started_at": None}),
]

TOKEN = "01a20000-0000-7000-8000-00000000000f"


def api_token(**values: str) -> str:
    """An INSERT of a token like the one that is there, but for these values, which are SQL."""
    columns = {"id": f"'{TOKEN}'", "name": "'t'", "role": "'viewer'", "digest": "sha256('t')", **values}
    return f"INSERT INTO api_tokens ({', '.join(columns)}) VALUES ({', '.join(columns.values())})"


REFUSED = [
    ("pk_api_tokens", api_token(name="'u'", digest="sha256('u')")),
    ("uq_api_tokens_name", api_token(id="gen_random_uuid()", digest="sha256('u')")),
    ("uq_api_tokens_digest", api_token(id="gen_random_uuid()", name="'u'")),
    ("ck_api_tokens_role", api_token(role="'owner'")),
    ("ck_api_tokens_namespaces", api_token(namespaces="'{}'")),
    ("ck_api_tokens_digest", api_token(digest="'short'")),
    ("pk_workflows", workflow(id=WORKFLOW)),
    ("ck_workflows_version", workflow(version=0)),
    ("ck_workflows_namespace", workflow(namespace="")),
    ("uq_workflows_namespace_key", workflow(key="w")),
    ("pk_nodes", node(id=NODE)),
    ("fk_nodes_workflow_id", node(workflow_id=NOBODY, version=1)),
    ("uq_nodes_workflow_id_version_key", node(key="n")),
    ("ck_nodes_retry_config", node(retry_config="[]")),
    ("ck_nodes_retry_config", node(retry_config='{"max_retries": "3"}')),
    ("ck_nodes_retry_config", node(retry_config='{"max_retries": null}')),
    ("ck_nodes_retry_config", node(retry_config='{"max_retries": true}')),
    ("pk_edges", edge(NODE, OTHER_NODE)),
    ("ck_edges_no_self_loop", edge(NODE, NODE)),
    ("fk_edges_source_node_id", edge(NOBODY, NODE)),
    ("fk_edges_target_node_id", edge(NODE, NOBODY)),
    ("pk_workflow_executions", run(id=RUN)),
    ("fk_workflow_executions_workflow_id", run(workflow_id=NOBODY, workflow_version=1, namespace="n", revision=1)),
    ("fk_workflow_executions_retry_of_id", run(retry_of_id=NOBODY)),
    ("fk_workflow_executions_parent_node_execution_id", run(parent_node_execution_id=NOBODY)),
    ("ck_workflow_executions_trigger_type", run(trigger_type="whim")),
    ("ck_workflow_executions_heartbeat_timeout_seconds", run(heartbeat_timeout_seconds=0)),
    *((f"ck_workflow_executions_{check}", run(**values)) for check, values in STATUS_CHECKS),
    ("ck_workflow_executions_not_started", run(status="pending", started_at=NOON)),
    ("ck_workflow_executions_status", run(status="skipped")),
    ("pk_node_executions", step(id=STEP)),
    ("uq_node_executions_workflow_execution_id_key", step(key="s")),
    ("fk_node_executions_workflow_execution_id", step(workflow_execution_id=NOBODY, revision=1)),
    ("fk_node_executions_workflow_execution_id_parent_id", step(parent_id=STEP_OF_OTHER)),
    ("fk_node_executions_node_id", step(node_id=NOBODY)),
    ("fk_node_executions_node_id", f"DELETE FROM nodes WHERE id = '{NODE}'"),
    ("ck_node_executions_named", step(name=None)),
    ("ck_node_executions_retry_count", step(retry_count=-1)),
    *((f"ck_node_executions_{check}", step(**values)) for check, values in STATUS_CHECKS),
    ("ck_node_executions_ended_if_terminal", step(status="skipped")),
    ("ck_node_executions_not_started", step(status="pending", started_at=NOON)),
    ("ck_node_executions_not_started", step(status="skipped", started_at=NOON, ended_at=LATER)),
    ("pk_node_execution_attempts", attempt(node_execution_id=STEP_OF_OTHER)),
    ("fk_node_execution_attempts_node_execution_id", attempt(node_execution_id=NOBODY)),
    ("ck_node_execution_attempts_attempt", attempt(attempt=0)),
    *((f"ck_node_execution_attempts_{check}", attempt(**values)) for check, values in STATUS_CHECKS[:2]),
    *((f"ck_node_execution_attempts_{check}", attempt(**values)) for check, values in STATUS_CHECKS[4:]),
    ("ck_node_execution_attempts_not_started", attempt(status="pending")),
    ("ck_node_execution_attempts_status", attempt(status="skipped", started_at=None)),
    ("pk_execution_logs", log(sequence=1)),
    ("fk_execution_logs_workflow_execution_id", log(workflow_execution_id=NOBODY, sequence=1)),
    ("fk_execution_logs_workflow_execution_id_node_execution_id", log(node_execution_id=STEP_OF_OTHER)),
    ("fk_execution_logs_workflow_execution_id_node_execution_id", f"DELETE FROM node_executions WHERE id = '{STEP}'"),
    ("ck_execution_logs_level", log(level="fatal")),
    ("ck_execution_logs_message", log(message="")),
    ("pk_execution_counters", counter(workflow_execution_id=RUN)),
    ("fk_execution_counters_workflow_execution_id", counter(workflow_execution_id=NOBODY)),
    ("pk_idempotency_keys", idempotency_key()),
]

IMPLIED = {
    # A step's id is unique by itself; this one is what composite foreign keys refer to.
    "uq_node_executions_workflow_execution_id_id",
}


@pytest.fixture
async def connection(module_database_url: str) -> AsyncIterator[Connection]:
    """A transaction in which there is one row of each kind; it is rolled back."""
    connection = await asyncpg.connect(**connect_options(module_database_url))
    transaction = connection.transaction()
    await transaction.start()
    for statement in (*ROWS, api_token()):
        await connection.execute(statement)
    yield connection
    await transaction.rollback()
    await connection.close()


# Constraints.


@pytest.mark.parametrize(("constraint", "statement"), REFUSED, ids=[constraint for constraint, _ in REFUSED])
async def test_what_must_not_be_is_refused(connection: Connection, constraint: str, statement: str) -> None:
    with pytest.raises(asyncpg.IntegrityConstraintViolationError) as refused:
        await connection.execute(statement)

    assert refused.value.constraint_name == constraint


async def test_every_constraint_is_among_those_tried(connection: Connection) -> None:
    names = await connection.fetch(
        """
        SELECT conname FROM pg_constraint WHERE connamespace = 'public'::regnamespace
            AND contype IN ('c', 'f', 'u', 'p') AND conrelid <> 'alembic_version'::regclass
        UNION
        SELECT relname FROM pg_index JOIN pg_class ON oid = indexrelid
        WHERE indisunique AND relnamespace = 'public'::regnamespace AND indrelid <> 'alembic_version'::regclass
        """
    )

    assert {name for (name,) in names} == {constraint for constraint, _ in REFUSED} | IMPLIED


@pytest.mark.parametrize(
    "values",
    [
        {"status": "pending"},
        {"status": "running", "started_at": NOON},
        {"status": "completed", "started_at": NOON, "ended_at": NOON},
        {"status": "failed", "started_at": NOON, "ended_at": LATER},
        {"status": "cancelled", "ended_at": LATER},
        {"status": "cancelled", "started_at": NOON, "ended_at": LATER},
    ],
)
async def test_what_may_be_is_accepted(connection: Connection, values: dict[str, str]) -> None:
    await connection.execute(run(**values))
    await connection.execute(step(**values))


async def test_no_check_compares_with_the_time_of_creation(connection: Connection) -> None:
    definitions = await connection.fetch("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'c'")

    assert [text for (text,) in definitions if "created_at" in text] == []


@pytest.mark.parametrize(
    "statement",
    [
        run(workflow_id=NOBODY),
        node(workflow_id=NOBODY),
        step(workflow_execution_id=NOBODY),
        log(workflow_execution_id=NOBODY),
    ],
    ids=["run", "node", "step", "entry"],
)
async def test_what_a_trigger_cannot_find_is_a_foreign_key_violation(connection: Connection, statement: str) -> None:
    with pytest.raises(asyncpg.ForeignKeyViolationError, match=f"{NOBODY} does not exist"):
        await connection.execute(statement)


async def test_a_key_may_recur_in_another_run_namespace_and_version(connection: Connection) -> None:
    await connection.execute(step(workflow_execution_id=OTHER_RUN, key="s"))
    await connection.execute(workflow(namespace="research", key="w"))
    await connection.execute(node(version=2, key="n"))


async def test_workflows_and_steps_without_a_key_do_not_collide(connection: Connection) -> None:
    await connection.execute(workflow(id=uuid(101)))
    await connection.execute(workflow(id=uuid(102)))
    await connection.execute(step(id=uuid(103)))
    await connection.execute(step(id=uuid(104)))


# What is looked up.


async def test_a_run_is_of_its_workflows_namespace_and_present_version(connection: Connection) -> None:
    await connection.execute(run(workflow_id=OTHER_WORKFLOW))
    row = await connection.fetchrow(
        "SELECT namespace, workflow_version, revision, status FROM workflow_executions WHERE id = $1", NEW
    )

    assert tuple(row) == ("research", 4, 1, "pending")


async def test_a_run_may_say_its_version(connection: Connection) -> None:
    await connection.execute(run(workflow_id=OTHER_WORKFLOW, workflow_version=2))

    assert await connection.fetchval("SELECT workflow_version FROM workflow_executions WHERE id = $1", NEW) == 2


async def test_a_node_is_of_the_present_version_unless_it_says_otherwise(connection: Connection) -> None:
    await connection.execute(node(id=uuid(101), workflow_id=OTHER_WORKFLOW, key="a"))
    await connection.execute(node(id=uuid(102), workflow_id=OTHER_WORKFLOW, key="b", version=2))
    versions = await connection.fetch(
        "SELECT version FROM nodes WHERE id = ANY($1) ORDER BY id", [uuid(101), uuid(102)]
    )

    assert [version for (version,) in versions] == [4, 2]


async def test_each_run_has_its_counter_from_the_start(connection: Connection) -> None:
    await connection.execute(
        "INSERT INTO workflow_executions (id, workflow_id, trigger_type)"
        " SELECT gen_random_uuid(), $1, 'event' FROM generate_series(1, 50)",
        WORKFLOW,
    )
    without = await connection.fetchval(
        "SELECT count(*) FROM workflow_executions AS run"
        " WHERE NOT EXISTS (SELECT FROM execution_counters WHERE workflow_execution_id = run.id)"
    )

    assert without == 0


# Edges.


@pytest.mark.parametrize("version", [1, 2])
async def test_an_edge_stays_within_one_version(connection: Connection, version: int) -> None:
    target = NODE_OF_OTHER if version == 1 else NEW
    if version == 2:
        await connection.execute(node(version=2))

    with pytest.raises(asyncpg.CheckViolationError, match="must join two nodes of one version"):
        await connection.execute(edge(NODE, target))


async def test_a_cycle_is_refused_through_the_orm(database: Database) -> None:
    async with database.session() as session:
        workflow = Workflow(name="Trend following")
        a, b, c = (Node(workflow=workflow, name=name, key=name) for name in "abc")
        session.add_all([workflow, a, b, c])
        await session.flush()
        session.add_all(
            [Edge(source_node_id=a.id, target_node_id=b.id), Edge(source_node_id=b.id, target_node_id=c.id)]
        )
        await session.commit()
        session.add(Edge(source_node_id=c.id, target_node_id=a.id))

        with pytest.raises(InvalidInputError, match="form a cycle") as refused:
            await session.commit()
        await session.rollback()

        assert refused.value.field == "edges"
        assert len((await session.scalars(select(Edge))).all()) == 2


# Revisions.


async def revisions(connection: Connection) -> tuple[int, int, int]:
    """Those of the run, of its step, and the last one that was taken."""
    row = await connection.fetchrow(
        "SELECT run.revision, step.revision, counter.revision FROM workflow_executions AS run"
        " JOIN node_executions AS step ON step.id = $2"
        " JOIN execution_counters AS counter ON counter.workflow_execution_id = run.id WHERE run.id = $1",
        RUN,
        STEP,
    )
    return tuple(row)


async def test_each_change_of_a_run_or_a_step_takes_the_next_revision(connection: Connection) -> None:
    seen = [await revisions(connection)]
    for statement in (
        f"UPDATE workflow_executions SET context = '[1]' WHERE id = '{RUN}'",
        f"UPDATE node_executions SET output_data = '[1]' WHERE id = '{STEP}'",
        f"UPDATE workflow_executions SET context = '[2]' WHERE id = '{RUN}'",
    ):
        await connection.execute(statement)
        seen.append(await revisions(connection))

    assert seen == [(1, 2, 2), (3, 2, 3), (3, 4, 4), (5, 4, 5)]


async def test_an_update_that_changes_nothing_takes_no_revision(connection: Connection) -> None:
    before = await revisions(connection)
    await connection.execute("UPDATE workflow_executions SET namespace = namespace")
    await connection.execute("UPDATE node_executions SET name = name")

    assert await revisions(connection) == before


async def test_a_revision_that_is_given_is_kept(connection: Connection) -> None:
    await connection.execute("UPDATE execution_counters SET revision = 9")
    await connection.execute("UPDATE node_executions SET output_data = '[1]', revision = 9 WHERE id = $1", STEP)

    assert await revisions(connection) == (1, 9, 9)


async def test_concurrent_flushes_take_different_revisions(database: Database) -> None:
    run_id = await a_run(database, RUNNING)
    step_ids = await some_steps(database, run_id, *(StepInput() for _ in range(8)))

    async def start(step_id: UUID) -> None:
        async with database.session() as session:
            step = await session.get_one(NodeExecution, step_id)
            step.start()
            await session.commit()

    await asyncio.gather(*(start(step_id) for step_id in step_ids))

    taken = sorted([(await step_of(database, step_id)).revision for step_id in step_ids])
    assert taken == list(range(11, 19))  # 1: created, 2: started, 3 to 10: the steps


# Sequences.


async def test_concurrent_sessions_number_a_runs_entries_without_a_gap(database: Database) -> None:
    run_id = await a_run(database)
    step_id = await a_step(database, run_id)

    async def write(writer: int) -> None:
        async with database.session() as session:
            for number in range(5):
                session.add_all(
                    ExecutionLog(
                        workflow_execution_id=run_id,
                        node_execution_id=step_id if number % 2 else None,
                        level=list(LogLevel)[number % 4],
                        message=f"{writer}.{number}.{part}",
                    )
                    for part in range(3)
                )
                await session.commit()

    await asyncio.gather(*(write(writer) for writer in range(8)))

    async with database.session() as session:
        logs = (await session.scalars(select(ExecutionLog).order_by(ExecutionLog.sequence))).all()
    assert [log.sequence for log in logs] == list(range(1, 121))
    assert await counter_of(database, run_id) == {
        "revision": 2,
        "last_sequence": 120,
        "debug_count": 48,
        "info_count": 24,
        "warning_count": 24,
        "error_count": 24,
    }


async def test_the_entries_of_one_flush_are_numbered_in_the_order_they_were_added(database: Database) -> None:
    run_id = await a_run(database)
    async with database.session() as session:
        messages = [f"{number}" for number in range(50)]
        session.add_all(
            ExecutionLog(workflow_execution_id=run_id, level=LogLevel.INFO, message=message) for message in messages
        )
        await session.commit()
        logs = (await session.scalars(select(ExecutionLog).order_by(ExecutionLog.sequence))).all()

    assert [log.message for log in logs] == messages


async def test_a_rolled_back_entry_leaves_no_hole(database: Database) -> None:
    run_id = await a_run(database)
    async with database.session() as session:
        session.add(ExecutionLog(workflow_execution_id=run_id, level=LogLevel.ERROR, message="undone"))
        await session.flush()
        await session.rollback()

    assert (await append(database, run_id, EntryInput())).first_sequence == 1
    assert (await counter_of(database, run_id))["error_count"] == 0


async def test_entries_that_bring_their_numbers_do_not_fire_the_trigger(connection: Connection) -> None:
    columns = ["workflow_execution_id", "sequence", "level", "message"]
    records = [(OTHER_RUN, number, "info", "m") for number in range(1, 1001)]
    before = await connection.fetchrow("SELECT * FROM execution_counters WHERE workflow_execution_id = $1", OTHER_RUN)
    await connection.copy_records_to_table("execution_logs", records=records, columns=columns)
    after = await connection.fetchrow("SELECT * FROM execution_counters WHERE workflow_execution_id = $1", OTHER_RUN)

    assert after == before


async def test_an_entry_of_a_step_is_of_its_present_attempt(connection: Connection) -> None:
    await connection.execute("UPDATE node_executions SET retry_count = 2 WHERE id = $1", STEP_OF_OTHER)
    for values in ({"node_execution_id": STEP_OF_OTHER}, {"node_execution_id": STEP_OF_OTHER, "attempt": 1}, {}):
        await connection.execute(log(workflow_execution_id=OTHER_RUN, **values))
    attempts = await connection.fetch(
        "SELECT attempt FROM execution_logs WHERE workflow_execution_id = $1 ORDER BY sequence", OTHER_RUN
    )

    assert [attempt for (attempt,) in attempts] == [3, 1, None]


# Attempts.


async def attempts_of(connection: Connection, step_id: str) -> list[tuple[Any, ...]]:
    rows = await connection.fetch(
        "SELECT attempt, status, started_at IS NOT NULL, ended_at IS NOT NULL, error_message"
        " FROM node_execution_attempts WHERE node_execution_id = $1 ORDER BY attempt",
        step_id,
    )
    return [tuple(row) for row in rows]


async def test_the_present_attempt_is_equal_to_its_step_from_its_start_on(connection: Connection) -> None:
    update = f"UPDATE node_executions SET {{}} WHERE id = '{STEP}'"
    seen = [await attempts_of(connection, STEP)]
    for changes in (
        f"status = 'running', started_at = '{NOON}'",
        f"status = 'failed', ended_at = '{LATER}', error_message = 'It broke'",
        "status = 'pending', started_at = NULL, ended_at = NULL, error_message = NULL, retry_count = 1",
        f"status = 'running', started_at = '{LATER}'",
        f"status = 'completed', ended_at = '{LATER}'",
    ):
        await connection.execute(update.format(changes))
        seen.append(await attempts_of(connection, STEP))

    first = (1, "failed", True, True, "It broke")
    assert seen == [
        [],
        [(1, "running", True, False, None)],
        [first],
        [first],
        [first, (2, "running", True, False, None)],
        [first, (2, "completed", True, True, None)],
    ]


async def test_a_step_that_is_inserted_started_has_its_attempt(connection: Connection) -> None:
    await connection.execute(step(status="running", started_at=NOON, retry_count=2))

    assert await attempts_of(connection, NEW) == [(3, "running", True, False, None)]


@pytest.mark.parametrize("status", ["cancelled", "skipped"])
async def test_a_step_that_never_started_has_no_attempt(connection: Connection, status: str) -> None:
    await connection.execute(f"UPDATE node_executions SET status = '{status}', ended_at = '{NOON}' WHERE id = '{STEP}'")

    assert await attempts_of(connection, STEP) == []


# What is told.


async def test_each_commit_tells_of_the_runs_it_changed(database: Database) -> None:
    workflow_id = await a_workflow(database, NodeInput("load"))
    run_id = await a_run(database, RUNNING, workflow_id=workflow_id)
    step_id = await a_step(database, run_id)
    told: list[set[UUID]] = []
    database.on_change = told.append

    async with database.session() as session:
        step = await session.get_one(NodeExecution, step_id)
        step.start()
        await session.commit()
        session.add(ExecutionLog(workflow_execution_id=run_id, level=LogLevel.INFO, message="Hello"))
        await session.commit()
        new = WorkflowExecution(workflow_id=workflow_id, trigger_type=TriggerType.EVENT)
        session.add(new)
        await session.commit()
        session.add(Workflow(name="No run"))
        await session.commit()
        await session.delete(await session.get_one(WorkflowExecution, run_id))
        await session.commit()

    assert told == [{run_id}, {run_id}, {new.id}, {run_id}]


async def test_a_child_that_knows_its_run_only_by_the_relationship_tells_of_it(database: Database) -> None:
    run_id = await a_run(database, RUNNING)
    told: list[set[UUID]] = []
    database.on_change = told.append

    async with database.session() as session:
        run = await session.get_one(WorkflowExecution, run_id)
        session.add(NodeExecution(workflow_execution=run, name="Load", execution_order=1))
        session.add(ExecutionLog(workflow_execution=run, level=LogLevel.INFO, message="Hello"))
        await session.commit()

    assert told == [{run_id}]


@pytest.mark.parametrize("kept", [True, False], ids=["released", "rolled back"])
async def test_a_savepoint_tells_nobody_and_the_commit_tells_all(database: Database, kept: bool) -> None:
    run_id = await a_run(database, RUNNING)
    told: list[set[UUID]] = []
    database.on_change = told.append

    async with database.session() as session:
        session.add(ExecutionLog(workflow_execution_id=run_id, level=LogLevel.INFO, message="Hello"))
        savepoint = await session.begin_nested()
        run = await session.get_one(WorkflowExecution, run_id)
        run.cancel()
        await session.flush()
        await (savepoint.commit() if kept else savepoint.rollback())
        assert told == []
        await session.commit()

    assert told == [{run_id}]
    assert (await run_of(database, run_id)).status == ("cancelled" if kept else "running")


async def test_a_rollback_tells_nobody(database: Database) -> None:
    run_id = await a_run(database, RUNNING)
    told: list[set[UUID]] = []
    database.on_change = told.append

    async with database.session() as session:
        session.add(ExecutionLog(workflow_execution_id=run_id, level=LogLevel.INFO, message="Hello"))
        await session.flush()
        await session.rollback()
        session.add(Workflow(name="No run"))
        await session.commit()

    assert told == []
