"""Purging: what is old goes with all that belongs to it, nothing else does, whatever happens meanwhile."""

import asyncio
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from db import Database, ExecutionStatus
from db.commands import purge as purging
from db.commands.purge import Purge, PurgePolicy, Removed
from db.commands.workflow_executions import (
    cancel_workflow_execution,
    complete_workflow_execution,
    fail_workflow_execution,
    start_workflow_execution,
)
from db.errors import PurgeUnderWayError
from tests.db.builders import (
    COMPLETED,
    FAILED,
    EntryInput,
    NodeInput,
    StepInput,
    a_run,
    a_step,
    a_workflow,
    append,
    run_of,
    some_steps,
)
from tests.reliability.store import BROKEN, Watcher, fetch

QUARTER = timedelta(days=90)
OLD, NEW = 100, 10
"""Days ago."""

END = {
    COMPLETED: lambda session, id, at: complete_workflow_execution(session, id, at=at),  # noqa: A006
    FAILED: lambda session, id, at: fail_workflow_execution(session, id, error_message="no", at=at),  # noqa: A006
    ExecutionStatus.CANCELLED: lambda session, id, at: cancel_workflow_execution(session, id, at=at),  # noqa: A006
}


async def ended(
    database: Database,
    days: float,
    status: ExecutionStatus = COMPLETED,
    *,
    entries: int = 2,
    steps: int = 1,
    **values: Any,
) -> UUID:
    """A run that ended so many days ago, with steps and entries."""
    id_ = await a_run(database, **values)
    at = datetime.now(UTC) - timedelta(days=days)
    await database.run(lambda session: start_workflow_execution(session, id_, at=at))
    if steps:
        await some_steps(database, id_, *(StepInput() for _ in range(steps)))
    for start in range(0, entries, 1000):
        await append(database, id_, *(EntryInput() for _ in range(min(1000, entries - start))))
    await database.run(lambda session: END[status](session, id_, at))
    return id_


async def purged(database: Database, **policy: Any) -> Removed:
    """Purge what ended at least 90 days ago, without rests."""
    total = Removed()
    async with aclosing(Purge(database, PurgePolicy(QUARTER, **policy), work_share=1).run()) as batches:
        async for removed in batches:
            total = total.plus(removed)
    return total


async def runs(database_url: str) -> set[UUID]:
    return {UUID(str(id_)) for (id_,) in await fetch(database_url, "SELECT id FROM workflow_executions")}


ORPHANS = """
    SELECT count(*) FROM (
        SELECT workflow_execution_id AS id FROM node_executions
        UNION ALL SELECT workflow_execution_id FROM execution_logs
        UNION ALL SELECT workflow_execution_id FROM execution_counters
    ) AS part WHERE NOT EXISTS (SELECT FROM workflow_executions AS run WHERE run.id = part.id)
"""


async def test_old_runs_go_with_everything_and_all_others_stay(database: Database, database_url: str) -> None:
    policy = PurgePolicy(QUARTER)
    for status in END:
        await ended(database, OLD, status, entries=3, steps=2)
    tries = """INSERT INTO node_execution_attempts (node_execution_id, attempt, status, started_at, ended_at)
        SELECT id, 1, 'completed', clock_timestamp(), clock_timestamp() FROM node_executions"""
    await fetch(database_url, tries)
    stays = {await ended(database, NEW), await a_run(database), await a_run(database, ExecutionStatus.RUNNING)}

    planned = await Purge(database, policy).plan()
    before = await runs(database_url)
    removed = await purged(database)

    assert len(before) == 6
    assert planned == removed == Removed(runs=3, steps=6, entries=9)
    assert await runs(database_url) == stays
    assert await fetch(database_url, ORPHANS) == [(0,)]
    assert await fetch(database_url, "SELECT count(*) FROM node_execution_attempts") == [(0,)]
    assert await fetch(database_url, BROKEN) == []
    assert await purged(database) == Removed()


async def test_a_run_that_has_not_ended_stays_however_old_it_is(database: Database, database_url: str) -> None:
    id_ = await a_run(database)
    at = datetime.now(UTC) - timedelta(days=OLD)
    await database.run(lambda session: start_workflow_execution(session, id_, at=at))
    await fetch(database_url, "UPDATE workflow_executions SET created_at = $1", at)

    assert await purged(database) == Removed()


@pytest.mark.parametrize(
    ("policy", "goes"),
    [
        ({"statuses": (FAILED,)}, {"failed"}),
        ({"statuses": (FAILED, COMPLETED)}, {"failed", "completed", "keyed"}),
        ({"namespaces": ("research",)}, {"keyed"}),
        ({"workflows": ("nightly",)}, {"keyed"}),
        ({"workflows": ("nightly",), "statuses": (FAILED,)}, set()),
        ({"workflows": ("nowhere", "nightly")}, {"keyed"}),
        ({"statuses": ()}, set()),
    ],
)
async def test_filters_narrow_it(database: Database, database_url: str, policy: dict[str, Any], goes: set[str]) -> None:
    keyed = await a_workflow(database, NodeInput("load"), namespace="research")
    await fetch(database_url, "UPDATE workflows SET key = 'nightly' WHERE id = $1", keyed)
    made = {
        "failed": await ended(database, OLD, FAILED),
        "completed": await ended(database, OLD, COMPLETED),
        "keyed": await ended(database, OLD, COMPLETED, workflow_id=keyed),
    }

    await purged(database, **policy)

    assert await runs(database_url) == {id_ for name, id_ in made.items() if name not in goes}


async def test_a_workflow_is_named_by_its_id_too(database: Database, database_url: str) -> None:
    goes, stays = await ended(database, OLD), await ended(database, OLD)
    workflow_id = (await run_of(database, goes)).workflow_id

    await purged(database, workflows=(str(workflow_id),))

    assert await runs(database_url) == {stays}


async def family(database: Database, root: float, child: float | None, grandchild: float | None) -> list[UUID]:
    """A run, its sub-run and that one's, that ended so many days ago; None has not ended. Theirs are not steps' own."""
    made: list[UUID] = []
    parent: UUID | None = None
    for days in (root, child, grandchild):
        made.append(await a_run(database, parent_node_execution_id=parent))
        await database.run(lambda session, id_=made[-1]: start_workflow_execution(session, id_))  # type: ignore[misc]
        parent = await a_step(database, made[-1])
        if days is not None:
            at = datetime.now(UTC)
            await database.run(lambda session, id_=made[-1], at=at: complete_workflow_execution(session, id_, at=at))  # type: ignore[misc]
            statement = """UPDATE workflow_executions SET started_at = $2, ended_at = $2, revision = revision + 1
                WHERE id = $1"""
            await fetch(
                database.url.render_as_string(hide_password=False), statement, made[-1], at - timedelta(days=days)
            )
    return made


@pytest.mark.parametrize(
    ("days", "stays"),
    [
        ((OLD, OLD, OLD), set()),
        ((OLD, OLD, NEW), {0, 1, 2}),
        ((OLD, NEW, OLD), {0, 1}),
        ((OLD, None, OLD), {0, 1}),
        ((NEW, OLD, OLD), {0}),
        ((OLD, OLD, None), {0, 1, 2}),
    ],
)
async def test_a_tree_goes_as_a_whole_and_only_what_is_old_of_it(
    database: Database, database_url: str, days: tuple[Any, Any, Any], stays: set[int]
) -> None:
    made = await family(database, *days)
    planned = await Purge(database, PurgePolicy(QUARTER)).plan()

    removed = await purged(database)

    assert removed == planned
    assert await runs(database_url) == {made[place] for place in stays}


async def test_sub_runs_go_with_their_root_although_the_filter_does_not_name_them(
    database: Database, database_url: str
) -> None:
    made = await family(database, OLD, OLD, OLD)
    workflow_id = (await run_of(database, made[0])).workflow_id

    await purged(database, workflows=(str(workflow_id),))

    assert await runs(database_url) == set()


async def test_a_run_that_runs_again_what_is_removed_stays_and_that_is_a_change_of_it(
    database: Database, database_url: str
) -> None:
    old = await ended(database, OLD)
    again = await a_run(database, retry_of_id=old)
    before = await run_of(database, again)

    await purged(database)

    after = await run_of(database, again)
    assert (after.retry_of_id, after.revision) == (None, before.revision + 1)
    assert await runs(database_url) == {again}


async def test_followers_are_told_of_what_goes_and_of_what_changes_by_it(database: Database) -> None:
    old = await ended(database, OLD)
    again = await a_run(database, retry_of_id=old)
    told: set[UUID] = set()
    database.on_change = told.update

    await purged(database)

    assert told == {old, again}


async def test_the_entries_of_a_long_run_go_in_slices_and_nobody_sees_it_half_gone(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(purging, "ENTRIES_PER_BATCH", 10)
    await ended(database, OLD, entries=95)
    await ended(database, OLD, entries=3)

    async with Watcher(database_url):
        removed = await purged(database)

    assert removed == Removed(runs=2, steps=2, entries=98)
    assert await runs(database_url) == set()


async def test_what_is_interrupted_is_whole_and_another_purge_ends_it(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(purging, "RUNS_PER_BATCH", 2)
    for _ in range(7):
        await ended(database, OLD)
    policy = PurgePolicy(QUARTER)
    async with aclosing(Purge(database, policy, work_share=1).run()) as batches:
        assert await anext(batches) == Removed(2, 2, 4)
    going = asyncio.create_task(_drain(Purge(database, policy, work_share=0.01)))
    async with asyncio.timeout(10):
        while len(await runs(database_url)) > 3:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    going.cancel()
    await asyncio.gather(going, return_exceptions=True)

    assert await fetch(database_url, ORPHANS) == [(0,)]
    assert await fetch(database_url, BROKEN) == []
    left = len(await runs(database_url))
    assert (await purged(database)).runs == left
    assert await runs(database_url) == set()


async def _drain(purge: Purge) -> None:
    async with aclosing(purge.run()) as batches:
        async for _ in batches:
            pass


async def test_one_process_at_a_time_purges(database: Database, database_url: str) -> None:
    await ended(database, OLD)
    await ended(database, OLD)
    async with Database(database_url) as other, aclosing(Purge(database, PurgePolicy(QUARTER)).run()) as batches:
        await anext(batches)
        with pytest.raises(PurgeUnderWayError):
            await purged(other)
    assert await runs(database_url) == set()


async def test_a_purge_whose_lock_is_lost_stops(database: Database, database_url: str, monkeypatch: Any) -> None:
    monkeypatch.setattr(purging, "RUNS_PER_BATCH", 1)
    for _ in range(3):
        await ended(database, OLD)
    holder = """
        SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    """
    with pytest.raises(PurgeUnderWayError):  # noqa: PT012
        async with aclosing(Purge(database, PurgePolicy(QUARTER), work_share=1).run()) as batches:
            await anext(batches)
            assert await fetch(database_url, holder) == [(True,)]
            async for _ in batches:
                pass
    assert len(await runs(database_url)) == 2


async def test_writers_go_on_while_it_is_purged(database: Database, database_url: str) -> None:
    old = [await ended(database, OLD) for _ in range(30)]
    live = [await a_run(database, ExecutionStatus.RUNNING, retry_of_id=id_) for id_ in old[:10]]
    going = asyncio.create_task(_drain(Purge(database, PurgePolicy(QUARTER), work_share=1)))
    appended = 0
    while not going.done():
        for id_ in live:
            await append(database, id_, EntryInput())
            appended += 1
        for id_ in old[-3:]:  # late entries of what is just removed
            try:
                await append(database, id_, EntryInput())
            except LookupError:
                continue
    await going
    assert appended > 0
    assert await runs(database_url) == set(live)
    assert await fetch(database_url, BROKEN) == []
