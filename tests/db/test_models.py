"""The models: what their methods do without I/O, what a flush supplies, and what is loaded when."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event, func, inspect, select
from sqlalchemy.exc import MissingGreenlet, StatementError
from sqlalchemy.ext.asyncio import AsyncSession

from db import (
    Database,
    Edge,
    ExecutionLog,
    ExecutionStatus,
    LogLevel,
    Node,
    NodeExecution,
    NodeExecutionAttempt,
    TriggerType,
    Workflow,
    WorkflowExecution,
)
from db.errors import InvalidInputError, InvalidTransitionError
from db.models import ExecutionCounter, Model
from tests.db.builders import CANCELLED, COMPLETED, FAILED, NOON, PENDING, RUNNING, SKIPPED, after_noon, attempts_of

Entity = WorkflowExecution | NodeExecution


@pytest.fixture
def database(shared_database: Database) -> Database:
    """Each test looks only at what it makes."""
    return shared_database


@pytest.fixture
async def session(database: Database) -> AsyncIterator[AsyncSession]:
    async with database.session() as session:
        yield session


def new_run(**values: Any) -> WorkflowExecution:
    return WorkflowExecution(**{"workflow_id": uuid4(), "trigger_type": TriggerType.MANUAL, **values})


def new_step(**values: Any) -> NodeExecution:
    return NodeExecution(**{"workflow_execution_id": uuid4(), "name": "Load", "execution_order": 1, **values})


def started_step(max_retries: int = 0) -> NodeExecution:
    step = new_step(node=Node(name="Load", retry_config={"max_retries": max_retries}))
    step.start(at=NOON)
    return step


def outcome(entity: Entity) -> tuple[Any, ...]:
    """All that a transition can change."""
    return (
        entity.status.value,
        entity.started_at,
        entity.ended_at,
        entity.last_transition_at,
        entity.output_data,
        entity.error_message,
    )


async def saved(session: AsyncSession, *entities: Model) -> None:
    session.add_all(entities)
    await session.commit()


async def a_saved_run(session: AsyncSession, **values: Any) -> WorkflowExecution:
    workflow = Workflow(name="Trend following")
    run = new_run(workflow_id=workflow.id, workflow=workflow, **values)
    await saved(session, workflow, run)
    return run


async def a_saved_step(session: AsyncSession, **values: Any) -> NodeExecution:
    run = await a_saved_run(session)
    step = new_step(workflow_execution_id=run.id, **values)
    await saved(session, step)
    return step


@contextmanager
def count_loaded() -> Iterator[list[object]]:
    """Collect the objects that are made from rows meanwhile."""
    loaded: list[object] = []

    def note(entity: object, _context: object) -> None:
        loaded.append(entity)

    event.listen(Model, "load", note, propagate=True)
    try:
        yield loaded
    finally:
        event.remove(Model, "load", note)


# Methods: they guard their own entity, and do no I/O.


def test_a_new_run_is_pending_and_has_an_id_and_no_times() -> None:
    run = new_run()

    assert (run.id.version, *outcome(run)) == (7, "pending", None, None, None, None, None)


def test_a_new_step_is_pending_and_is_at_its_first_attempt() -> None:
    step = new_step()

    assert (step.id.version, step.retry_count, step.attempt, *outcome(step)) == (
        *(7, 0, 1),
        *("pending", None, None, None, None, None),
    )


def test_ids_that_are_made_later_sort_later() -> None:
    ids = [new_run().id for _ in range(1_000)]

    assert ids == sorted(ids)


@pytest.mark.parametrize("make", [new_run, new_step])
@pytest.mark.parametrize(
    ("calls", "expected"),
    [
        (lambda it: it.start(at=NOON), ("running", NOON, None, NOON, None, None)),
        (
            lambda it: (it.start(at=NOON), it.complete({"n": 1}, at=after_noon(2))),
            ("completed", NOON, after_noon(2), after_noon(2), {"n": 1}, None),
        ),
        (
            lambda it: (it.start(at=NOON), it.fail("It broke", at=after_noon(2))),
            ("failed", NOON, after_noon(2), after_noon(2), None, "It broke"),
        ),
        (
            lambda it: (it.start(at=NOON), it.cancel("Enough", at=after_noon(2))),
            ("cancelled", NOON, after_noon(2), after_noon(2), None, "Enough"),
        ),
        (lambda it: it.cancel(at=NOON), ("cancelled", None, NOON, NOON, None, None)),
    ],
    ids=["start", "complete", "fail", "cancel running", "cancel pending"],
)
def test_a_method_sets_status_times_and_outcome(
    make: Callable[[], Entity], calls: Callable[[Any], None], expected: tuple[Any, ...]
) -> None:
    entity = make()

    calls(entity)

    assert outcome(entity) == expected


def test_a_skipped_step_has_an_end_and_the_reason() -> None:
    step = new_step()

    step.skip("Not needed", at=NOON)

    assert outcome(step) == ("skipped", None, NOON, NOON, None, "Not needed")


def test_a_step_may_be_started_with_another_input() -> None:
    step = new_step(input_data={"query": 1})

    step.start({"query": 2})

    assert step.input_data == {"query": 2}


def test_a_step_that_is_started_without_an_input_keeps_the_one_it_has() -> None:
    step = new_step(input_data={"query": 1})

    step.start()

    assert step.input_data == {"query": 1}


@pytest.mark.parametrize("make", [new_run, new_step])
@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda it: it.start(at=after_noon(9)), InvalidTransitionError),
        (lambda it: it.complete({"n": 1}, at=after_noon(-1)), InvalidInputError),
        (lambda it: it.fail("It broke", at=datetime.now(UTC) + timedelta(minutes=6)), InvalidInputError),
        (lambda it: it.cancel("Enough", at=after_noon(-1)), InvalidInputError),
    ],
    ids=["start", "complete", "fail", "cancel"],
)
def test_a_refused_transition_is_a_value_error_and_changes_nothing(
    make: Callable[[], Entity], call: Callable[[Any], None], error: type[ValueError]
) -> None:
    entity = make()
    entity.start(at=NOON)
    before = outcome(entity)

    with pytest.raises(error) as refused:
        call(entity)

    assert isinstance(refused.value, ValueError)
    assert outcome(entity) == before


@pytest.mark.parametrize("make", [new_run, new_step])
def test_duration_is_from_start_to_end(make: Callable[[], Entity]) -> None:
    entity = make()
    durations = [entity.duration_seconds]
    entity.start(at=NOON)
    durations.append(entity.duration_seconds)
    entity.complete(at=after_noon(1.5))
    durations.append(entity.duration_seconds)

    assert durations == [None, None, 1.5]


@pytest.mark.parametrize("make", [new_run, new_step])
def test_what_never_started_has_no_duration(make: Callable[[], Entity]) -> None:
    entity = make()
    entity.cancel()

    assert entity.duration_seconds is None


# Retries.


@pytest.mark.parametrize("status", ExecutionStatus)
@pytest.mark.parametrize(
    ("retry_config", "retry_count", "retries_left"),
    [
        ({"max_retries": 3, "delay": 1}, 0, True),
        ({"max_retries": 3, "delay": 1}, 2, True),
        ({"max_retries": 3, "delay": 1}, 3, False),
        ({"max_retries": 0}, 0, False),
        ({"delay": 1}, 0, False),
        (None, 0, False),
    ],
)
def test_only_a_failed_step_with_retries_left_can_be_retried(
    status: ExecutionStatus, retry_config: dict[str, int] | None, retry_count: int, retries_left: bool
) -> None:
    step = new_step(node=Node(name="Load", retry_config=retry_config), status=status, retry_count=retry_count)

    assert step.can_retry is (status is FAILED and retries_left)


def test_a_step_without_a_node_cannot_be_retried_without_force() -> None:
    assert new_step(status=FAILED).can_retry is False


def test_a_retried_step_is_pending_again_without_the_outcome_of_the_try_that_failed() -> None:
    step = started_step(max_retries=1)
    step.input_data, step.output_data = {"query": 1}, {"partial": True}
    step.fail("It broke", at=after_noon(1))

    step.retry()

    assert outcome(step) == ("pending", None, None, after_noon(1), None, None)
    assert (step.retry_count, step.attempt, step.input_data) == (1, 2, {"query": 1})


def test_a_step_without_retries_left_is_retried_only_with_force() -> None:
    step = started_step(max_retries=0)
    step.fail("It broke")

    with pytest.raises(InvalidTransitionError, match=r"^Cannot retry execution in status failed: no retries left$"):
        step.retry()
    assert (step.status, step.retry_count) == (FAILED, 0)
    step.retry(force=True)
    assert (step.status, step.retry_count) == (PENDING, 1)


@pytest.mark.parametrize("force", [False, True])
def test_force_does_not_retry_a_step_that_has_not_failed(force: bool) -> None:
    step = started_step(max_retries=3)

    with pytest.raises(InvalidTransitionError, match=r"^Cannot retry execution in status running$"):
        step.retry(force=force)

    assert (step.status, step.retry_count, step.unsaved_attempts) == (RUNNING, 0, [])


def test_the_next_try_does_not_start_before_the_last_one_ended() -> None:
    step = started_step()
    step.fail("It broke", at=after_noon(5))
    step.retry(force=True)

    with pytest.raises(InvalidInputError):
        step.start(at=after_noon(4))


async def test_retrying_across_flushes_keeps_every_try(database: Database, session: AsyncSession) -> None:
    step = await a_saved_step(session)
    for error in ("first", "second"):
        step.start()
        await session.commit()
        step.fail(error)
        await session.commit()
        step.retry(force=True)
        await session.commit()
    step.start()
    step.complete()
    await session.commit()

    assert await attempts_of(database, step.id) == [
        (1, FAILED, "first"),
        (2, FAILED, "second"),
        (3, COMPLETED, None),
    ]


@pytest.mark.parametrize("is_new", [True, False], ids=["new step", "step that was there"])
async def test_retrying_within_one_flush_keeps_every_try(
    database: Database, session: AsyncSession, is_new: bool
) -> None:
    run = await a_saved_run(session)
    step = new_step(workflow_execution_id=run.id)
    session.add(step)
    if not is_new:
        await session.commit()
    for error in ("first", "second"):
        step.start()
        step.fail(error)
        step.retry(force=True)
    step.start()
    await session.commit()

    assert await attempts_of(database, step.id) == [(1, FAILED, "first"), (2, FAILED, "second"), (3, RUNNING, None)]


async def test_a_try_keeps_its_times(session: AsyncSession) -> None:
    step = await a_saved_step(session)
    step.start(at=NOON)
    step.fail("It broke", at=after_noon(3))
    step.retry(force=True)
    step.start(at=after_noon(4))
    await session.commit()
    await session.refresh(step)

    assert [(a.attempt, a.started_at, a.ended_at) for a in step.attempts] == [
        (1, NOON, after_noon(3)),
        (2, after_noon(4), None),
    ]


@pytest.mark.parametrize("undo", ["rollback", "refresh"])
async def test_a_try_whose_end_was_undone_has_not_ended(database: Database, session: AsyncSession, undo: str) -> None:
    step = await a_saved_step(session)
    step.start()
    await session.commit()
    step.fail("It broke")
    step.retry(force=True)
    if undo == "rollback":
        await session.rollback()
    await session.refresh(step)
    step.complete()
    await session.commit()

    assert await attempts_of(database, step.id) == [(1, COMPLETED, None)]


async def test_reading_something_else_of_a_step_anew_keeps_its_tries(database: Database, session: AsyncSession) -> None:
    step = await a_saved_step(session)
    with session.no_autoflush:
        step.start()
        step.fail("It broke")
        step.retry(force=True)
        await session.refresh(step, ["workflow_execution"])
    await session.commit()

    assert await attempts_of(database, step.id) == [(1, FAILED, "It broke")]


# Beside others.


@pytest.mark.parametrize(
    ("theirs", "mine", "message"),
    [
        (lambda it: it.cancel(), lambda it: it.complete(), "Cannot complete execution in status cancelled"),
        (lambda it: it.complete(), lambda it: it.fail("It broke"), "Cannot fail execution in status completed"),
        (lambda it: it.fail("It broke"), lambda it: it.cancel(), "Cannot cancel execution in status failed"),
    ],
)
@pytest.mark.parametrize("kind", [WorkflowExecution, NodeExecution])
async def test_what_somebody_else_ended_meanwhile_is_not_ended_again(
    database: Database, session: AsyncSession, kind: type[Entity], theirs: Any, mine: Any, message: str
) -> None:
    step = await a_saved_step(session, status=RUNNING)
    run = await step.awaitable_attrs.workflow_execution
    run.start()
    await session.commit()
    entity: Entity = run if kind is WorkflowExecution else step
    async with database.session() as other:
        theirs(await other.get_one(kind, entity.id))
        await other.commit()
    mine(entity)

    with pytest.raises(InvalidTransitionError) as refused:
        await session.commit()
    await session.rollback()
    await session.refresh(entity)

    assert (str(refused.value), refused.value.id) == (f"{message}: somebody else changed it meanwhile", entity.id)
    assert entity.status == refused.value.from_


async def test_a_try_is_not_ended_by_who_knows_an_earlier_one_only(database: Database, session: AsyncSession) -> None:
    step = await a_saved_step(session, status=RUNNING)
    async with database.session() as other:
        theirs = await other.get_one(NodeExecution, step.id)
        theirs.fail("It broke")
        theirs.retry(force=True)
        theirs.start()
        await other.commit()
    step.complete()

    with pytest.raises(InvalidTransitionError, match="Cannot complete execution in status running: somebody else"):
        await session.commit()


async def test_what_is_no_transition_does_not_mind_one_by_somebody_else(
    database: Database, session: AsyncSession
) -> None:
    run = await a_saved_run(session)
    async with database.session() as other:
        (await other.get_one(WorkflowExecution, run.id)).start()
        await other.commit()
    run.context = {"n": 1}
    await session.commit()
    await session.refresh(run, ["status", "context", "revision"])

    assert (run.status, run.context, run.revision) == (RUNNING, {"n": 1}, 3)


async def test_a_status_may_be_assigned_to_what_was_not_read(database: Database, session: AsyncSession) -> None:
    step = await a_saved_step(session)
    session.expire(step)
    step.status = CANCELLED
    await session.commit()
    await session.refresh(step)

    assert (step.status, step.started_at, step.last_transition_at) == (CANCELLED, None, step.ended_at)


async def test_several_transitions_in_one_transaction_may_be_flushed_one_by_one(session: AsyncSession) -> None:
    step = await a_saved_step(session)
    for move in (step.start, lambda: step.fail("It broke"), lambda: step.retry(force=True), step.start, step.complete):
        move()
        await session.flush()
    await session.commit()

    assert (step.status, step.retry_count) == (COMPLETED, 1)


# What a flush supplies.


async def test_a_workflow_needs_only_a_name(session: AsyncSession) -> None:
    workflow = Workflow(name="Trend following")
    await saved(session, workflow)

    assert (workflow.id.version, workflow.namespace, workflow.key, workflow.version) == (7, "default", None, 1)
    assert workflow.created_at <= workflow.updated_at <= datetime.now(UTC)


async def test_a_node_needs_only_a_workflow_and_a_name(session: AsyncSession) -> None:
    workflow = Workflow(name="Trend following", version=3)
    await saved(session, workflow)
    node = Node(workflow_id=workflow.id, name="Load")
    await saved(session, node)

    assert (node.key, node.version, node.max_retries) == (str(node.id), 3, 0)


async def test_a_node_keeps_the_key_and_version_that_it_is_given(session: AsyncSession) -> None:
    workflow = Workflow(name="Trend following", version=3)
    node = Node(workflow=workflow, name="Load", key="load", version=2, id=uuid4())
    await saved(session, workflow, node)

    assert (node.key, node.version) == ("load", 2)


async def test_a_run_is_of_its_workflows_namespace_and_version(session: AsyncSession) -> None:
    workflow = Workflow(name="Trend following", namespace="research", version=4)
    await saved(session, workflow)
    run = new_run(workflow_id=workflow.id)
    await saved(session, run)

    assert (run.namespace, run.workflow_version, run.revision) == ("research", 4, 1)


async def test_times_revision_and_number_are_known_after_a_commit_without_a_refresh(session: AsyncSession) -> None:
    run = await a_saved_run(session)
    log = ExecutionLog(workflow_execution_id=run.id, level=LogLevel.INFO, message="Hello")
    await saved(session, log)
    run.start()
    await session.commit()

    assert (run.revision, log.sequence, log.id) == (2, 1, f"{run.id}:1")
    assert run.created_at <= log.timestamp <= run.updated_at


@pytest.mark.parametrize(
    ("status", "started", "ended"),
    [
        (PENDING, False, False),
        (RUNNING, True, False),
        (COMPLETED, True, True),
        (FAILED, True, True),
        (CANCELLED, False, True),
    ],
)
@pytest.mark.parametrize("kind", ["run", "step"])
@pytest.mark.parametrize("when", ["insert", "update"])
async def test_a_status_that_is_assigned_gets_the_times_it_asks_for(
    session: AsyncSession, when: str, kind: str, status: ExecutionStatus, started: bool, ended: bool
) -> None:
    run = await a_saved_run(session)
    entity: Entity = new_run(workflow_id=run.workflow_id) if kind == "run" else new_step(workflow_execution_id=run.id)
    if when == "insert":
        entity.status = status
    await saved(session, entity)
    entity.status = status
    await session.commit()
    await session.refresh(entity, ["status", "started_at", "ended_at", "last_transition_at"])

    assert (entity.status, entity.started_at is not None, entity.ended_at is not None) == (status, started, ended)
    assert entity.last_transition_at == (entity.ended_at or entity.started_at)


async def test_a_step_that_is_assigned_skipped_gets_an_end_and_no_start(session: AsyncSession) -> None:
    step = await a_saved_step(session, status=SKIPPED)

    assert (step.started_at, step.last_transition_at) == (None, step.ended_at)


async def test_a_supplied_end_is_not_before_a_start_by_a_clock_ahead_of_ours(session: AsyncSession) -> None:
    ahead = datetime.now(UTC) + timedelta(minutes=4)
    step = await a_saved_step(session, status=FAILED, started_at=ahead)

    assert (step.started_at, step.ended_at) == (ahead, ahead)


async def test_a_supplied_start_is_not_after_the_end(session: AsyncSession) -> None:
    step = await a_saved_step(session, status=FAILED, ended_at=NOON)

    assert (step.started_at, step.ended_at, step.duration_seconds) == (NOON, NOON, 0)


async def test_after_an_assigned_end_a_retry_does_not_start_before_it(session: AsyncSession) -> None:
    step = await a_saved_step(session)
    step.start(at=NOON)
    await session.commit()
    step.status = FAILED
    await session.commit()
    step.retry(force=True)

    with pytest.raises(InvalidInputError):
        step.start(at=after_noon(1))


@pytest.mark.parametrize("value", [{"a": [1, None]}, [1, 2], "text", 7, 0, False, 1.5, [], {}])
async def test_any_json_value_comes_back_equal(session: AsyncSession, value: Any) -> None:
    run = await a_saved_run(session, input_data=value, context=value, metadata_=value)
    await session.refresh(run, ["input_data", "context", "metadata_"])

    assert (run.input_data, run.context, run.metadata_) == (value, value, value)


async def test_a_json_null_is_nothing(session: AsyncSession) -> None:
    run = await a_saved_run(session, input_data=None)
    statement = select(func.count()).where(WorkflowExecution.id == run.id, WorkflowExecution.input_data.is_(None))

    assert await session.scalar(statement) == 1


async def test_a_status_that_does_not_exist_is_refused_before_the_database_is_asked(session: AsyncSession) -> None:
    run = await a_saved_run(session)
    run.status = "paused"  # type: ignore[assignment]

    with pytest.raises(StatementError, match="'paused' is not a valid ExecutionStatus"):
        await session.commit()


# What is loaded when.


async def a_workflow_with_much(database: Database) -> UUID:
    async with database.session() as session:
        workflow = Workflow(name="Trend following")
        node = Node(workflow=workflow, name="Load")
        runs = [new_run(workflow_id=workflow.id, workflow=workflow) for _ in range(5)]
        session.add_all([workflow, node, *runs])
        await session.flush()
        for run in runs:
            steps = [new_step(workflow_execution_id=run.id, execution_order=order) for order in (3, 1, 2)]
            logs = [ExecutionLog(workflow_execution_id=run.id, level=LogLevel.INFO, message=f"{i}") for i in range(4)]
            session.add_all([*steps, *logs])
        await session.commit()
        return workflow.id


async def test_getting_one_workflow_loads_one_object(database: Database) -> None:
    workflow_id = await a_workflow_with_much(database)

    async with database.session() as session:
        with count_loaded() as loaded:
            workflow = await session.get(Workflow, workflow_id)

    assert loaded == [workflow]


async def test_a_refresh_without_names_loads_the_relationships_and_not_what_they_lead_to(database: Database) -> None:
    workflow_id = await a_workflow_with_much(database)

    async with database.session() as session:
        workflow = await session.get(Workflow, workflow_id)
        assert workflow is not None
        with count_loaded() as loaded:
            await session.refresh(workflow)

    assert sorted(type(entity).__name__ for entity in loaded) == ["Node", *["WorkflowExecution"] * 5]
    assert (len(workflow.nodes), len(workflow.executions)) == (1, 5)


async def test_a_refresh_with_names_loads_those_only(session: AsyncSession) -> None:
    run = await a_saved_run(session)
    run_id = run.id
    session.expunge_all()
    run = await session.get_one(WorkflowExecution, run_id)

    await session.refresh(run, ["status", "node_executions"])

    assert inspect(run).unloaded == {"workflow", "logs"}


async def test_a_refresh_can_lock_the_row(session: AsyncSession, database: Database) -> None:
    run = await a_saved_run(session)
    await session.refresh(run, with_for_update={"key_share": True})
    mine = select(WorkflowExecution.id).where(WorkflowExecution.id == run.id)

    async with database.session() as other:
        assert (await other.scalars(mine.with_for_update(key_share=True, skip_locked=True))).all() == []


async def test_a_relationship_that_is_not_loaded_can_be_awaited(database: Database) -> None:
    workflow_id = await a_workflow_with_much(database)

    async with database.session() as session:
        workflow = await session.get_one(Workflow, workflow_id)
        with pytest.raises(MissingGreenlet):
            _ = workflow.executions
        assert len(await workflow.awaitable_attrs.executions) == 5


async def test_steps_are_in_execution_order_and_then_by_id(session: AsyncSession) -> None:
    run = await a_saved_run(session)
    steps = [new_step(workflow_execution_id=run.id, execution_order=order) for order in (2, 1, 2, 0)]
    await saved(session, *steps)
    await session.refresh(run)

    assert run.node_executions == [steps[3], steps[1], steps[0], steps[2]]


async def test_the_logs_of_a_run_and_of_a_step_are_in_time_order(session: AsyncSession) -> None:
    step = await a_saved_step(session)
    for message, seconds in (("late", 2), ("early", 0), ("middle", 1), ("middle too", 1)):
        log = ExecutionLog(
            workflow_execution_id=step.workflow_execution_id,
            node_execution_id=step.id,
            level=LogLevel.INFO,
            message=message,
            timestamp=after_noon(seconds),
        )
        await saved(session, log)
    await session.refresh(step)
    run = await step.awaitable_attrs.workflow_execution
    await session.refresh(run, ["logs"])

    ordered = ["early", "middle", "middle too", "late"]
    assert ([log.message for log in step.logs], [log.message for log in run.logs]) == (ordered, ordered)


async def test_an_entry_knows_its_run_its_step_and_the_step_its_node(session: AsyncSession) -> None:
    workflow = Workflow(name="Trend following")
    node = Node(workflow=workflow, name="Load")
    run = new_run(workflow=workflow, workflow_id=workflow.id)
    await saved(session, workflow, node, run)
    step = new_step(workflow_execution_id=run.id, node_id=node.id)
    await saved(session, step)
    log = ExecutionLog(workflow_execution_id=run.id, node_execution_id=step.id, level=LogLevel.INFO, message="Hello")
    await saved(session, log)
    await session.refresh(log)
    await session.refresh(step)

    assert (log.workflow_execution, log.node_execution, step.node, step.logs) == (run, step, node, [log])


async def test_children_may_be_added_through_the_relationship(session: AsyncSession) -> None:
    run = await a_saved_run(session)
    session.add(NodeExecution(workflow_execution=run, name="Load", execution_order=1))
    session.add(ExecutionLog(workflow_execution=run, level=LogLevel.INFO, message="Hello"))
    await session.commit()
    await session.refresh(run)

    assert ([step.name for step in run.node_executions], [log.message for log in run.logs]) == (["Load"], ["Hello"])


# What goes with what.


@pytest.fixture
async def own_database(database_url: str) -> AsyncIterator[Database]:
    async with Database(database_url) as database:
        yield database


async def rows_of(database: Database) -> dict[str, int]:
    """How many rows there are of each model that holds any."""
    models = (
        *(Workflow, Node, Edge, WorkflowExecution, NodeExecution),
        *(NodeExecutionAttempt, ExecutionLog, ExecutionCounter),
    )
    async with database.session() as session:
        counts = {
            model.__name__: await session.scalar(select(func.count()).select_from(model)) or 0 for model in models
        }
    return {name: count for name, count in counts.items() if count}


async def a_run_with_everything(session: AsyncSession) -> tuple[WorkflowExecution, WorkflowExecution]:
    """A run with steps inside steps, tries and logs, and another run that it is the parent and the origin of."""
    workflow = Workflow(name="Trend following")
    nodes = [Node(workflow=workflow, name=name) for name in ("Load", "Report")]
    run = new_run(workflow=workflow, workflow_id=workflow.id)
    await saved(session, workflow, *nodes, run)
    session.add(Edge(source_node_id=nodes[0].id, target_node_id=nodes[1].id))
    group = new_step(workflow_execution_id=run.id)
    await saved(session, group)
    part = new_step(workflow_execution_id=run.id, node_id=nodes[0].id, parent_id=group.id)
    part.start()
    part.fail("It broke")
    part.retry(force=True)
    part.start()
    await saved(session, part)
    for step_id in (part.id, None):
        log = ExecutionLog(
            workflow_execution_id=run.id, node_execution_id=step_id, level=LogLevel.INFO, message="Hello"
        )
        await saved(session, log)
    child = new_run(workflow_id=workflow.id, retry_of_id=run.id, parent_node_execution_id=part.id)
    await saved(session, child)
    return run, child


async def test_with_a_run_go_its_steps_tries_and_logs_but_not_its_child_runs(own_database: Database) -> None:
    async with own_database.session() as session:
        run, child = await a_run_with_everything(session)
        child_id = child.id
        await session.delete(run)
        await session.commit()

    assert await rows_of(own_database) == {
        "Workflow": 1,
        "Node": 2,
        "Edge": 1,
        "WorkflowExecution": 1,
        "ExecutionCounter": 1,
    }
    async with own_database.session() as session:
        left = await session.get_one(WorkflowExecution, child_id)
        assert (left.retry_of_id, left.parent_node_execution_id) == (None, None)


async def test_a_run_is_deleted_without_loading_what_goes_with_it(session: AsyncSession) -> None:
    run, _ = await a_run_with_everything(session)
    run_id = run.id
    session.expunge_all()
    run = await session.get_one(WorkflowExecution, run_id)

    with count_loaded() as loaded:
        await session.delete(run)
        await session.commit()

    assert loaded == []


async def test_with_a_workflow_goes_everything(own_database: Database) -> None:
    async with own_database.session() as session:
        run, _ = await a_run_with_everything(session)
        await session.delete(await run.awaitable_attrs.workflow)
        await session.commit()

    assert await rows_of(own_database) == {}
