"""The pages of each of many parents are the pages of each alone, and a follower goes on where it ended."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from uuid_utils.compat import uuid7

from db import (
    Database,
    LogLevel,
    NodeExecution,
)
from db.filters import ExecutionLogFilter, NodeExecutionFilter, WorkflowExecutionFilter
from db.paging import Page, Slice
from db.queries.execution_logs import count_logs_of_runs, count_logs_of_steps, logs_of_runs, logs_of_steps
from db.queries.following import log_tail, run_changes
from db.queries.node_executions import attempts_of_steps, count_steps_of_runs, steps_by_id, steps_of_runs
from db.queries.workflow_executions import (
    child_runs_of_steps,
    count_child_runs_of_steps,
    log_counts_of_runs,
    log_counts_of_steps,
    runs_by_id,
    status_counts_of_runs,
)
from db.queries.workflows import nodes_by_id, workflows_by_id
from db.records import LogCounts, NodeStatusCounts
from tests.db.builders import (
    COMPLETED,
    RUNNING,
    EntryInput,
    StepInput,
    a_run,
    a_step,
    a_workflow,
    after_noon,
    append,
    bare,
    some_steps,
    walk,
)


@pytest.fixture
def database(shared_database: Database) -> Database:
    """Each test looks only at the runs that it makes."""
    return shared_database


PAGES = [Page(1), Page(3), Page(100), Page(3, backwards=True), Page(0)]


@dataclass
class Tree:
    """Two runs with steps and entries, and one without."""

    database: Database
    runs: list[UUID]
    steps: list[list[UUID]]


@pytest.fixture
async def tree(database: Database) -> Tree:
    runs = [await a_run(database, RUNNING) for _ in range(3)]
    steps = [
        await some_steps(
            database, run_id, *(StepInput(execution_order=order, key=f"{n}") for n, order in enumerate(orders))
        )
        for run_id, orders in zip(runs, ([2, 1, 2, 0, 1], [1]), strict=False)
    ]
    for run_id, step_ids in zip(runs, steps, strict=False):
        entries = [
            EntryInput(f"{n}", list(LogLevel)[n % 4], None, after_noon(-n), step_ids[0] if n % 2 else None)
            for n in range(7)
        ]
        await append(database, run_id, *entries)
    return Tree(database, runs, [*steps, []])


@pytest.mark.parametrize("backwards", [False, True], ids=["forwards", "backwards"])
async def test_steps_are_in_execution_order_then_by_id(tree: Tree, backwards: bool) -> None:
    ids = tree.steps[0]
    expected = [ids[3], *sorted([ids[1], ids[4]]), *sorted([ids[0], ids[2]])]

    async def read(page: Page) -> Slice[Any]:
        async with tree.database.reader() as reader:
            return (await steps_of_runs(reader, tree.runs[:1], NodeExecutionFilter(), page))[0]

    for size in (1, 2, 5):
        walked = await walk(read, lambda step: (step.execution_order, step.id), size, backwards=backwards)
        assert [step.id for step in walked] == expected


async def test_the_steps_of_many_runs_are_those_of_each(tree: Tree) -> None:
    everything = NodeExecutionFilter()
    async with tree.database.reader() as reader:
        for page in PAGES:
            single = [(await steps_of_runs(reader, [id_], everything, page))[0] for id_ in tree.runs]
            assert bare(await steps_of_runs(reader, tree.runs, everything, page)) == bare(single)
        assert await count_steps_of_runs(reader, tree.runs, everything) == [5, 1, 0]


@pytest.mark.parametrize("backwards", [False, True], ids=["forwards", "backwards"])
async def test_entries_are_by_sequence_whatever_their_times(tree: Tree, backwards: bool) -> None:
    async def read(page: Page) -> Slice[Any]:
        async with tree.database.reader() as reader:
            return (await logs_of_runs(reader, tree.runs[:1], ExecutionLogFilter(), page))[0]

    for size in (1, 3, 7):
        walked = await walk(read, lambda entry: (entry.sequence,), size, backwards=backwards)
        assert [(entry.sequence, entry.message) for entry in walked] == [(n + 1, f"{n}") for n in range(7)]


async def test_the_entries_of_many_runs_and_of_many_steps_are_those_of_each(tree: Tree) -> None:
    where = ExecutionLogFilter(min_level=LogLevel.INFO)
    steps = [(run_id, step_id) for run_id, step_ids in zip(tree.runs, tree.steps, strict=True) for step_id in step_ids]
    async with tree.database.reader() as reader:
        for page in PAGES:
            of_runs = [(await logs_of_runs(reader, [id_], where, page))[0] for id_ in tree.runs]
            of_steps = [(await logs_of_steps(reader, [step], where, page))[0] for step in steps]
            assert bare(await logs_of_runs(reader, tree.runs, where, page)) == bare(of_runs)
            assert bare(await logs_of_steps(reader, steps, where, page)) == bare(of_steps)
        assert await count_logs_of_runs(reader, tree.runs, where) == [5, 5, 0]
        assert await count_logs_of_steps(reader, steps, where) == [3, 0, 0, 0, 0, 3]


async def test_a_page_of_entries_knows_the_runs_last_number_also_when_the_filter_hid_it(tree: Tree) -> None:
    unknown = uuid4()
    where = ExecutionLogFilter(levels=(LogLevel.DEBUG,))
    async with tree.database.reader() as reader:
        of_runs = await logs_of_runs(reader, [*tree.runs, unknown], where, Page(1))
        [of_step] = await logs_of_steps(reader, [(tree.runs[0], tree.steps[0][1])], where, Page(1))

    assert [([entry.sequence for entry in got.rows], got.has_more, got.last_sequence) for got in of_runs] == [
        ([1], True, 7),
        ([1], True, 7),
        ([], False, 0),
        ([], False, 0),
    ]
    assert (of_step.rows, of_step.last_sequence) == ([], 7)


async def test_the_child_runs_of_many_steps_are_those_of_each_newest_first(tree: Tree) -> None:
    workflow_id = await a_workflow(tree.database)
    steps = tree.steps[0][:2]
    children = [
        await a_run(tree.database, workflow_id=workflow_id, parent_node_execution_id=step_id)
        for step_id in (steps[0], steps[1], steps[0])
    ]
    async with tree.database.reader() as reader:
        everything = WorkflowExecutionFilter()
        found = await child_runs_of_steps(reader, [*steps, tree.steps[0][2]], everything, Page(1))
        assert await count_child_runs_of_steps(reader, [*steps, tree.steps[0][2]], everything) == [2, 1, 0]

    assert [([run.id for run in got.rows], got.has_more) for got in found] == [
        ([children[2]], True),
        ([children[1]], False),
        ([], False),
    ]


async def test_counts_by_level_and_status_are_those_of_each(tree: Tree) -> None:
    run, step = tree.runs[0], (tree.runs[0], tree.steps[0][0])
    unknown = uuid4()
    async with tree.database.reader() as reader:
        assert await log_counts_of_runs(reader, [unknown, run]) == [
            LogCounts(0, 0, 0, 0, 0),
            LogCounts(7, 2, 2, 2, 1),
        ]
        assert await log_counts_of_steps(reader, [(unknown, unknown), step]) == [
            LogCounts(0, 0, 0, 0, 0),
            LogCounts(3, 0, 2, 0, 1),
        ]
        assert await status_counts_of_runs(reader, [unknown, run]) == [
            NodeStatusCounts(0, 0, 0, 0, 0, 0, 0),
            NodeStatusCounts(5, 5, 0, 0, 0, 0, 0),
        ]


async def test_rows_asked_for_by_id_come_in_the_order_of_the_ids(tree: Tree) -> None:
    unknown = uuid4()
    workflow_id = await a_workflow(tree.database)
    run_ids = [tree.runs[1], unknown, tree.runs[0], tree.runs[1]]
    step_ids = [tree.steps[0][1], unknown, tree.steps[0][0]]
    async with tree.database.reader() as reader:
        found = [
            *(await runs_by_id(reader, run_ids), await steps_by_id(reader, step_ids)),
            *(await workflows_by_id(reader, [unknown, workflow_id]), await nodes_by_id(reader, [unknown])),
        ]
        attempts = await attempts_of_steps(reader, step_ids)

    assert [[row and row.id for row in rows] for rows in found] == [
        [tree.runs[1], None, tree.runs[0], tree.runs[1]],
        [tree.steps[0][1], None, tree.steps[0][0]],
        [None, workflow_id],
        [None],
    ]
    assert attempts == [[], [], []]


# What a follower reads.


async def test_a_tail_goes_on_where_the_last_one_ended(tree: Tree) -> None:
    where = ExecutionLogFilter(levels=(LogLevel.DEBUG, LogLevel.INFO))
    after, tails = 0, []
    async with tree.database.reader() as reader:
        while True:
            tail = await log_tail(reader, tree.runs[0], where, after, 2)
            assert tail is not None
            tails.append(([entry.sequence for entry in tail.entries], tail.last_sequence, tail.has_more, tail.ended))
            after = tail.last_sequence
            if not tail.has_more:
                break

    assert tails == [([1, 2], 2, True, False), ([5, 6], 7, False, False)]


async def test_changes_go_on_where_the_last_ones_ended(tree: Tree) -> None:
    after, changes = 0, []
    async with tree.database.reader() as reader:
        while True:
            change = await run_changes(reader, tree.runs[0], after, 2)
            assert change is not None
            changes.append(([step.id for step in change.steps], change.revision, change.has_more))
            after = change.revision
            if not change.has_more:
                break

    ids = tree.steps[0]
    assert changes == [(ids[0:2], 4, True), (ids[2:4], 6, True), (ids[4:], 7, False)]
    assert (change.run.id, change.ended, change.last_sequence) == (tree.runs[0], False, 7)


async def test_the_tail_of_a_finished_run_says_how_long_it_has_been_quiet(database: Database) -> None:
    run_id = await a_run(database, COMPLETED)
    async with database.reader() as reader:
        tail = await log_tail(reader, run_id, ExecutionLogFilter(), 0, 10)
        gone = await log_tail(reader, uuid7(), ExecutionLogFilter(), 0, 10)
        nothing = await run_changes(reader, uuid7(), 0, 10)

    assert tail is not None
    assert (tail.entries, tail.last_sequence, tail.has_more, tail.ended) == ([], 0, False, True)
    assert timedelta(0) <= timedelta(seconds=tail.quiet_seconds) < timedelta(minutes=1)
    assert (gone, nothing) == (None, None)


async def test_what_changed_is_exactly_what_has_a_later_revision(database: Database) -> None:
    run_id = await a_run(database, RUNNING)
    quiet, busy = [await a_step(database, run_id) for _ in range(2)]
    async with database.session() as session:
        (await session.get_one(NodeExecution, busy)).start()
        await session.commit()
    async with database.reader() as reader:
        feeds = [await run_changes(reader, run_id, after, 10) for after in (2, 3, 4, 5, 9)]

    found = [([step.id for step in feed.steps], feed.revision) for feed in feeds if feed is not None]
    assert found == [([quiet, busy], 5), ([busy], 5), ([busy], 5), ([], 5), ([], 9)]
