"""Everything that engines do, all at once and against each other, without one deadlock."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import event
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.exc import StaleDataError

from db import Database, ExecutionLog, ExecutionStatus, LogLevel, NodeExecution, TriggerType, WorkflowExecution
from db.commands.heartbeats import fail_silent_run, record_heartbeats
from db.commands.node_transitions import StepTransition, transition_node_executions
from db.commands.workflow_executions import (
    create_workflow_execution,
    delete_workflow_execution,
    start_workflow_execution,
)
from db.database import sqlstate
from db.errors import ExecgraphError
from db.state_machine import Action
from tests.db.builders import EntryInput, StepInput, a_workflow, append, some_steps
from tests.reliability.races import RUN, RUN_ACTIONS, STEP_ACTIONS, Move, do
from tests.reliability.store import Watcher, fetch
from tests.reliability.torture import length

SECONDS = length(3, 30)
MORE_SECONDS = 30
RUNS = 12
STEPS = 8
DEADLOCK_DETECTED = "40P01"


class Engines:
    """Clients that do one kind of thing each, at random, on runs that they share."""

    def __init__(self, database: Database, workflow_id: UUID) -> None:
        self._database = database
        self._workflow_id = workflow_id
        self._random = random.Random(1)
        self._steps: dict[UUID, list[UUID]] = {}
        self.done: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()

    async def begin_run(self) -> None:
        """A RUNNING run with steps: often the child of another one's step, or a run that runs another one again."""
        chosen = self._random.random()
        values: dict[str, Any] = {"workflow_id": self._workflow_id, "trigger_type": TriggerType.EVENT}
        if self._steps and chosen < 0.4:
            values["parent_node_execution_id"] = self._a_step()
        elif self._steps and chosen < 0.7:
            values["retry_of_id"] = self._a_run()
        id_ = await self._database.run_command(lambda session: create_workflow_execution(session, **values))
        await self._database.run_command(
            lambda session: start_workflow_execution(session, id_, heartbeat_timeout_seconds=1)
        )
        self._steps[id_] = await some_steps(self._database, id_, *(StepInput() for _ in range(STEPS)))

    def _a_run(self) -> UUID:
        return self._random.choice(list(self._steps))

    def _some_runs(self) -> list[UUID]:
        return self._random.sample(list(self._steps), min(len(self._steps), 5))

    def _a_step(self) -> UUID:
        return self._random.choice(self._steps[self._a_run()])

    async def append(self) -> None:
        entry = EntryInput(level=self._random.choice(list(LogLevel)))
        run_id = self._a_run()
        entries = [entry, EntryInput(node_execution_id=self._random.choice(self._steps[run_id]))]
        await append(self._database, run_id, *entries)

    async def append_by_model(self) -> None:
        async with self._database.session() as session, session.begin():
            for run_id in self._some_runs()[: self._random.choice((1, 3))]:
                step_id = self._random.choice(self._steps[run_id])
                session.add(ExecutionLog(workflow_execution_id=run_id, level=LogLevel.INFO, message="by model"))
                session.add(
                    ExecutionLog(
                        workflow_execution_id=run_id,
                        node_execution_id=step_id,
                        level=LogLevel.INFO,
                        message="by model",
                    )
                )

    async def transition_by_model(self) -> None:
        async with self._database.session() as session, session.begin():
            run_id = self._a_run()
            lock = {"key_share": True}
            run = await session.get(WorkflowExecution, run_id, with_for_update=lock)
            step = await session.get(NodeExecution, self._random.choice(self._steps[run_id]), with_for_update=lock)
            if run is not None and step is not None and run.status is ExecutionStatus.RUNNING:
                step.start()

    async def transition(self) -> None:
        run_id = self._a_run()
        steps = self._steps[run_id]
        place = self._random.randrange(len(steps))
        move = Move(place, self._random.choice(sorted(STEP_ACTIONS)))
        await do(self._database, run_id, steps, move)

    async def transition_run(self) -> None:
        run_id = self._a_run()
        await do(self._database, run_id, [], Move(RUN, self._random.choice(sorted(RUN_ACTIONS))))

    async def transition_many(self) -> None:
        given = [StepTransition(self._a_step(), self._action(), values={"error_message": "x"}) for _ in range(20)]
        await self._database.run_command(lambda session: transition_node_executions(session, given))

    def _action(self) -> Action:
        return self._random.choice([Action.START, Action.FAIL, Action.CANCEL])

    async def create_steps(self) -> None:
        run_id = self._a_run()
        made = await some_steps(self._database, run_id, StepInput(key=f"{self._random.randrange(100)}"), StepInput())
        self._steps[run_id] += made

    async def heartbeat(self) -> None:
        runs = self._some_runs()
        self._random.shuffle(runs)
        await self._database.run_command(lambda session: record_heartbeats(session, runs))

    async def fail_silent(self) -> None:
        run_id = self._a_run()
        await self._database.run_command(lambda session: fail_silent_run(session, run_id))

    async def delete(self) -> None:
        run_id = self._a_run()
        await self._database.run_command(lambda session: delete_workflow_execution(session, run_id))
        del self._steps[run_id]
        await self.begin_run()

    async def go_on(self, what: Callable[[], Awaitable[None]], until: float) -> None:
        """Do it until then; longer, if it has not succeeded once, as the rare ones do not on a busy machine."""
        while time.monotonic() < (until if self.done[what.__name__] else until + MORE_SECONDS):
            try:
                await what()
            except (
                ExecgraphError,
                IntegrityError,
                asyncpg.IntegrityConstraintViolationError,
                StaleDataError,
                KeyError,
            ) as error:
                # Gone, or in another state: another engine was there first.
                self.refused[f"{what.__name__}: {type(error).__name__}"] += 1
            else:
                self.done[what.__name__] += 1


@contextmanager
def errors_of_the_database(database: Database) -> Iterator[Counter[str]]:
    """The SQLSTATE of whatever PostgreSQL reports, those that are tried again included."""
    states: Counter[str] = Counter()

    def note(context: Any) -> None:
        wrapped = SimpleNamespace(orig=context.original_exception)
        states[sqlstate(wrapped) or type(context.original_exception).__name__] += 1  # type: ignore[arg-type]

    event.listen(database.engine.sync_engine, "handle_error", note)
    try:
        yield states
    finally:
        event.remove(database.engine.sync_engine, "handle_error", note)


@pytest.mark.torture
async def test_nothing_that_engines_do_deadlocks_with_anything_else(database_url: str) -> None:
    async with Database(database_url, pool_size=40) as database:
        engines = Engines(database, await a_workflow(database))
        for _ in range(RUNS):
            await engines.begin_run()
        clients = {
            engines.append: 6,
            engines.append_by_model: 5,
            engines.transition: 6,
            engines.transition_by_model: 3,
            engines.transition_run: 1,
            engines.transition_many: 5,
            engines.create_steps: 2,
            engines.heartbeat: 5,
            engines.fail_silent: 1,
            engines.delete: 3,
        }
        until = time.monotonic() + SECONDS
        with errors_of_the_database(database) as states:
            async with Watcher(database_url) as watcher:
                await asyncio.gather(
                    *(engines.go_on(what, until) for what, count in clients.items() for _ in range(count))
                )
    print(f"\n{dict(engines.done)}\nrefused {dict(engines.refused)}\nsqlstates {dict(states)}, looked {watcher.looked}")
    assert DEADLOCK_DETECTED not in states, states
    assert engines.done.keys() == {what.__name__ for what in clients}
    counted = await fetch(database_url, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
    assert [deadlocks for (deadlocks,) in counted] == [0]
