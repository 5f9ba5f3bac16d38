"""Any list of runs, and any log, is what one gets by doing the same in Python over all rows, page after page."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api_server import ApiServer
from tests.conftest import connect_options
from tests.graphql_api.run_table import RunRow, in_order, matches

BEGAN = datetime(2026, 1, 12, tzinfo=UTC)
WORKFLOWS = [
    (UUID("018f0000-0000-7000-8000-00000000000a"), "default", "Nightly 100%"),
    (UUID("018f0000-0000-7000-8000-00000000000b"), "default", "Größen_prüfung"),
    (UUID("018f0000-0000-7000-8000-00000000000c"), "billing", "ЗАКАЗЫ"),
]
NAMES = {id_: name for id_, _, name in WORKFLOWS}
TEXTS = ["Timed out", "no such file: a_b", "주문 오류", "заказ отклонён", "100 done", r"C:\temp", "ΟΔΟΣ"]
SEARCHES = ["TIMED", "%", "_", "0%", "주문", "Заказ", "GRÖẞEN", "οδος", "\\", "", "018f", "018F1", "nowhere"]
METADATA = [None, {}, {"a": 1}, {"a": 1, "b": [1, "x", [2]]}, {"a": {"c": None}}, {"b": ["x"]}, [1, 2], "text", 7]
SETTINGS = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)

seconds = st.integers(0, 5).map(lambda number: timedelta(seconds=number))


@st.composite
def run_rows(draw: st.DrawFn) -> RunRow:
    """A run, with ties and NULLs likely."""
    workflow_id, namespace, name = draw(st.sampled_from(WORKFLOWS))
    status = draw(st.sampled_from(["pending", "running", "completed", "failed", "cancelled"]))
    created = BEGAN + draw(seconds)
    started = status not in ("pending", "cancelled") or (status == "cancelled" and draw(st.booleans()))
    started_at = created + draw(seconds) if started else None
    ended = status in ("completed", "failed", "cancelled")
    id_ = UUID(f"018f{draw(st.integers(0, 3))}000-0000-7000-8000-{draw(st.integers(0, 2**40)):012x}")
    return RunRow(
        id=id_,
        workflow_id=workflow_id,
        workflow_name=name,
        namespace=namespace,
        status=status,
        trigger_type=draw(st.sampled_from(["schedule", "event", "manual"])),
        created_at=created,
        started_at=started_at,
        ended_at=(started_at or created) + draw(seconds) if ended else None,
        error_message=draw(st.sampled_from([None, *TEXTS])) if status == "failed" else None,
        metadata=draw(st.sampled_from(METADATA)),
        errors=draw(st.integers(0, 1)),
    )


def some(values: list[Any], most: int = 3) -> st.SearchStrategy[Any]:
    return st.lists(st.sampled_from(values), max_size=most)


instants = seconds.map(lambda since: (BEGAN + since).isoformat())
run_filters = st.fixed_dictionaries(
    {},
    optional={
        "namespaces": some(["default", "billing", "none"]),
        "workflowIds": some([str(id_) for id_, _, _ in WORKFLOWS]),
        "status": some(["PENDING", "RUNNING", "COMPLETED", "FAILED", "CANCELLED"], 4),
        "triggerType": some(["SCHEDULE", "EVENT", "MANUAL"]),
        "createdSince": instants,
        "createdUntil": instants,
        "minDurationSeconds": st.sampled_from([0, 1.5, 3]),
        "hasErrors": st.booleans(),
        "search": st.sampled_from(SEARCHES),
        "metadata": st.sampled_from([{"a": 1}, {"b": ["x"]}, {"b": [1]}, {"b": [[2]]}, {}, [2], 7, "text", {"a": {}}]),
    },
)


class Store:
    """One database for all examples, emptied before each."""

    def __init__(self, url: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._connection: Any = self._run(asyncpg.connect(**connect_options(url)))
        statement = "INSERT INTO workflows (id, namespace, name) VALUES ($1, $2, $3)"
        self._run(self._connection.executemany(statement, WORKFLOWS))

    def close(self) -> None:
        self._run(self._connection.close())
        self._loop.close()

    def clear(self) -> None:
        self._run(self._connection.execute("DELETE FROM workflow_executions"))

    def add(self, rows: list[RunRow]) -> None:
        """Write runs, and the number of their errors."""
        values = [
            (row.id, row.workflow_id, row.status, row.trigger_type, row.created_at, row.started_at, row.ended_at,
             row.error_message, None if row.metadata is None else orjson.dumps(row.metadata).decode())
            for row in rows
        ]  # fmt: skip
        statement = """
            INSERT INTO workflow_executions (id, workflow_id, status, trigger_type, created_at, started_at, ended_at,
                error_message, metadata) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9::jsonb)
        """
        self._run(self._connection.executemany(statement, values))
        erring = [row.id for row in rows if row.errors]
        counted = "UPDATE execution_counters SET error_count = 1 WHERE workflow_execution_id = ANY($1)"
        self._run(self._connection.execute(counted, erring))

    def add_entries(self, run_id: UUID, entries: list[dict[str, Any]]) -> None:
        """Append entries to a run."""
        statement = """
            INSERT INTO execution_logs (workflow_execution_id, level, message, timestamp) VALUES ($1, $2, $3, $4)
        """
        values = [(run_id, entry["level"].lower(), entry["message"], entry["timestamp"]) for entry in entries]
        self._run(self._connection.executemany(statement, values))

    def _run(self, work: Any) -> Any:
        return self._loop.run_until_complete(work)


@pytest.fixture(scope="module")
def served(module_database_url: str) -> Iterator[tuple[ApiServer, Store]]:
    store = Store(module_database_url)
    with ApiServer(module_database_url) as api:
        yield api, store
    store.close()


RUNS = """
query ($filter: WorkflowExecutionFilter, $order: WorkflowExecutionOrder,
        $first: Int, $after: String, $last: Int, $before: String) {
    found: workflowExecutions(filter: $filter, orderBy: $order,
            first: $first, after: $after, last: $last, before: $before) {
        nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    }
}
"""
OF_WORKFLOWS = """
query ($filter: WorkflowExecutionFilter, $order: WorkflowExecutionOrder, $first: Int, $last: Int) {
    workflows { nodes { id executions(filter: $filter, orderBy: $order, first: $first, last: $last) {
        nodes { id } totalCount
    } } }
}
"""
TOTAL = """
query ($filter: WorkflowExecutionFilter) {
    workflowExecutions(filter: $filter, first: 0) { totalCount }
}
"""
STATS = """
query ($filter: WorkflowExecutionFilter) { workflowExecutionStats(filter: $filter) { summary { total } } }
"""


@given(
    rows=st.lists(run_rows(), max_size=25, unique_by=lambda row: row.id),
    later=st.lists(run_rows(), max_size=8, unique_by=lambda row: row.id),
    where=run_filters,
    field=st.sampled_from(["CREATED_AT", "STARTED_AT", "ENDED_AT", "DURATION"]),
    direction=st.sampled_from(["ASC", "DESC"]),
    size=st.integers(1, 9),
    backwards=st.booleans(),
)
@SETTINGS
def test_pages_of_runs_are_the_filtered_and_sorted_rows_whatever_is_inserted_meanwhile(
    served: tuple[ApiServer, Store],
    rows: list[RunRow],
    later: list[RunRow],
    where: dict[str, Any],
    field: str,
    direction: str,
    size: int,
    backwards: bool,
) -> None:
    api, store = served
    later = [row for row in later if row.id not in {each.id for each in rows}]
    store.clear()
    store.add(rows)
    there = [row for row in rows if matches(row, where)]
    assert api.ask(TOTAL, filter=where)["totalCount"] == len(there)
    assert api.ask(STATS, filter=where)["summary"]["total"] == len(there)

    waiting, read = list(later), []
    for page in pages(api, RUNS, size, backwards, filter=where, order={"field": field, "direction": direction}):
        read = page + read if backwards else read + page
        if waiting:  # a row between two pages, before, on or after the place of the cursor
            store.add([waiting.pop()])

    ids = [UUID(each["id"]) for each in read]
    inserted = [row for row in later if row.id in set(ids)]
    assert all(matches(row, where) for row in inserted)
    assert ids == in_order([*there, *inserted], field, direction)


@given(
    rows=st.lists(run_rows(), max_size=25, unique_by=lambda row: row.id),
    where=run_filters,
    field=st.sampled_from(["CREATED_AT", "STARTED_AT", "ENDED_AT", "DURATION"]),
    direction=st.sampled_from(["ASC", "DESC"]),
    size=st.integers(0, 9),
    backwards=st.booleans(),
)
@SETTINGS
def test_the_runs_of_each_workflow_are_a_list_of_their_own(
    served: tuple[ApiServer, Store],
    rows: list[RunRow],
    where: dict[str, Any],
    field: str,
    direction: str,
    size: int,
    backwards: bool,
) -> None:
    api, store = served
    store.clear()
    store.add(rows)
    paged = {"last": size} if backwards else {"first": size}
    found = api.ask(OF_WORKFLOWS, filter=where, order={"field": field, "direction": direction}, **paged)

    for workflow in found["nodes"]:
        of_it = [row for row in rows if row.workflow_id == UUID(workflow["id"]) and matches(row, where)]
        expected = in_order(of_it, field, direction)
        wanted = expected[max(len(expected) - size, 0) :] if backwards else expected[:size]
        assert [UUID(node["id"]) for node in workflow["executions"]["nodes"]] == wanted
        assert workflow["executions"]["totalCount"] == len(of_it)


LEVELS = ["DEBUG", "INFO", "WARNING", "ERROR"]
entries = st.fixed_dictionaries(
    {
        "level": st.sampled_from(LEVELS),
        "message": st.sampled_from(TEXTS),
        "timestamp": seconds.map(lambda since: BEGAN + since),
    }
)
log_filters = st.fixed_dictionaries(
    {},
    optional={
        "minLevel": st.sampled_from(LEVELS),
        "levels": some(LEVELS),
        "search": st.sampled_from(SEARCHES),
        "since": instants,
        "until": instants,
        "fromSequence": st.integers(0, 20),
        "toSequence": st.integers(0, 20),
    },
)
LOGS = """
query ($id: UUID!, $filter: ExecutionLogFilter, $first: Int, $after: String, $last: Int, $before: String) {
    workflowExecution(id: $id) {
        found: logs(filter: $filter, first: $first, after: $after, last: $last, before: $before) {
            nodes { sequence } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount
        }
    }
}
"""


@given(
    written=st.lists(entries, max_size=20),
    later=st.lists(entries, max_size=5),
    where=log_filters,
    size=st.integers(1, 7),
    backwards=st.booleans(),
)
@SETTINGS
def test_pages_of_a_log_are_the_filtered_entries_whatever_is_appended_meanwhile(
    served: tuple[ApiServer, Store],
    written: list[dict[str, Any]],
    later: list[dict[str, Any]],
    where: dict[str, Any],
    size: int,
    backwards: bool,
) -> None:
    api, store = served
    run = RunRow(uuid4(), WORKFLOWS[0][0], "", "default", "pending", "manual", BEGAN, None, None, None, None, 0)
    store.clear()
    store.add([run])
    store.add_entries(run.id, written)

    waiting, read = list(later), []
    for page in pages(api, LOGS, size, backwards, id=str(run.id), filter=where):
        read = page + read if backwards else read + page
        if waiting:
            store.add_entries(run.id, [waiting.pop(0)])

    sequences = [each["sequence"] for each in read]
    assert all(left < right for left, right in pairwise(sequences))
    there = [place for place, entry in enumerate(written, 1) if entry_matches(entry, place, where)]
    assert sequences[: len(there)] == there
    appended = {place: entry for place, entry in enumerate([*written, *later], 1) if entry_matches(entry, place, where)}
    assert set(sequences) <= set(appended)


def entry_matches(entry: dict[str, Any], sequence: int, where: dict[str, Any]) -> bool:
    """Whether an entry is selected by a filter as clients write it."""
    parts = {
        "minLevel": lambda value: LEVELS.index(entry["level"]) >= LEVELS.index(value),
        "levels": lambda value: entry["level"] in value,
        "search": lambda value: value.casefold() in entry["message"].casefold(),
        "since": lambda value: entry["timestamp"] >= datetime.fromisoformat(value),
        "until": lambda value: entry["timestamp"] < datetime.fromisoformat(value),
        "fromSequence": lambda value: sequence >= value,
        "toSequence": lambda value: sequence <= value,
    }
    return all(parts[name](value) for name, value in where.items())


def pages(api: ApiServer, query: str, size: int, backwards: bool, **variables: Any) -> Iterator[list[Any]]:
    """Follow the cursors from one end of a list to the other."""
    cursor = None
    while True:
        place = {"last": size, "before": cursor} if backwards else {"first": size, "after": cursor}
        found = api.ask(query, **variables, **place)
        found = found.get("found", found)
        yield found["nodes"]
        information = found["pageInfo"]
        if not information["hasPreviousPage" if backwards else "hasNextPage"]:
            return
        cursor = information["startCursor" if backwards else "endCursor"]
