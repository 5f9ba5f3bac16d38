"""The plans of what dashboards read: the rows of a page are found by an index, whatever the size of the table."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from benchmarks.sizes import Sizes
from benchmarks.texts import ARCHIVE
from db import Database, ExecutionStatus, LogLevel, TriggerType
from db.filters import ExecutionLogFilter, JsonText, NodeExecutionFilter, WorkflowExecutionFilter, WorkflowFilter
from db.models.access_paths import ANY_ORDER, NEWEST_FIRST, OTHER_ORDERS
from db.paging import Page, Position
from db.queries.execution_logs import logs_of_runs, logs_of_steps
from db.queries.node_executions import attempts_of_steps, steps_by_id, steps_of_runs
from db.queries.workflow_execution_stats import stats_of_runs
from db.queries.workflow_executions import (
    ORDERS,
    RunOrder,
    child_runs_of_steps,
    log_counts_of_runs,
    log_counts_of_steps,
    page_of_runs,
    runs_by_id,
    runs_of_workflows,
    status_counts_of_runs,
)
from db.queries.workflows import page_of_workflows
from db.reader import R, Reader
from db.secrets import Secrets
from db.statement import Statement
from tests.filled_database import filled_database

SIZES = Sizes(runs=8_000, steps=40_000, entries=150_000, workflows=40, longest_log=60_000, widest_run=2_000)
LARGE = {
    "workflow_executions",
    "node_executions",
    "node_execution_attempts",
    "execution_logs",
    "execution_counters",
}
LIMIT = 50
NEWEST = ORDERS[RunOrder.CREATED_AT, True]
Read = Callable[[Reader], Awaitable[Any]]
Node = dict[str, Any]


@dataclass
class Known:
    """Some ids of the filled database."""

    url: str
    workflow: UUID
    large_workflow: UUID
    workflows: list[UUID]
    long_run: UUID
    wide_run: UUID
    step: UUID
    steps: list[UUID]
    parent_step: UUID
    retried_run: UUID
    newest: datetime


@pytest.fixture(scope="module")
def filled_url() -> Iterator[str]:
    with filled_database(SIZES) as url:
        yield url


@pytest.fixture
async def known(filled_url: str) -> AsyncIterator[Known]:
    async with Database(filled_url) as database, database.read() as connection:

        async def column(statement: str) -> list[Any]:
            return list((await connection.execute(text(statement))).scalars())

        steps = "SELECT id FROM node_executions WHERE workflow_execution_id = '{}' ORDER BY execution_order LIMIT 200"
        largest = "SELECT workflow_execution_id FROM {} GROUP BY 1 ORDER BY count(*) DESC LIMIT 1"
        runs = "workflow_executions"
        (long_run,) = await column(largest.format("execution_logs"))
        (wide_run,) = await column(largest.format("node_executions"))
        long_steps = await column(steps.format(long_run))
        yield Known(
            url=filled_url,
            workflow=(await column("SELECT id FROM workflows WHERE name = 'workflow 7'"))[0],
            large_workflow=(await column(f"SELECT workflow_id FROM {runs} GROUP BY 1 ORDER BY count(*) DESC"))[0],
            workflows=await column("SELECT id FROM workflows"),
            long_run=long_run,
            wide_run=wide_run,
            step=long_steps[0],
            steps=await column(steps.format(wide_run)),
            parent_step=(await column(f"SELECT max(parent_node_execution_id::text)::uuid FROM {runs}"))[0],
            retried_run=(await column(f"SELECT max(retry_of_id::text)::uuid FROM {runs}"))[0],
            newest=(await column(f"SELECT max(created_at) FROM {runs}"))[0],
        )


class Explaining(Reader):
    """Asks PostgreSQL what it does for each statement; gives no rows."""

    plans: list[Node]

    async def rows(
        self, statement: Statement, values: Mapping[str, Any], record: type[R], *, are_many: bool = True
    ) -> list[R]:
        """Keep the plan."""
        explain = f"EXPLAIN (ANALYZE, FORMAT JSON) {statement.sql}"
        ((explained,),) = await self.connection.fetch(explain, *statement.arguments(values))
        self.plans.append(json.loads(explained)[0]["Plan"])
        return []


async def plan_of(url: str, read: Read) -> Node:
    """What PostgreSQL did for a read of one statement."""
    async with Database(url) as database, database.readers.lend() as connection:
        reader = Explaining(connection)
        reader.plans = []
        await read(reader)
    (plan,) = reader.plans
    return plan


def nodes(plan: Node) -> Iterator[Node]:
    """All nodes of a plan."""
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


def rows_read(node: Node) -> float:
    """How many rows a node looked at."""
    removed = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
    return float((node["Actual Rows"] + removed) * node["Actual Loops"])


def check(plan: Node, most: float) -> None:
    """No sequential scan of a large table, no sort of more than `most` rows, nor more than so many looked at."""
    for node in nodes(plan):
        shown = json.dumps(plan, indent=1)
        assert not (node["Node Type"] == "Seq Scan" and node["Relation Name"] in LARGE), shown
        if "Sort" in node["Node Type"]:
            assert sum(child["Actual Rows"] * child["Actual Loops"] for child in node["Plans"]) <= most, shown
        if node.get("Relation Name") in LARGE or "Index Name" in node:
            assert rows_read(node) <= most, shown


def indexes(plan: Node) -> set[str]:
    """The names of the indexes that a plan uses."""
    return {node["Index Name"] for node in nodes(plan) if "Index Name" in node}


def runs(
    order: RunOrder = RunOrder.CREATED_AT, *, descending: bool = True, page: Page | None = None, **where: Any
) -> Read:
    """Read a page of runs."""
    filter_ = WorkflowExecutionFilter(**where)
    return lambda reader: page_of_runs(reader, filter_, ORDERS[order, descending], page or Page(LIMIT))


def logs(known: Known, page: Page, **where: Any) -> Read:
    """Read a page of the longest log."""
    return lambda reader: logs_of_runs(reader, [known.long_run], ExecutionLogFilter(**where), page)


FILTERS: dict[str, Callable[[Known], dict[str, Any]]] = {
    "": lambda _: {},
    "workflow_id": lambda known: {"workflow_ids": (known.workflow,)},
    "status": lambda _: {"status": (ExecutionStatus.FAILED,)},
    "namespace": lambda _: {"namespaces": (ARCHIVE,)},
    "trigger_type": lambda _: {"trigger_type": (TriggerType.MANUAL,)},
}
MIDDLE: dict[RunOrder, Position] = {
    RunOrder.DURATION: (timedelta(seconds=55), UUID(int=0)),
    **dict.fromkeys(
        (RunOrder.CREATED_AT, RunOrder.STARTED_AT, RunOrder.ENDED_AT),
        (SIZES.until - timedelta(days=SIZES.days / 2), UUID(int=0)),
    ),
}
IN_ORDER = [
    *((narrowed_by, RunOrder.CREATED_AT) for narrowed_by in NEWEST_FIRST),
    *((narrowed_by, RunOrder(order)) for order in OTHER_ORDERS for narrowed_by in ANY_ORDER),
]


@pytest.mark.parametrize("descending", [True, False], ids=["descending", "ascending"])
@pytest.mark.parametrize("backwards", [False, True], ids=["first", "last"])
@pytest.mark.parametrize(("narrowed_by", "order"), IN_ORDER)
async def test_an_index_gives_the_order_of_a_list_of_runs_from_any_place_on(
    known: Known, narrowed_by: str, order: RunOrder, backwards: bool, descending: bool
) -> None:
    where = FILTERS[narrowed_by](known)
    index = "_".join(filter(None, ("ix_workflow_executions", narrowed_by, order.value, "id")))
    for after, before in ((None, None), (MIDDLE[order], None), (None, MIDDLE[order])):
        page = Page(LIMIT, backwards, after, before)
        plan = await plan_of(known.url, runs(order, descending=descending, page=page, **where))
        check(plan, 3 * LIMIT)
        assert index in indexes(plan)


@pytest.mark.parametrize("order", RunOrder)
@pytest.mark.parametrize(
    "narrowed_by", ["large_workflow", "completed", "completed or failed", "default", "failed of a workflow"]
)
async def test_a_list_that_most_runs_match_or_that_is_narrowed_twice_reads_few_runs(
    known: Known, narrowed_by: str, order: RunOrder
) -> None:
    where: dict[str, Any] = {
        "large_workflow": {"workflow_ids": (known.large_workflow,)},
        "completed": {"status": (ExecutionStatus.COMPLETED,)},
        "completed or failed": {"status": (ExecutionStatus.COMPLETED, ExecutionStatus.FAILED)},
        "default": {"namespaces": ("default",)},
        "failed of a workflow": {"workflow_ids": (known.workflow,), "status": (ExecutionStatus.FAILED,)},
    }[narrowed_by]
    check(await plan_of(known.url, runs(order, page=Page(LIMIT, after=MIDDLE[order]), **where)), SIZES.runs / 10)


OTHER_LISTS_OF_RUNS: dict[str, tuple[Callable[[Known], Read], str, float]] = {
    "created in a time": (
        lambda known: runs(created_since=known.newest - timedelta(days=2), created_until=known.newest),
        "ix_workflow_executions_created_at_id",
        2 * LIMIT,
    ),
    "of long ago": (
        lambda known: runs(created_until=known.newest - timedelta(days=300)),
        "ix_workflow_executions_created_at_id",
        2 * LIMIT,
    ),
    "that took long": (lambda _: runs(min_duration_seconds=3_000), "ix_workflow_executions_duration_id", LIMIT),
    "with a customer": (
        lambda _: runs(metadata=JsonText("", {"customer": "c17"})),
        "ix_workflow_executions_metadata",
        LIMIT,
    ),
    "with an error message": (lambda _: runs(search="warehouse"), "ix_workflow_executions_messages", 20 * LIMIT),
    "with no such message": (lambda _: runs(search="nothing"), "ix_workflow_executions_message_trigrams", LIMIT),
    "with an error message, for who sees no secrets": (
        lambda _: runs(search="warehouse", masked=Secrets().patterns),
        "ix_workflow_executions_messages",
        20 * LIMIT,
    ),
    "of a workflow's name": (
        lambda _: runs(search="YEARLY"),
        "ix_workflow_executions_workflow_id_created_at_id",
        SIZES.runs / 10,
    ),
    "of all workflows' names": (
        lambda _: runs(search="workflow"),
        "ix_workflow_executions_workflow_id_created_at_id",
        SIZES.workflows * LIMIT * 1.1,
    ),
    "with an id": (lambda known: runs(search=str(known.long_run)), "pk_workflow_executions", SIZES.runs / 10),
    "with errors": (lambda _: runs(has_errors=True), "ix_execution_counters_erring", 20 * LIMIT),
    "without errors": (lambda _: runs(has_errors=False), "ix_workflow_executions_created_at_id", 3 * LIMIT),
    "that ran again": (
        lambda known: runs(retry_of_ids=(known.retried_run,)),
        "ix_workflow_executions_retry_of_id",
        LIMIT,
    ),
    "of every workflow, the slowest": (
        lambda known: (
            lambda reader: runs_of_workflows(
                reader, known.workflows, WorkflowExecutionFilter(), ORDERS[RunOrder.DURATION, True], Page(5)
            )
        ),
        "ix_workflow_executions_workflow_id_duration_id",
        SIZES.workflows * 6,
    ),
    "that a step started": (
        lambda known: (
            lambda reader: child_runs_of_steps(reader, [known.parent_step], WorkflowExecutionFilter(), Page(LIMIT))
        ),
        "ix_workflow_executions_parent_node_execution_id",
        LIMIT,
    ),
    "by id": (lambda known: lambda reader: runs_by_id(reader, [known.long_run]), "pk_workflow_executions", 1),
}


@pytest.mark.parametrize("path", OTHER_LISTS_OF_RUNS)
async def test_an_index_finds_the_runs(known: Known, path: str) -> None:
    read, index, most = OTHER_LISTS_OF_RUNS[path]
    plan = await plan_of(known.url, read(known))
    check(plan, most)
    assert index in indexes(plan)


STEPS_AND_ENTRIES: dict[str, tuple[Callable[[Known], Read], str, float]] = {
    "steps of a run": (
        lambda known: (
            lambda reader: steps_of_runs(
                reader, [known.wide_run], NodeExecutionFilter(), Page(LIMIT, after=(1_000, UUID(int=0)))
            )
        ),
        "ix_node_executions_workflow_execution_id_execution_order_id",
        2 * LIMIT,
    ),
    "the first steps of a run": (
        lambda known: lambda reader: steps_of_runs(reader, [known.wide_run], NodeExecutionFilter(), Page(LIMIT)),
        "ix_node_executions_workflow_execution_id_execution_order_id",
        2 * LIMIT,
    ),
    "a step by its key": (
        lambda known: (
            lambda reader: steps_of_runs(
                reader, [known.wide_run], NodeExecutionFilter(keys=("step-1999",)), Page(LIMIT)
            )
        ),
        "uq_node_executions_workflow_execution_id_key",
        LIMIT,
    ),
    "steps by id": (lambda known: lambda reader: steps_by_id(reader, known.steps), "pk_node_executions", 400),
    "tries of steps": (
        lambda known: lambda reader: attempts_of_steps(reader, known.steps),
        "pk_node_execution_attempts",
        400,
    ),
    "status counts": (
        lambda known: lambda reader: status_counts_of_runs(reader, [known.long_run]),
        "uq_node_executions_workflow_execution_id_id",
        100,
    ),
    "log counts": (
        lambda known: lambda reader: log_counts_of_runs(reader, [known.long_run]),
        "pk_execution_counters",
        1,
    ),
    "the tail": (lambda known: logs(known, Page(1_000, True)), "pk_execution_logs", 1_001),
    "entries after a place": (lambda known: logs(known, Page(1_000, after=(30_000,))), "pk_execution_logs", 1_001),
    "entries of a range": (
        lambda known: logs(known, Page(1_000, True), from_sequence=20_000, to_sequence=30_000),
        "pk_execution_logs",
        1_001,
    ),
    "errors": (lambda known: logs(known, Page(LIMIT, True), levels=(LogLevel.ERROR,)), "ix_execution_logs_errors", 51),
    "warnings": (
        lambda known: logs(known, Page(LIMIT, True), min_level=LogLevel.WARNING),
        "ix_execution_logs_problems",
        51,
    ),
    "the last errors of each step": (
        lambda known: (
            lambda reader: logs_of_steps(
                reader,
                [(known.wide_run, step) for step in known.steps[:20]],
                ExecutionLogFilter(levels=(LogLevel.ERROR,)),
                Page(10, True),
            )
        ),
        "ix_execution_logs_errors",
        1_000,
    ),
    "entries of a step": (
        lambda known: (
            lambda reader: logs_of_steps(
                reader, [(known.long_run, known.step)], ExecutionLogFilter(), Page(LIMIT, True)
            )
        ),
        "ix_execution_logs_node",
        51,
    ),
}


@pytest.mark.parametrize("path", STEPS_AND_ENTRIES)
async def test_an_index_finds_the_steps_and_entries(known: Known, path: str) -> None:
    read, index, most = STEPS_AND_ENTRIES[path]
    plan = await plan_of(known.url, read(known))
    check(plan, most)
    assert index in indexes(plan)


async def test_the_counts_of_entries_of_steps_read_these_entries(known: Known) -> None:
    steps = [(known.wide_run, step) for step in known.steps[:20]]
    check(await plan_of(known.url, lambda reader: log_counts_of_steps(reader, steps)), 1_000)


async def test_the_statistics_of_a_time_read_the_runs_of_that_time(known: Known) -> None:
    where = WorkflowExecutionFilter(created_since=known.newest - timedelta(days=7))
    plan = await plan_of(known.url, lambda reader: stats_of_runs(reader, where, None, "UTC"))
    check(plan, SIZES.runs / SIZES.days * 8)
    assert indexes(plan) == {"ix_workflow_executions_created_at_id"}


async def test_workflows_are_read_newest_first(known: Known) -> None:
    plan = await plan_of(known.url, lambda reader: page_of_workflows(reader, WorkflowFilter(search="7"), Page(LIMIT)))
    assert not any(node.get("Relation Name") in LARGE for node in nodes(plan))


async def test_no_index_is_there_without_a_reader(known: Known) -> None:
    """Every index that no constraint needs is one of those named above, or serves a writer."""
    for_writers = {
        "ix_workflow_executions_watched",  # runs that are no longer heard of
        "ix_node_executions_node_id",  # deleting a definition
        "ix_node_executions_workflow_execution_id_parent_id",  # deleting a run
    }
    for_followers = {"ix_node_executions_workflow_execution_id_revision"}
    tested = {
        *("_".join(filter(None, ("ix_workflow_executions", by, order.value, "id"))) for by, order in IN_ORDER),
        *(index for _, index, _ in OTHER_LISTS_OF_RUNS.values()),
        *(index for _, index, _ in STEPS_AND_ENTRIES.values()),
    }
    async with Database(known.url) as database, database.read() as connection:
        found = await connection.execute(
            text(
                "SELECT indexrelid::regclass::text FROM pg_index"
                " WHERE NOT indisunique AND indrelid = ANY(CAST(:tables AS text[])::regclass[])"
            ),
            {"tables": sorted(LARGE)},
        )
    assert set(found.scalars()) - tested == for_writers | for_followers
