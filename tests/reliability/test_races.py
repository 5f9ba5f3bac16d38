"""Any number of engines at once: each transition is won by one, and everybody learns the true state."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterable, Iterator
from itertools import combinations_with_replacement, product
from typing import Any
from uuid import UUID

import pytest

from db import Database, ExecutionStatus
from tests.db.builders import a_run, a_step, run_of, step_of
from tests.reliability.races import RUN, RUN_ACTIONS, STEP_ACTIONS, Move, Outcome, State, after, do, explained
from tests.reliability.store import Watcher
from tests.reliability.torture import length

pytestmark = pytest.mark.torture

CLIENTS = 50
CONTENDERS = length(6, CLIENTS)
"""How many of the clients are after the same run; the others race over its neighbours."""

STATES = [
    State(run, (step,))
    for run in ("pending", "running")
    for step in ("pending", "running", "completed", "failed")
    if run == "running" or step == "pending"
]
RUN_MOVES = [Move(RUN, action) for action in RUN_ACTIONS]
STEP_MOVES = [Move(0, action) for action in STEP_ACTIONS]
PAIRS = {
    "run-run": list(combinations_with_replacement(RUN_MOVES, 2)),
    "step-step": list(combinations_with_replacement(STEP_MOVES, 2)),
    "run-step": list(product(RUN_MOVES, STEP_MOVES)),
}


@pytest.fixture
async def clients(database_url: str) -> AsyncIterator[Database]:
    """A connection for each client."""
    async with Database(database_url, pool_size=CLIENTS) as database:
        yield database


def races(pairs: list[tuple[Move, Move]]) -> Iterator[tuple[State, tuple[Move, Move]]]:
    """Every pair, from every state in which at least one of the two can be done."""
    for state, pair in product(STATES, pairs):
        if any(after(state, move) for move in pair):
            yield state, pair


@pytest.mark.parametrize("pairs", PAIRS.values(), ids=PAIRS)
async def test_every_pair_of_transitions_has_an_outcome_that_one_after_the_other_has(
    clients: Database, database_url: str, pairs: list[tuple[Move, Move]]
) -> None:
    given = list(races(pairs))
    subjects = await in_parallel([begin(clients, before) for before, _ in given])
    async with Watcher(database_url) as watcher:
        outcomes = await in_parallel(
            [
                do(clients, run_id, [step_id], pair[client % 2])
                for (_, pair), (run_id, step_id) in zip(given, subjects, strict=True)
                for client in range(CONTENDERS)
            ]
        )
    assert watcher.looked > 0
    for place, ((before, pair), (run_id, step_id)) in enumerate(zip(given, subjects, strict=True)):
        told: list[Outcome] = outcomes[place * CONTENDERS : (place + 1) * CONTENDERS]
        now = State((await run_of(clients, run_id)).status, ((await step_of(clients, step_id)).status,))
        assert explained(before, told, now), (before, pair, told, now)


async def begin(database: Database, state: State) -> tuple[UUID, UUID]:
    run_id = await a_run(database, ExecutionStatus(state.run))
    return run_id, await a_step(database, run_id, ExecutionStatus(state.steps[0]))


async def in_parallel(work: Iterable[Awaitable[Any]]) -> list[Any]:
    """Do all of it, in order, by so many clients; gives the results in order."""
    coming = iter(list(enumerate(work)))
    results: dict[int, Any] = {}

    async def client() -> None:
        for place, doing in coming:
            results[place] = await doing

    async with asyncio.TaskGroup() as group:
        for _ in range(CLIENTS):
            group.create_task(client())
    return [results[place] for place in range(len(results))]
