"""What moves runs and steps through their states, and the rules between the two."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from db import Database, ExecutionStatus, LogLevel, NodeExecution, WorkflowExecution
from db.commands.node_executions import (
    cancel_node_execution,
    complete_node_execution,
    fail_node_execution,
    retry_node_execution,
    skip_node_execution,
    start_node_execution,
)
from db.commands.node_transitions import StepTransition, transition_node_executions
from db.commands.workflow_executions import (
    cancel_workflow_execution,
    complete_workflow_execution,
    delete_workflow_execution,
    fail_workflow_execution,
    start_workflow_execution,
)
from db.errors import ExecgraphError, InvalidInputError, InvalidTransitionError, NotFoundError
from db.state_machine import Action
from tests.db.builders import (
    CANCELLED,
    COMPLETED,
    FAILED,
    NOON,
    PENDING,
    RUNNING,
    SKIPPED,
    EntryInput,
    NodeInput,
    StepInput,
    a_run,
    a_step,
    a_workflow,
    after_noon,
    append,
    attempts_of,
    counter_of,
    finish_run,
    nodes_of,
    run_of,
    some_steps,
    step_of,
)

Command = Callable[[AsyncSession, UUID], Awaitable[None]]


@pytest.fixture
def database(shared_database: Database) -> Database:
    """Each test looks only at the runs that it makes."""
    return shared_database


RUN_COMMANDS: dict[str, Command] = {
    "start": start_workflow_execution,
    "complete": complete_workflow_execution,
    "fail": lambda session, run_id: fail_workflow_execution(session, run_id, error_message="It broke"),
    "cancel": cancel_workflow_execution,
}
STEP_COMMANDS: dict[str, Command] = {
    "start": start_node_execution,
    "complete": complete_node_execution,
    "fail": lambda session, step_id: fail_node_execution(session, step_id, error_message="It broke"),
    "cancel": cancel_node_execution,
    "skip": skip_node_execution,
    "retry": lambda session, step_id: retry_node_execution(session, step_id, force=True),
}


async def do(database: Database, command: Callable[..., Awaitable[None]], id_: UUID, **values: Any) -> None:
    await database.run(lambda session: command(session, id_, **values))


async def refusal(database: Database, command: Callable[..., Awaitable[None]], id_: UUID, **values: Any) -> Any:
    """Why a command is refused."""
    with pytest.raises(ExecgraphError) as refused:
        await do(database, command, id_, **values)
    return refused.value


def told(error: InvalidTransitionError) -> tuple[Any, ...]:
    """All that the error says."""
    return str(error), error.id, error.from_, error.attempted, error.allowed


async def outcome(database: Database, id_: UUID) -> tuple[Any, ...]:
    """What a transition can change of a run or a step."""
    async with database.session() as session:
        found = await session.get(WorkflowExecution, id_) or await session.get_one(NodeExecution, id_)
        times = (found.started_at, found.ended_at, found.last_transition_at)
        return (found.status.value, *times, found.output_data, found.error_message)


async def statuses(database: Database, *ids: UUID) -> list[str]:
    return [(await outcome(database, id_))[0] for id_ in ids]


async def what_each_makes(
    database: Database, commands: dict[str, Command], make: Callable[[], Awaitable[UUID]]
) -> dict[str, str]:
    """The status that each command leads to from a new entity, or how it refuses."""
    made = {}
    for name, command in commands.items():
        id_ = await make()
        try:
            await do(database, command, id_)
        except InvalidTransitionError as error:
            made[name] = str(error)
        else:
            made[name] = (await outcome(database, id_))[0]
    return made


# Runs.


@pytest.mark.parametrize(
    ("status", "made"),
    [
        (PENDING, {"start": "running", "cancel": "cancelled"}),
        (RUNNING, {"complete": "completed", "fail": "failed", "cancel": "cancelled"}),
        (COMPLETED, {}),
        (FAILED, {}),
        (CANCELLED, {}),
    ],
)
async def test_a_run_does_what_its_status_allows_and_nothing_else(
    database: Database, status: ExecutionStatus, made: dict[str, str]
) -> None:
    workflow_id = await a_workflow(database)

    assert await what_each_makes(database, RUN_COMMANDS, lambda: a_run(database, status, workflow_id=workflow_id)) == {
        action: made.get(action, f"Cannot {action} execution in status {status}") for action in RUN_COMMANDS
    }


@pytest.mark.parametrize(
    ("command", "values", "expected"),
    [
        (
            complete_workflow_execution,
            {"output_data": [1]},
            ("completed", NOON, after_noon(5), after_noon(5), [1], None),
        ),
        (
            fail_workflow_execution,
            {"error_message": "It broke"},
            ("failed", NOON, *[after_noon(5)] * 2, None, "It broke"),
        ),
        (cancel_workflow_execution, {"reason": "Enough"}, ("cancelled", NOON, *[after_noon(5)] * 2, None, "Enough")),
        (cancel_workflow_execution, {"reason": ""}, ("cancelled", NOON, *[after_noon(5)] * 2, None, "")),
        (cancel_workflow_execution, {}, ("cancelled", NOON, *[after_noon(5)] * 2, None, None)),
    ],
)
async def test_a_run_ends_with_its_times_and_outcome(
    database: Database, command: Command, values: dict[str, Any], expected: tuple[Any, ...]
) -> None:
    run_id = await a_run(database)
    await do(database, start_workflow_execution, run_id, at=NOON)
    await do(database, command, run_id, at=after_noon(5), **values)

    assert await outcome(database, run_id) == expected


async def test_a_run_that_is_cancelled_before_it_started_has_no_start(database: Database) -> None:
    run_id = await a_run(database)
    await do(database, cancel_workflow_execution, run_id, at=NOON)

    assert await outcome(database, run_id) == ("cancelled", None, NOON, NOON, None, None)


async def test_each_transition_of_a_run_takes_the_next_revision_and_is_an_update(database: Database) -> None:
    run_id = await a_run(database)
    seen = [await run_of(database, run_id)]
    for command in (start_workflow_execution, complete_workflow_execution):
        await do(database, command, run_id)
        seen.append(await run_of(database, run_id))

    assert [run.revision for run in seen] == [1, 2, 3]
    assert seen[0].updated_at < seen[1].updated_at < seen[2].updated_at
    assert {run.created_at for run in seen} == {seen[0].created_at}


# Steps.


@pytest.mark.parametrize(
    ("status", "made"),
    [
        (PENDING, {"start": "running", "cancel": "cancelled", "skip": "skipped"}),
        (RUNNING, {"complete": "completed", "fail": "failed", "cancel": "cancelled"}),
        (COMPLETED, {}),
        (FAILED, {"retry": "pending"}),
        (CANCELLED, {}),
        (SKIPPED, {}),
    ],
)
async def test_a_step_of_a_running_run_does_what_its_status_allows_and_nothing_else(
    database: Database, status: ExecutionStatus, made: dict[str, str]
) -> None:
    run_id = await a_run(database, RUNNING)

    assert await what_each_makes(database, STEP_COMMANDS, lambda: a_step(database, run_id, status)) == {
        action: made.get(action, f"Cannot {action} execution in status {status}") for action in STEP_COMMANDS
    }


@pytest.mark.parametrize(
    ("command", "values", "expected"),
    [
        (complete_node_execution, {"output_data": 0}, ("completed", NOON, after_noon(5), after_noon(5), 0, None)),
        (fail_node_execution, {"error_message": "It broke"}, ("failed", NOON, *[after_noon(5)] * 2, None, "It broke")),
        (cancel_node_execution, {"reason": "Enough"}, ("cancelled", NOON, *[after_noon(5)] * 2, None, "Enough")),
    ],
)
async def test_a_step_ends_with_its_times_and_outcome(
    database: Database, command: Command, values: dict[str, Any], expected: tuple[Any, ...]
) -> None:
    step_id = await a_step(database, await a_run(database, RUNNING))
    await do(database, start_node_execution, step_id, at=NOON)
    await do(database, command, step_id, at=after_noon(5), **values)

    assert await outcome(database, step_id) == expected


async def test_a_step_is_skipped_with_a_reason(database: Database) -> None:
    step_id = await a_step(database, await a_run(database, RUNNING))
    await do(database, skip_node_execution, step_id, reason="Not needed", at=NOON)

    assert await outcome(database, step_id) == ("skipped", None, NOON, NOON, None, "Not needed")


@pytest.mark.parametrize(("given", "kept"), [({"query": 2}, {"query": 2}), (None, {"query": 1}), ([], [])])
async def test_a_start_replaces_the_input_if_it_brings_one(database: Database, given: Any, kept: Any) -> None:
    step_id = await a_step(database, await a_run(database, RUNNING), input_data={"query": 1})
    await do(database, start_node_execution, step_id, input_data=given)

    assert (await step_of(database, step_id)).input_data == kept


async def test_each_transition_of_a_step_takes_the_runs_next_revision(database: Database) -> None:
    run_id = await a_run(database, RUNNING)
    first, second = await some_steps(database, run_id, StepInput(), StepInput())
    seen = []
    for command, moved in (
        (start_node_execution, second),
        (start_node_execution, first),
        (complete_node_execution, second),
    ):
        await do(database, command, moved)
        seen.append([(await step_of(database, step_id)).revision for step_id in (first, second)])

    assert seen == [[3, 5], [6, 5], [6, 7]]


# Between the two.


async def test_a_step_does_not_start_before_its_run(database: Database) -> None:
    step_id = await a_step(database, await a_run(database))

    assert told(await refusal(database, start_node_execution, step_id)) == (
        "Cannot start execution in status pending: its run is in status pending",
        step_id,
        PENDING,
        "start",
        (PENDING,),
    )


async def test_a_step_of_a_pending_run_may_be_cancelled_or_skipped(database: Database) -> None:
    step_ids = await some_steps(database, await a_run(database), StepInput(), StepInput())
    await do(database, cancel_node_execution, step_ids[0])
    await do(database, skip_node_execution, step_ids[1])

    assert await statuses(database, *step_ids) == ["cancelled", "skipped"]


@pytest.mark.parametrize("status", [COMPLETED, FAILED, CANCELLED])
async def test_a_step_of_a_finished_run_is_not_retried_even_with_force(
    database: Database, status: ExecutionStatus
) -> None:
    run_id = await a_run(database, RUNNING)
    step_id = await a_step(database, run_id, FAILED)
    await finish_run(database, run_id, status)

    assert told(await refusal(database, retry_node_execution, step_id, force=True)) == (
        f"Cannot retry execution in status failed: its run is in status {status}",
        step_id,
        FAILED,
        "retry",
        (FAILED,),
    )


async def test_a_run_with_a_running_step_does_not_complete_and_nothing_changes(database: Database) -> None:
    run_id = await a_run(database, RUNNING)
    running = await a_step(database, run_id, RUNNING)
    pending = await a_step(database, run_id, PENDING)
    before = await counter_of(database, run_id)

    assert told(await refusal(database, complete_workflow_execution, run_id)) == (
        f"Cannot complete execution in status running: 1 of its steps are running, such as {running}",
        run_id,
        RUNNING,
        "complete",
        (RUNNING,),
    )
    assert await statuses(database, run_id, running, pending) == ["running", "running", "pending"]
    assert await counter_of(database, run_id) == before


ENDED = (COMPLETED, FAILED, CANCELLED, SKIPPED)


@pytest.mark.parametrize(
    ("command", "values", "unfinished", "become"),
    [
        (complete_workflow_execution, {}, (PENDING, PENDING), "skipped"),
        (fail_workflow_execution, {"error_message": "It broke"}, (PENDING, RUNNING), "cancelled"),
        (cancel_workflow_execution, {"reason": "Enough"}, (PENDING, RUNNING), "cancelled"),
    ],
)
async def test_the_end_of_a_run_ends_its_unfinished_steps_and_leaves_the_others(
    database: Database,
    command: Command,
    values: dict[str, Any],
    unfinished: tuple[ExecutionStatus, ...],
    become: str,
) -> None:
    run_id = await a_run(database, RUNNING)
    left = [await a_step(database, run_id, status) for status in ENDED]
    before = [await step_of(database, step_id) for step_id in left]
    ending = [await a_step(database, run_id, status) for status in unfinished]
    taken = (await counter_of(database, run_id))["revision"]

    await do(database, command, run_id, **values)

    run, *steps = [await run_of(database, run_id), *[await step_of(database, step_id) for step_id in ending]]
    assert [(step.status, step.ended_at, step.error_message) for step in steps] == [(become, run.ended_at, None)] * 2
    assert [(step.revision, step.updated_at >= before[-1].updated_at) for step in steps] == [
        (taken + 1, True),
        (taken + 2, True),
    ]
    assert (run.revision, (await counter_of(database, run_id))["revision"]) == (taken + 3, taken + 3)
    assert [await step_of(database, step_id) for step_id in left] == before


async def test_cancelling_a_run_that_never_started_cancels_its_steps(database: Database) -> None:
    run_id = await a_run(database)
    step_id = await a_step(database, run_id)
    await do(database, cancel_workflow_execution, run_id)

    assert await statuses(database, run_id, step_id) == ["cancelled", "cancelled"]


async def test_a_cancelled_attempt_says_so(database: Database) -> None:
    run_id = await a_run(database, RUNNING)
    step_id = await a_step(database, run_id, RUNNING)
    await finish_run(database, run_id, FAILED)

    assert await attempts_of(database, step_id) == [(1, CANCELLED, None)]


async def test_a_step_that_a_faster_clock_started_does_not_end_before_it_began(database: Database) -> None:
    run_id = await a_run(database)
    await do(database, start_workflow_execution, run_id, at=NOON)
    step_id = await a_step(database, run_id)
    await do(database, start_node_execution, step_id, at=after_noon(60))
    await do(database, cancel_workflow_execution, run_id, at=after_noon(30))

    assert await outcome(database, step_id) == ("cancelled", after_noon(60), *[after_noon(60)] * 2, None, None)
    assert (await run_of(database, run_id)).ended_at == after_noon(30)


async def test_a_retried_step_that_is_cancelled_with_its_run_never_started_again(database: Database) -> None:
    run_id = await a_run(database, RUNNING)
    step_id = await a_step(database, run_id, FAILED)
    await do(database, retry_node_execution, step_id, force=True)
    await finish_run(database, run_id, CANCELLED)

    step = await step_of(database, step_id)
    assert (step.status, step.started_at, step.retry_count) == (CANCELLED, None, 1)
    assert await attempts_of(database, step_id) == [(1, FAILED, "It broke")]


async def test_cancelling_a_run_does_not_reach_its_child_runs(database: Database) -> None:
    run_id = await a_run(database, RUNNING)
    step_id = await a_step(database, run_id, RUNNING)
    child = await a_run(database, RUNNING, parent_node_execution_id=step_id)
    await finish_run(database, run_id, CANCELLED)

    assert await statuses(database, run_id, step_id, child) == ["cancelled", "cancelled", "running"]


async def test_the_steps_of_another_run_are_left_alone(database: Database) -> None:
    run_id, other = await a_run(database, RUNNING), await a_run(database, RUNNING)
    step_id = await a_step(database, other, RUNNING)
    await finish_run(database, run_id, COMPLETED)

    assert await statuses(database, run_id, other, step_id) == ["completed", "running", "running"]


# Retries.


async def a_step_with_retries(database: Database, max_retries: int) -> UUID:
    node = NodeInput("load", retry_config={"max_retries": max_retries})
    workflow_id = await a_workflow(database, node)
    run_id = await a_run(database, RUNNING, workflow_id=workflow_id)
    [node_id] = await nodes_of(database, workflow_id)
    return await a_step(database, run_id, FAILED, node_id=node_id)


async def fail_again(database: Database, step_id: UUID, error_message: str) -> None:
    await do(database, start_node_execution, step_id)
    await do(database, fail_node_execution, step_id, error_message=error_message)


async def test_a_step_is_retried_as_often_as_its_node_says(database: Database) -> None:
    step_id = await a_step_with_retries(database, 2)
    left = [(await step_of(database, step_id)).can_retry]
    for error in ("second", "third"):
        await do(database, retry_node_execution, step_id)
        await fail_again(database, step_id, error)
        left.append((await step_of(database, step_id)).can_retry)

    assert left == [True, True, False]
    assert told(await refusal(database, retry_node_execution, step_id)) == (
        "Cannot retry execution in status failed: all 2 retries are used up",
        step_id,
        FAILED,
        "retry",
        (FAILED,),
    )
    assert await attempts_of(database, step_id) == [
        (1, FAILED, "It broke"),
        (2, FAILED, "second"),
        (3, FAILED, "third"),
    ]


async def test_a_retry_clears_the_outcome_and_counts(database: Database) -> None:
    step_id = await a_step_with_retries(database, 1)
    ended_at = (await step_of(database, step_id)).ended_at
    await do(database, retry_node_execution, step_id)

    assert await outcome(database, step_id) == ("pending", None, None, ended_at, None, None)
    assert (await step_of(database, step_id)).retry_count == 1


async def test_force_retries_beyond_the_limit_and_a_step_without_a_node(database: Database) -> None:
    limited = await a_step_with_retries(database, 0)
    free = await a_step(database, await a_run(database, RUNNING), FAILED)
    for step_id in (limited, free):
        assert isinstance(await refusal(database, retry_node_execution, step_id), InvalidTransitionError)
        await do(database, retry_node_execution, step_id, force=True)

    assert await statuses(database, limited, free) == ["pending", "pending"]


@pytest.mark.parametrize("max_retries", [2.5, 1e300, -3])
async def test_a_limit_that_is_no_small_integer_means_the_same_to_queries_models_and_commands(
    database: Database, max_retries: float
) -> None:
    step_id = await a_step_with_retries(database, 0)
    async with database.session() as session:
        step = await session.get_one(NodeExecution, step_id)
        node = await step.awaitable_attrs.node
        node.retry_config = {"max_retries": max_retries}
        step.retry_count = 2
        await session.commit()
        allowed = step.can_retry

    assert ((await step_of(database, step_id)).can_retry, allowed) == ((max_retries == 1e300,) * 2)
    if not allowed:
        assert isinstance(await refusal(database, retry_node_execution, step_id), InvalidTransitionError)


# Times.


async def test_an_end_before_the_start_is_refused_and_one_at_the_start_is_not(database: Database) -> None:
    run_id = await a_run(database)
    await do(database, start_workflow_execution, run_id, at=NOON)

    error = await refusal(database, complete_workflow_execution, run_id, at=after_noon(-0.001))
    assert (type(error), error.field) == (InvalidInputError, "at")
    await do(database, complete_workflow_execution, run_id, at=NOON)
    assert (await run_of(database, run_id)).duration_seconds == 0


@pytest.mark.parametrize("command", [start_workflow_execution, cancel_workflow_execution])
async def test_a_time_too_far_ahead_is_refused(database: Database, command: Command) -> None:
    run_id = await a_run(database)

    error = await refusal(database, command, run_id, at=datetime.now(UTC) + timedelta(minutes=6))
    assert (type(error), error.field) == (InvalidInputError, "at")


async def test_without_at_an_end_is_not_before_a_start_that_is_ahead_of_our_clock(database: Database) -> None:
    run_id = await a_run(database)
    ahead = datetime.now(UTC) + timedelta(minutes=4)
    await do(database, start_workflow_execution, run_id, at=ahead)
    await do(database, complete_workflow_execution, run_id)

    assert await outcome(database, run_id) == ("completed", ahead, ahead, ahead, None, None)


async def test_a_retried_step_does_not_start_before_it_failed(database: Database) -> None:
    step_id = await a_step(database, await a_run(database, RUNNING))
    await do(database, start_node_execution, step_id, at=NOON)
    await do(database, fail_node_execution, step_id, error_message="It broke", at=after_noon(10))
    await do(database, retry_node_execution, step_id, force=True)

    error = await refusal(database, start_node_execution, step_id, at=after_noon(9))
    assert (type(error), error.field) == (InvalidInputError, "at")
    await do(database, start_node_execution, step_id, at=after_noon(10))


# What is refused, and by what.


@pytest.mark.parametrize(
    "command",
    [
        *RUN_COMMANDS.values(),
        *STEP_COMMANDS.values(),
        delete_workflow_execution,
    ],
    ids=[*(f"run {name}" for name in RUN_COMMANDS), *(f"step {name}" for name in STEP_COMMANDS), "run delete"],
)
async def test_an_unknown_id_is_not_found(database: Database, command: Command) -> None:
    unknown = uuid4()

    error = await refusal(database, command, unknown)
    assert (type(error), error.id, str(error).split(" ", 2)[1]) == (NotFoundError, unknown, "execution")


@pytest.mark.parametrize(
    ("command", "values", "field"),
    [
        (complete_workflow_execution, {"output_data": float("nan")}, "output_data"),
        (fail_workflow_execution, {"error_message": ""}, "error_message"),
        (fail_workflow_execution, {"error_message": "\x00"}, "error_message"),
        (cancel_workflow_execution, {"reason": "\ud800"}, "reason"),
        (start_node_execution, {"input_data": 2**64}, "input_data"),
        (complete_node_execution, {"output_data": {"a": "\x00"}}, "output_data"),
        (fail_node_execution, {"error_message": ""}, "error_message"),
        (cancel_node_execution, {"reason": "\x00"}, "reason"),
        (skip_node_execution, {"reason": "x" * 262_145}, "reason"),
    ],
)
async def test_a_value_that_cannot_be_stored_is_refused_before_anything_is_looked_up(
    database: Database, command: Command, values: dict[str, Any], field: str
) -> None:
    error = await refusal(database, command, uuid4(), **values)

    assert (type(error), error.field) == (InvalidInputError, field)


# Many steps at once.


async def transition(database: Database, *transitions: StepTransition) -> list[Any]:
    """What became of each: the id, or how it was refused."""
    outcomes = await database.run(lambda session: transition_node_executions(session, transitions))
    return [found if isinstance(found, UUID) else (type(found), str(found)) for found in outcomes]


async def test_transitions_are_done_in_order_each_for_itself(database: Database) -> None:
    run_id = await a_run(database, RUNNING)
    first, second = await some_steps(database, run_id, StepInput(), StepInput())
    unknown = uuid4()

    assert await transition(
        database,
        StepTransition(first, Action.START, at=NOON),
        StepTransition(second, Action.COMPLETE),
        StepTransition(unknown, Action.START),
        StepTransition(first, Action.FAIL, at=after_noon(1), values={"error_message": "It broke"}),
        StepTransition(first, Action.RETRY),
        StepTransition(first, Action.RETRY, force=True),
        StepTransition(first, Action.START, at=NOON),
        StepTransition(first, Action.START, at=after_noon(2), values={"input_data": [2]}),
        StepTransition(second, Action.FAIL, values={"error_message": ""}),
        StepTransition(second, Action.SKIP, at=NOON, values={"error_message": "Not needed"}),
        StepTransition(first, Action.COMPLETE, at=after_noon(3), values={"output_data": {"n": None}}),
    ) == [
        first,
        (InvalidTransitionError, "Cannot complete execution in status pending"),
        (NotFoundError, f"Node execution {unknown} does not exist"),
        first,
        (InvalidTransitionError, "Cannot retry execution in status failed: all 0 retries are used up"),
        first,
        (
            InvalidInputError,
            "2026-01-12T12:00:00+00:00 is before the previous transition, 2026-01-12T12:00:01+00:00",
        ),
        first,
        (InvalidInputError, "must not be empty"),
        second,
        first,
    ]
    assert await outcome(database, first) == (
        *("completed", after_noon(2), after_noon(3), after_noon(3)),
        *({"n": None}, None),
    )
    assert await outcome(database, second) == ("skipped", None, NOON, NOON, None, "Not needed")
    assert await attempts_of(database, first) == [(1, FAILED, "It broke"), (2, COMPLETED, None)]
    steps = [await step_of(database, step_id) for step_id in (first, second)]
    assert [(step.revision, step.retry_count, step.input_data) for step in steps] == [(10, 1, [2]), (9, 0, None)]
    assert (await counter_of(database, run_id))["revision"] == 10


async def test_transitions_may_be_of_several_runs_and_each_run_counts_its_own(database: Database) -> None:
    runs = [await a_run(database, RUNNING) for _ in range(2)]
    steps = [await a_step(database, run_id) for run_id in runs]
    await transition(database, *(StepTransition(step_id, Action.START) for step_id in (*steps, *steps)))

    assert await statuses(database, *steps) == ["running", "running"]
    assert [(await counter_of(database, run_id))["revision"] for run_id in runs] == [4, 4]


async def test_the_path_of_a_refused_value_names_the_item_and_the_action(database: Database) -> None:
    step_id = await a_step(database, await a_run(database, RUNNING), RUNNING)
    outcomes = await database.run(
        lambda session: transition_node_executions(
            session,
            [
                StepTransition(step_id, Action.COMPLETE, values={"output_data": 2**64}),
                StepTransition(step_id, Action.COMPLETE, at=NOON),
            ],
        )
    )

    assert [getattr(found, "field", None) for found in outcomes] == [
        "transitions[0].complete.output_data",
        "transitions[1].complete.at",
    ]


async def test_a_batch_respects_the_run_that_its_steps_are_of(database: Database) -> None:
    pending = await a_step(database, await a_run(database))
    run_id = await a_run(database, RUNNING)
    failed = await a_step(database, run_id, FAILED)
    await finish_run(database, run_id, FAILED)

    assert await transition(
        database, StepTransition(pending, Action.START), StepTransition(failed, Action.RETRY, force=True)
    ) == [
        (InvalidTransitionError, "Cannot start execution in status pending: its run is in status pending"),
        (InvalidTransitionError, "Cannot retry execution in status failed: its run is in status failed"),
    ]


async def test_no_transitions_are_no_batch(database: Database) -> None:
    with pytest.raises(InvalidInputError) as refused:
        await transition(database)

    assert refused.value.field == "transitions"


# Deletion.


@pytest.mark.parametrize("status", [PENDING, RUNNING, COMPLETED])
async def test_a_run_is_deleted_with_all_that_it_has_whatever_its_status(
    database: Database, status: ExecutionStatus
) -> None:
    run_id = await a_run(database, RUNNING if status is RUNNING else PENDING)
    step_id = await a_step(database, run_id, RUNNING if status is RUNNING else PENDING)
    await append(database, run_id, EntryInput(), EntryInput(node_execution_id=step_id, level=LogLevel.ERROR))
    if status is COMPLETED:
        await do(database, start_workflow_execution, run_id)
        await finish_run(database, run_id, COMPLETED)
    changed: list[set[UUID]] = []
    database.on_change = changed.append

    await do(database, delete_workflow_execution, run_id)

    assert changed == [{run_id}]
    assert (await refusal(database, delete_workflow_execution, run_id)).id == run_id
    assert (await refusal(database, start_node_execution, step_id)).id == step_id
