"""A walk over the pages of a list gives the list: every row once, in order, from either end, whatever happens."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cmp_to_key
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from db import (
    Database,
    ExecutionLog,
    ExecutionStatus,
    LogLevel,
    TriggerType,
    Workflow,
    WorkflowExecution,
)
from db.filters import JsonText, WorkflowExecutionFilter, WorkflowFilter
from db.paging import Page, Slice
from db.queries.workflow_executions import (
    ORDERS,
    RunOrder,
    count_runs,
    count_runs_of_workflows,
    log_counts_of_runs,
    page_of_runs,
    runs_of_workflows,
)
from db.queries.workflows import page_of_workflows
from db.records import WorkflowExecutionRecord
from tests.db.builders import CANCELLED, COMPLETED, FAILED, NOON, PENDING, RUNNING, Read, after_noon, bare, walk

Run = WorkflowExecutionRecord

ALL = WorkflowExecutionFilter()
CONFIGURATIONS = [
    pytest.param(by, descending, id=f"{by.name} {'DESC' if descending else 'ASC'}") for by, descending in ORDERS
]

# Created in a few moments, so that ties abound, and started and ended in all ways that there are.
STATES = [
    (PENDING, None, None),
    (RUNNING, 0, None),
    (RUNNING, 5, None),
    (COMPLETED, 0, 3),
    (COMPLETED, 5, 8),
    (FAILED, 2, 2),
    (FAILED, 0, 86_400 * 40),
    (CANCELLED, None, 4),
    (CANCELLED, 1, 4),
]
WORKFLOWS = ("Alpha", "Alphabet", "Ωmega 100%")


@dataclass
class Filled:
    """A database with runs in it, and what is known of them."""

    database: Database
    runs: list[Run]
    workflow_names: dict[UUID, str]
    erring: set[UUID]


def in_all_states(workflow_id: UUID) -> Iterator[WorkflowExecution]:
    for status, started, ended in STATES:
        yield WorkflowExecution(
            workflow_id=workflow_id,
            trigger_type=TriggerType.EVENT,
            status=status,
            created_at=after_noon(2),
            started_at=None if started is None else after_noon(started),
            ended_at=None if ended is None else after_noon(ended),
        )


async def fill(database: Database) -> None:
    async with database.session() as session:
        workflows = [Workflow(name=name, created_at=NOON) for name in WORKFLOWS]
        session.add_all(workflows)
        await session.flush()
        runs = (run for workflow in workflows for run in in_all_states(workflow.id))
        for number, run in enumerate(runs):
            run.created_at = after_noon(number % 5)
            run.error_message = "Alpha broke at 100%" if run.status is FAILED and number % 2 else None
            run.metadata_ = {"number": number % 4}
            session.add(run)
            if number % 3 == 1:
                level = LogLevel.ERROR if number % 2 else LogLevel.WARNING
                session.add(ExecutionLog(workflow_execution_id=run.id, level=level, message="m"))
        await session.commit()


@pytest.fixture
async def filled(shared_database: Database) -> Filled:
    """The database of this module, filled by the first test that asks for it."""
    async with shared_database.read() as connection:
        there = (await connection.execute(select(func.count()).select_from(Workflow))).scalar_one()
    if not there:
        await fill(shared_database)
    async with shared_database.read() as connection:
        names = {row.id: row.name for row in await connection.execute(select(Workflow.id, Workflow.name))}
    async with shared_database.reader() as reader:
        runs = (await page_of_runs(reader, ALL, ORDERS[RunOrder.CREATED_AT, True], Page(1000))).rows
        counts = await log_counts_of_runs(reader, [run.id for run in runs])
    erring = {run.id for run, count in zip(runs, counts, strict=True) if count.error}
    return Filled(shared_database, list(runs), names, erring)


def key_of(by: RunOrder, run: Run) -> Any:
    if by is RunOrder.DURATION:
        return None if run.started_at is None or run.ended_at is None else run.ended_at - run.started_at
    return getattr(run, by.value)


def in_order(runs: Sequence[Run], by: RunOrder, descending: bool) -> list[Run]:
    """The runs as the contract orders them: no key comes last in both directions, then the id decides."""

    def compare(left: Run, right: Run) -> int:
        a, b = key_of(by, left), key_of(by, right)
        if (a is None) is not (b is None):
            return 1 if a is None else -1
        before = (a, left.id) < (b, right.id) if a is not None else left.id < right.id
        return -1 if before is not descending else 1

    return sorted(runs, key=cmp_to_key(compare))


def runs_read(filled: Filled, by: RunOrder, descending: bool, where: WorkflowExecutionFilter = ALL) -> Read:
    async def read(page: Page) -> Slice[Any]:
        async with filled.database.reader() as reader:
            return await page_of_runs(reader, where, ORDERS[by, descending], page)

    return read


# Runs.


@pytest.mark.parametrize("backwards", [False, True], ids=["forwards", "backwards"])
@pytest.mark.parametrize(("by", "descending"), CONFIGURATIONS)
async def test_walking_the_pages_of_runs_gives_the_list(
    filled: Filled, by: RunOrder, descending: bool, backwards: bool
) -> None:
    read = runs_read(filled, by, descending)
    whole = in_order(filled.runs, by, descending)

    for size in (1, 5, len(whole) - 1, len(whole), len(whole) + 1):
        assert await walk(read, lambda run: (key_of(by, run), run.id), size, backwards=backwards) == whole


@pytest.mark.parametrize(("by", "descending"), CONFIGURATIONS)
async def test_a_page_of_no_rows_tells_whether_there_are_any(filled: Filled, by: RunOrder, descending: bool) -> None:
    read = runs_read(filled, by, descending)
    last = in_order(filled.runs, by, descending)[-1]

    assert await read(Page(0)) == Slice([], True)
    assert await read(Page(0, after=(key_of(by, last), last.id))) == Slice([], False)


@pytest.mark.parametrize("by", RunOrder)
async def test_whatever_is_added_meanwhile_repeats_and_skips_nothing(database: Database, by: RunOrder) -> None:
    await fill(database)

    async def add_runs(workflow_id: UUID) -> None:
        async with database.session() as session:
            session.add_all(in_all_states(workflow_id))
            await session.commit()

    for descending in (False, True):
        for backwards in (False, True):
            read = runs_read(Filled(database, [], {}, set()), by, descending)
            there = list((await read(Page(1000))).rows)
            seen: list[Run] = []

            async def read_and_add(page: Page, read: Read = read, there: list[Run] = there, seen: Any = seen) -> Any:
                got = await read(page)
                await add_runs(there[0].workflow_id)
                seen.extend(run for run in got.rows if run in there)
                return Slice(got.rows, got.has_more and len(seen) < len(there))

            await walk(read_and_add, lambda run: (key_of(by, run), run.id), 25, backwards=backwards)
            assert sorted(run.id for run in seen) == sorted(run.id for run in there)


def matches(filled: Filled, run: Run, where: WorkflowExecutionFilter) -> bool:
    """What the filter says, once more."""
    search = None if where.search is None else where.search.lower()
    duration = run.duration_seconds
    return (
        (where.status is None or run.status in where.status)
        and (where.workflow_ids is None or run.workflow_id in where.workflow_ids)
        and (where.created_since is None or run.created_at >= where.created_since)
        and (where.created_until is None or run.created_at < where.created_until)
        and (where.has_errors is None or (run.id in filled.erring) is where.has_errors)
        and (where.metadata is None or where.metadata.value.items() <= json.loads(run.metadata_).items())
        and (where.min_duration_seconds is None or (duration is not None and duration >= where.min_duration_seconds))
        and (
            search is None
            or search in filled.workflow_names[run.workflow_id].lower()
            or search in (run.error_message or "").lower()
            or str(run.id).startswith(search)
        )
    )


FILTERS = st.builds(
    WorkflowExecutionFilter,
    status=st.none() | st.lists(st.sampled_from(ExecutionStatus), max_size=3).map(tuple),
    created_since=st.none() | st.integers(0, 5).map(after_noon),
    created_until=st.none() | st.integers(0, 5).map(after_noon),
    min_duration_seconds=st.sampled_from([None, None, 0, 3, 4]),
    has_errors=st.none() | st.booleans(),
    search=st.sampled_from([None, None, "alpha", "ALPHABET", "100%", "broke", "ω", "a", "", "0", "nothing"]),
    metadata=st.none() | st.integers(0, 4).map(lambda number: JsonText(f"{number}", {"number": number})),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    where=FILTERS,
    order=st.sampled_from(list(ORDERS)),
    limit=st.integers(0, 12),
    backwards=st.booleans(),
    ends=st.tuples(*[st.none() | st.integers(0, 26)] * 2),
    per_parent=st.booleans(),
)
async def test_any_page_of_runs_is_what_the_model_says(
    filled: Filled,
    where: WorkflowExecutionFilter,
    order: tuple[RunOrder, bool],
    limit: int,
    backwards: bool,
    ends: tuple[int | None, int | None],
    per_parent: bool,
) -> None:
    whole = in_order(filled.runs, *order)
    low, high = (None if end is None else (key_of(order[0], whole[end]), whole[end].id) for end in ends)
    page = Page(limit, backwards, after=low, before=high)
    between = whole[0 if ends[0] is None else ends[0] + 1 : ends[1]]

    def expected(workflow_id: UUID | None = None) -> Slice[Run]:
        of_parent = [run for run in between if workflow_id in (None, run.workflow_id)]
        found = [run for run in of_parent if matches(filled, run, where)]
        kept = found[len(found) - limit if len(found) > limit else 0 :] if backwards else found[:limit]
        return Slice(kept, len(found) > limit)

    async with filled.database.reader() as reader:
        if per_parent:
            ids = list(filled.workflow_names)
            pages = await runs_of_workflows(reader, ids, where, ORDERS[order], page)
            wanted = [expected(workflow_id) for workflow_id in ids]
        else:
            pages = [await page_of_runs(reader, where, ORDERS[order], page)]
            wanted = [expected()]
        count = await count_runs(reader, where)

    assert bare(pages) == bare(wanted)
    assert count == sum(matches(filled, run, where) for run in filled.runs)


# Per parent.


PAGES = [Page(1), Page(3), Page(100), Page(3, backwards=True), Page(0)]


@pytest.mark.parametrize(("by", "descending"), CONFIGURATIONS)
async def test_the_runs_of_many_workflows_are_those_of_each(filled: Filled, by: RunOrder, descending: bool) -> None:
    ids = [*filled.workflow_names, uuid4()]
    order = ORDERS[by, descending]
    async with filled.database.reader() as reader:
        for page in PAGES:
            many = await runs_of_workflows(reader, ids, ALL, order, page)
            single = [
                await page_of_runs(reader, WorkflowExecutionFilter(workflow_ids=(id_,)), order, page) for id_ in ids
            ]
            assert bare(many) == bare(single)
        assert await count_runs_of_workflows(reader, ids, ALL) == [9, 9, 9, 0]


# Definitions.


async def test_walking_the_pages_of_workflows_gives_the_list(filled: Filled) -> None:
    async def read(page: Page) -> Slice[Any]:
        async with filled.database.reader() as reader:
            return await page_of_workflows(reader, WorkflowFilter(), page)

    expected = sorted(filled.workflow_names, reverse=True)  # all of one moment: the id decides
    for backwards in (False, True):
        walked = await walk(read, lambda workflow: (workflow.created_at, workflow.id), 1, backwards=backwards)
        assert [workflow.id for workflow in walked] == expected
