"""Thousands of log entries in one call, all or none."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.api_server import ApiServer
from tests.reliability.reports import a_run, a_step, document, entries, log, logged, report
from tests.reliability.store import everything
from tests.statements import counted_statements


def test_ten_thousand_entries_are_appended_in_one_call(api: ApiServer) -> None:
    run_id = a_run(api)
    counts = []
    for count in (1, 10_000):
        with counted_statements() as statements:
            appended = log(api, run_id, *map(str, range(count)))
        assert appended["count"] == count
        counts.append(len(statements))
    assert appended == {
        "__typename": "AppendLogsPayload",
        "count": 10_000,
        "firstSequence": 2,
        "lastSequence": 10_001,
    }
    assert counts[0] == counts[1] <= 3
    assert [entry["message"] for entry in logged(api, run_id)] == ["0", *map(str, range(10_000))]


def _large(count: int, size: int) -> list[dict[str, Any]]:
    return entries(*["m" * size] * count)


BAD_ENTRIES: dict[str, tuple[Callable[[], list[dict[str, Any]]], str, str]] = {
    "none": (list, "entries", "must not be empty"),
    "too-many": (lambda: entries(*"m" * 10_001), "entries", "has 10001 items; at most 10000 are allowed"),
    "too-large": (
        lambda: _large(33, 262_144),
        "entries",
        "hold 8650752 bytes; at most 8388608 are allowed",
    ),
    "empty": (lambda: entries("a", "b", ""), "entries[2].message", "must not be empty"),
    "data": (
        lambda: [*entries("a"), *entries("b", data={"x": ["\0"]})],
        "entries[1].data",
        "holds a NUL character, which cannot be stored",
    ),
    "attempt-without-step": (lambda: entries("a", attempt=1), "entries[0].attempt", "needs a step"),
}


@pytest.mark.parametrize(("given", "field", "why"), BAD_ENTRIES.values(), ids=BAD_ENTRIES)
async def test_entries_that_cannot_be_are_refused_and_none_is_written(
    api: ApiServer, given: Callable[[], list[dict[str, Any]]], field: str, why: str
) -> None:
    run_id = a_run(api)
    before = await everything(api.database_url)
    refused = report(api, "appendLogs", workflowExecutionId=run_id, entries=given())
    assert refused == {"__typename": "InvalidInput", "message": f"{field} {why}", "field": field}
    assert await everything(api.database_url) == before


def test_eight_megabytes_of_entries_are_appended(api: ApiServer) -> None:
    run_id = a_run(api)
    given = _large(32, 262_144)
    assert report(api, "appendLogs", workflowExecutionId=run_id, entries=given)["count"] == 32
    assert sum(len(entry["message"]) for entry in logged(api, run_id)) == 8_388_608


def test_their_size_is_counted_in_bytes(api: ApiServer) -> None:
    variables = {"workflowExecutionId": a_run(api), "entries": entries(*["ü" * 262_144] * 17)}
    response = api.http.post("/graphql", json={"query": document("appendLogs", *variables), "variables": variables})
    assert response.json()["data"]["appendLogs"] == {
        "__typename": "InvalidInput",
        "message": "entries hold 8912896 bytes; at most 8388608 are allowed",
        "field": "entries",
    }


async def test_an_entry_of_another_runs_step_is_refused_with_its_index(api: ApiServer) -> None:
    run_id, other = a_run(api), a_run(api)
    own, foreign = a_step(api, run_id), a_step(api, other)
    before = await everything(api.database_url)
    given = [*entries("a", nodeExecutionId=own), *entries("b"), *entries("c", nodeExecutionId=foreign)]
    refused = report(api, "appendLogs", workflowExecutionId=run_id, entries=given)
    assert refused == {
        "__typename": "InvalidInput",
        "message": f"entries[2].nodeExecutionId {foreign} is no step of this run",
        "field": "entries[2].nodeExecutionId",
    }
    assert await everything(api.database_url) == before


def test_an_entry_belongs_to_the_present_try_of_its_step_unless_it_names_one(api: ApiServer) -> None:
    run_id = a_run(api, "RUNNING")
    step = a_step(api, run_id, "FAILED")
    log(api, run_id, "first", nodeExecutionId=step)
    report(api, "retryNodeExecution", id=step, force=True)
    log(api, run_id, "second", nodeExecutionId=step)
    log(api, run_id, "late", nodeExecutionId=step, attempt=1)
    log(api, run_id, "of the run")
    found = [(entry["message"], entry["attempt"]) for entry in logged(api, run_id, "message attempt")]
    assert found == [("first", 1), ("second", 2), ("late", 1), ("of the run", None)]
