"""Random transitions of a run and its steps, several at the same moment, compared with the transition table."""

import asyncio
from contextlib import AsyncExitStack

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from db import Database, ExecutionStatus
from tests.db.builders import a_run, a_step, run_of, step_of
from tests.reliability.races import RUN, RUN_ACTIONS, STEP_ACTIONS, Move, State, do, explained
from tests.reliability.store import BROKEN, fetch
from tests.reliability.torture import FULL, length

STEPS = 3
# Most often what leads on, so that runs get somewhere before they end.
MOVES = st.one_of(
    st.builds(Move, st.integers(0, STEPS - 1), st.sampled_from(sorted(STEP_ACTIONS))),
    st.builds(Move, st.integers(0, STEPS - 1), st.sampled_from(["start", "fail", "retry"])),
    st.builds(Move, st.just(RUN), st.sampled_from(["start", *sorted(RUN_ACTIONS)])),
)


class Interleavings(RuleBasedStateMachine):
    """One run with its steps, and any number of engines."""

    url: str

    def __init__(self) -> None:
        super().__init__()
        self._runner = asyncio.Runner()
        self._open = AsyncExitStack()

    @initialize()
    def begin(self) -> None:
        async def begin() -> None:
            self._database = await self._open.enter_async_context(Database(self.url))
            self._run = await a_run(self._database)
            self._steps = [await a_step(self._database, self._run) for _ in range(STEPS)]

        self._runner.run(begin())
        self._state = State("pending", ("pending",) * STEPS)

    @rule(moves=st.lists(MOVES, min_size=1, max_size=4))
    def at_the_same_moment(self, moves: list[Move]) -> None:
        async def together() -> State:
            doing = (do(self._database, self._run, self._steps, move) for move in moves)
            self._told = await asyncio.gather(*doing)
            run = await run_of(self._database, self._run)
            steps = [await step_of(self._database, step) for step in self._steps]
            return State(run.status, tuple(step.status for step in steps))

        now = self._runner.run(together())
        assert explained(self._state, self._told, now), (self._state, self._told, now)
        self._state = now

    @invariant()
    def no_promise_is_broken(self) -> None:
        assert self._runner.run(fetch(self.url, BROKEN)) == []

    def teardown(self) -> None:
        self._runner.run(self._open.aclose())
        self._runner.close()


@pytest.mark.torture
@pytest.mark.timeout(600)
def test_every_interleaving_is_one_that_the_transition_table_has(module_database_url: str) -> None:
    class Machine(Interleavings):
        url = module_database_url

    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=length(10, 200),
            stateful_step_count=length(15, 40),
            derandomize=not FULL,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_the_statuses_of_the_table_are_those_of_the_store() -> None:
    actions = [*RUN_ACTIONS.values(), *STEP_ACTIONS.values()]
    named = {status for sources, target in actions for status in (*sources, target)}
    assert named == {status.value for status in ExecutionStatus}
