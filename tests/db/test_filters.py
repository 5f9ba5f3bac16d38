"""Each filter of each list matches what it says: parts hold together, none is absent, and an empty one is nothing."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select

from db import (
    Database,
    ExecutionLog,
    ExecutionStatus,
    LogLevel,
    Node,
    NodeExecution,
    TriggerType,
    Workflow,
    WorkflowExecution,
)
from db.filters import ExecutionLogFilter, JsonText, NodeExecutionFilter, WorkflowExecutionFilter, WorkflowFilter
from db.paging import Page
from db.queries.execution_logs import count_logs_of_runs, logs_of_runs
from db.queries.following import log_tail
from db.queries.node_executions import count_steps_of_runs, steps_of_runs
from db.queries.workflow_executions import (
    ORDERS,
    RunOrder,
    count_runs,
    count_runs_of_workflows,
    matching_runs,
    page_of_runs,
    runs_of_workflows,
)
from db.queries.workflows import count_workflows, page_of_workflows
from tests.db.builders import CANCELLED, COMPLETED, FAILED, PENDING, RUNNING, SKIPPED, after_noon

Letters = dict[UUID, str]
"""The names by which the tables below call rows."""

PAGE = Page(1000)
MANUAL, EVENT, SCHEDULE = TriggerType.MANUAL, TriggerType.EVENT, TriggerType.SCHEDULE
DEBUG, INFO, WARNING, ERROR = LogLevel


def id_of(letter: str) -> UUID:
    """For instance 01a0dddd-0000-7000-8000-00000000000d."""
    return UUID(f"01a0{letter * 4}-0000-7000-8000-00000000000{letter}")


WORKFLOWS = [
    # name, namespace, key
    ("a", "Trend 100% done", "default", "trend"),
    ("b", "추세 추종", "research", "trend"),
    ("c", "ΟΔΟΣ snake_case", "default", None),
]
RUNS = [
    # workflow, status, trigger, created, started, ended, error message, metadata, runs again
    ("a", "a", COMPLETED, MANUAL, 0, 0, 3, None, {"team": {"id": 7, "tags": ["x", "y"]}}, None),
    ("b", "b", FAILED, EVENT, 1, 0, 10, r"Ошибка соединения C:\temp", {"team": {"id": 8}}, None),
    ("c", "c", PENDING, SCHEDULE, 2, None, None, None, ["x"], None),
    ("d", "c", RUNNING, MANUAL, 3, 0, None, None, "x", "b"),
    ("e", "a", CANCELLED, EVENT, 4, None, 4, "Stopped by hand", None, "a"),
]
STEPS = [
    # status, node, key
    ("a", PENDING, "a", "load"),
    ("b", RUNNING, "b", None),
    ("c", COMPLETED, "a", "LOAD"),
    ("d", SKIPPED, None, "report"),
]
ENTRIES = [
    # level, message, time, step, attempt
    (DEBUG, "Start at 100%", 0, None, None),
    (INFO, "Подключение", 1, "a", 1),
    (WARNING, "ΟΔΟΣ_1", 2, "a", 2),
    (ERROR, r"연결 실패 C:\x", 3, "b", 1),
    (INFO, "100 percent", 0, None, None),
]


async def fill(database: Database) -> None:
    async with database.session() as session:
        for letter, name, namespace, key in WORKFLOWS:
            session.add(Workflow(id=id_of(letter), name=name, namespace=namespace, key=key))
        await session.flush()
        for letter in "ab":
            session.add(Node(id=id_of(letter), workflow_id=id_of("c"), name=letter))
        for letter, workflow, status, trigger, created, started, ended, error, metadata, again in RUNS:
            run = WorkflowExecution(
                id=id_of(letter),
                workflow_id=id_of(workflow),
                status=status,
                trigger_type=trigger,
                created_at=after_noon(created),
                started_at=None if started is None else after_noon(started),
                ended_at=None if ended is None else after_noon(ended),
                error_message=error,
                metadata_=metadata,
                retry_of_id=None if again is None else id_of(again),
            )
            session.add(run)
            await session.flush()
        for letter, status, node, key in STEPS:
            step = NodeExecution(id=id_of(letter), workflow_execution_id=id_of("d"), execution_order=1, name=letter)
            step.status, step.node_id, step.key = status, node and id_of(node), key
            session.add(step)
        await session.flush()
        for level, message, time, step_of, attempt in ENTRIES:
            log = ExecutionLog(workflow_execution_id=id_of("d"), level=level, message=message)
            log.timestamp, log.node_execution_id, log.attempt = after_noon(time), step_of and id_of(step_of), attempt
            session.add(log)
            await session.flush()
        session.add(ExecutionLog(workflow_execution_id=id_of("a"), level=WARNING, message="Not the one"))
        await session.commit()


@pytest.fixture
async def database(shared_database: Database) -> Database:
    """The database of this module, filled by the first test."""
    async with shared_database.read() as connection:
        there = (await connection.execute(select(func.count()).select_from(Workflow))).scalar_one()
    if not there:
        await fill(shared_database)
    return shared_database


def letters(rows: Any) -> str:
    return "".join(sorted(str(row.id)[-1] for row in rows))


def ids(text: str) -> tuple[UUID, ...]:
    return tuple(id_of(letter) for letter in text)


def described(cases: list[tuple[Any, ...]]) -> list[Any]:
    """Each case is called by the fields that it sets."""
    return [
        pytest.param(*case, id=" ".join(f"{name}={value!r:.30}" for name, value in case[0].items()) or "nothing")
        for case in cases
    ]


def metadata(value: Any) -> JsonText:
    return JsonText("", value)


@pytest.mark.parametrize(
    ("where", "found"),
    described(
        [
            ({}, "abcde"),
            ({"namespaces": ("default",)}, "acde"),
            ({"namespaces": ("research", "nowhere")}, "b"),
            ({"namespaces": ("Default",)}, ""),
            ({"namespaces": ()}, ""),
            ({"workflow_ids": ids("bc")}, "bcd"),
            ({"workflow_ids": ()}, ""),
            ({"retry_of_ids": ids("ab")}, "de"),
            ({"retry_of_ids": ids("c")}, ""),
            ({"retry_of_ids": ()}, ""),
            ({"status": (FAILED, PENDING)}, "bc"),
            ({"status": (SKIPPED,)}, ""),
            ({"status": ()}, ""),
            ({"trigger_type": (MANUAL,)}, "ad"),
            ({"trigger_type": ()}, ""),
            ({"created_since": after_noon(1)}, "bcde"),
            ({"created_until": after_noon(3)}, "abc"),
            ({"created_since": after_noon(1), "created_until": after_noon(3)}, "bc"),
            ({"created_since": after_noon(3), "created_until": after_noon(3)}, ""),
            ({"min_duration_seconds": 0}, "ab"),
            ({"min_duration_seconds": 3}, "ab"),
            ({"min_duration_seconds": 3.000001}, "b"),
            ({"min_duration_seconds": 11}, ""),
            ({"has_errors": True}, "d"),
            ({"has_errors": False}, "abce"),
            ({"metadata": metadata({"team": {"id": 7}})}, "a"),
            ({"metadata": metadata({"team": {"id": 7.0}})}, "a"),
            ({"metadata": metadata({"team": {"tags": ["y"]}})}, "a"),
            ({"metadata": metadata({"team": {}})}, "ab"),
            ({"metadata": metadata({"team": 7})}, ""),
            ({"metadata": metadata({})}, "ab"),
            ({"metadata": metadata(["x"])}, "c"),
            ({"metadata": metadata("x")}, "cd"),
            ({"namespaces": ("default",), "has_errors": False, "search": "trend"}, "ae"),
            ({"namespaces": ("research",), "status": (RUNNING,)}, ""),
            ({"search": "trend", "status": ()}, ""),
        ]
    ),
)
async def test_runs_are_narrowed(database: Database, where: dict[str, Any], found: str) -> None:
    await assert_runs(database, WorkflowExecutionFilter(**where), found)


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("", "abcde"),
        ("TREND", "ae"),
        ("0% D", "ae"),
        ("0_ d", ""),
        ("%", "ae"),
        ("_", "cd"),
        ("\\", "b"),
        ("c:\\TEMP", "b"),
        ("추세", "b"),
        ("추세추종", ""),
        ("οδοσ", "cd"),
        ("οδος", "cd"),
        ("ОШИБКА СОЕДИНЕНИЯ", "b"),
        ("stopped BY", "e"),
        ("01a0", "abcde"),
        ("01A0BBBB", "b"),
        ("01a0bbbb-0000-7000-8000-00000000000b", "b"),
        ("01a0bbbb-0000-", "b"),
        ("01a0bbbb0000", ""),
        ("1a0bbbb", ""),
        ("01a0bbbb-0000-7000-8000-00000000000b0", ""),
        ("nothing of the kind", ""),
    ],
)
async def test_runs_are_found_by_the_workflows_name_the_error_message_or_the_ids_beginning(
    database: Database, search: str, found: str
) -> None:
    await assert_runs(database, WorkflowExecutionFilter(search=search), found)


async def assert_runs(database: Database, where: WorkflowExecutionFilter, found: str) -> None:
    order = ORDERS[RunOrder.CREATED_AT, True]
    workflows = ids("abc")
    async with database.reader() as reader:
        page = await page_of_runs(reader, where, order, PAGE)
        matching = await matching_runs(reader, [id_of(letter) for letter in "abcde"], where)
        counted = await count_runs(reader, where)
        of_each = await runs_of_workflows(reader, workflows, where, order, PAGE)
        counted_of_each = await count_runs_of_workflows(reader, workflows, where)

    assert (letters(page.rows), counted) == (found, len(found))
    assert matching == list(page.rows)
    assert letters(row for rows in of_each for row in rows.rows) == found
    assert counted_of_each == [len(rows.rows) for rows in of_each]


@pytest.mark.parametrize(
    ("where", "found"),
    described(
        [
            ({}, "12345"),
            ({"min_level": DEBUG}, "12345"),
            ({"min_level": WARNING}, "34"),
            ({"levels": (DEBUG, ERROR)}, "14"),
            ({"min_level": INFO, "levels": (DEBUG, ERROR)}, "4"),
            ({"min_level": ERROR, "levels": (INFO,)}, ""),
            ({"levels": ()}, ""),
            ({"since": after_noon(1)}, "234"),
            ({"until": after_noon(2)}, "125"),
            ({"since": after_noon(1), "until": after_noon(3)}, "23"),
            ({"node_execution_ids": ids("a")}, "23"),
            ({"node_execution_ids": ids("abc")}, "234"),
            ({"node_execution_ids": ()}, ""),
            ({"attempt": 1}, "24"),
            ({"attempt": 3}, ""),
            ({"from_sequence": 2}, "2345"),
            ({"to_sequence": 2}, "12"),
            ({"from_sequence": 2, "to_sequence": 4}, "234"),
            ({"from_sequence": 4, "to_sequence": 2}, ""),
            ({"node_execution_ids": ids("a"), "attempt": 2, "min_level": INFO, "to_sequence": 4}, "3"),
        ]
    ),
)
async def test_entries_are_narrowed(database: Database, where: dict[str, Any], found: str) -> None:
    filter_ = ExecutionLogFilter(**where)
    await assert_entries(database, filter_, found)
    async with database.reader() as reader:
        [entries] = await logs_of_runs(reader, [id_of("d")], ExecutionLogFilter(), PAGE)

    assert "".join(f"{entry.sequence}" for entry in entries.rows if filter_.matches(entry)) == found


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("", "12345"),
        ("100", "15"),
        ("100%", "1"),
        ("START", "1"),
        ("ПОДКЛЮЧЕНИЕ", "2"),
        ("οδος", "3"),
        ("_", "3"),
        ("연결 실패", "4"),
        ("c:\\X", "4"),
        ("nothing", ""),
    ],
)
async def test_entries_are_found_by_text_in_the_message(database: Database, search: str, found: str) -> None:
    await assert_entries(database, ExecutionLogFilter(search=search), found)


async def assert_entries(database: Database, where: ExecutionLogFilter, found: str) -> None:
    async with database.reader() as reader:
        [page] = await logs_of_runs(reader, [id_of("d")], where, PAGE)
        counted = await count_logs_of_runs(reader, [id_of("d")], where)
        tail = await log_tail(reader, id_of("d"), where, 0, 1000)

    assert tail is not None
    assert "".join(f"{entry.sequence}" for entry in page.rows) == found
    assert "".join(f"{entry.sequence}" for entry in tail.entries) == found
    assert (counted, tail.last_sequence) == ([len(found)], 5)


@pytest.mark.parametrize(
    ("where", "found"),
    described(
        [
            ({}, "abcd"),
            ({"status": (PENDING, SKIPPED)}, "ad"),
            ({"status": ()}, ""),
            ({"node_ids": ids("a")}, "ac"),
            ({"node_ids": ids("ab")}, "abc"),
            ({"node_ids": ()}, ""),
            ({"keys": ("load", "report")}, "ad"),
            ({"keys": ("repo",)}, ""),
            ({"keys": ()}, ""),
            ({"status": (COMPLETED,), "node_ids": ids("a"), "keys": ("LOAD",)}, "c"),
            ({"status": (PENDING,), "keys": ("LOAD",)}, ""),
        ]
    ),
)
async def test_steps_are_narrowed(database: Database, where: dict[str, Any], found: str) -> None:
    filter_ = NodeExecutionFilter(**where)
    async with database.reader() as reader:
        [page] = await steps_of_runs(reader, [id_of("d")], filter_, PAGE)
        counted = await count_steps_of_runs(reader, [id_of("d")], filter_)

    assert (letters(page.rows), counted) == (found, [len(found)])


@pytest.mark.parametrize(
    ("where", "found"),
    described(
        [
            ({}, "abc"),
            ({"namespaces": ("default",)}, "ac"),
            ({"namespaces": ("default", "research")}, "abc"),
            ({"namespaces": ()}, ""),
            ({"search": "Trend"}, "ab"),
            ({"search": "100%"}, "a"),
            ({"search": "%"}, "a"),
            ({"search": "_"}, "c"),
            ({"search": "추종"}, "b"),
            ({"search": "οδος SNAKE"}, "c"),
            ({"search": ""}, "abc"),
            ({"search": "nothing"}, ""),
            ({"namespaces": ("research",), "search": "trend"}, "b"),
        ]
    ),
)
async def test_workflows_are_narrowed(database: Database, where: dict[str, Any], found: str) -> None:
    filter_ = WorkflowFilter(**where)
    async with database.reader() as reader:
        page = await page_of_workflows(reader, filter_, PAGE)
        counted = await count_workflows(reader, filter_)

    assert (letters(page.rows), counted) == (found, len(found))


@pytest.mark.parametrize("status", ExecutionStatus)
async def test_each_status_finds_its_runs(database: Database, status: ExecutionStatus) -> None:
    found = "".join(letter for letter, _, own, *_ in RUNS if own is status)
    await assert_runs(database, WorkflowExecutionFilter(status=(status,)), found)
