"""Nobody waits for as long as others go on: whoever wants to end a run gets his turn."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

import pytest

from db import Database, ExecutionStatus
from db.commands.node_executions import start_node_execution
from db.commands.node_transitions import StepTransition, transition_node_executions
from db.commands.workflow_executions import cancel_workflow_execution
from db.errors import InvalidTransitionError
from db.state_machine import Action
from tests.db.builders import StepInput, a_run, run_of, some_steps

CLIENTS = 10


async def create(database: Database, run_id: UUID, steps: list[UUID]) -> None:
    await some_steps(database, run_id, StepInput())


async def start(database: Database, run_id: UUID, steps: list[UUID]) -> None:
    id_ = steps.pop()
    await database.run_command(lambda session: start_node_execution(session, id_))


async def start_many(database: Database, run_id: UUID, steps: list[UUID]) -> None:
    given = [StepTransition(steps.pop(), Action.START) for _ in range(2)]
    outcomes = await database.run_command(lambda session: transition_node_executions(session, given))
    if isinstance(outcomes[0], InvalidTransitionError):
        raise outcomes[0]


@pytest.mark.parametrize("work", [create, start, start_many])
async def test_a_run_is_cancelled_while_many_clients_go_on_with_its_steps(
    database: Database, work: Callable[[Database, UUID, list[UUID]], Awaitable[None]]
) -> None:
    run_id = await a_run(database, ExecutionStatus.RUNNING)
    steps = await some_steps(database, run_id, *(StepInput() for _ in range(2_000)))
    busy = asyncio.Event()
    done = 0

    async def client() -> None:
        nonlocal done
        while True:
            try:
                await work(database, run_id, steps)
            except InvalidTransitionError:
                return
            done += 1
            if done == CLIENTS * 2:
                busy.set()

    clients = [asyncio.create_task(client()) for _ in range(CLIENTS)]
    async with asyncio.timeout(20):
        await busy.wait()
    before = done
    async with asyncio.timeout(20):
        await database.run_command(lambda session: cancel_workflow_execution(session, run_id))
    # Those who were there before it, and not many times as many.
    assert done - before <= 5 * CLIENTS
    async with asyncio.timeout(20):
        await asyncio.gather(*clients)
    assert (await run_of(database, run_id)).status == ExecutionStatus.CANCELLED
