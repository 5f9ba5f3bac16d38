"""appendLogs: in order, without a gap, all or none, whatever the state of the run."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.api_server import ApiServer
from tests.graphql_api.reports import at, log, running, steps, transition

APPEND = """
mutation ($run: UUID!, $entries: [LogEntryInput!]!) {
    appendLogs(workflowExecutionId: $run, entries: $entries) {
        __typename
        ... on AppendLogsPayload { count firstSequence lastSequence }
        ... on Error { message }
        ... on NotFound { id }
        ... on InvalidInput { field }
    }
}
"""
READ = """
query ($id: UUID!) {
    workflowExecution(id: $id) {
        logs(first: 1000) { nodes { sequence level message data timestamp attempt nodeExecutionId } }
        logCounts { total debug info warning error }
    }
}
"""
NOBODY = "7a0b1c2d-0000-4000-8000-000000000000"


def entry(message: str = "working", **values: Any) -> dict[str, Any]:
    return {"level": "INFO", "message": message, **values}


def test_entries_are_numbered_without_a_gap(api: ApiServer) -> None:
    run_id = running(api)
    assert api.ask(APPEND, run=run_id, entries=[entry()] * 3) == {
        "__typename": "AppendLogsPayload",
        "count": 3,
        "firstSequence": 1,
        "lastSequence": 3,
    }
    assert api.ask(APPEND, run=run_id, entries=[entry()]) == {
        "__typename": "AppendLogsPayload",
        "count": 1,
        "firstSequence": 4,
        "lastSequence": 4,
    }


def test_an_entry_comes_back_as_it_was_sent(api: ApiServer) -> None:
    run_id = running(api)
    (step_id,) = steps(api, run_id, "load")
    message = '  \ttwo\nlines, \u2603, \U0001f600, and "quotes"  '
    sent = [
        {"level": "DEBUG", "message": message, "timestamp": "2026-01-12T14:00:01.123456+02:00"},
        {"level": "ERROR", "message": "x", "data": [1, {"a": None}], "timestamp": at(2), "nodeExecutionId": step_id},
        {"level": "WARNING", "message": "x", "timestamp": at(3), "nodeExecutionId": step_id, "attempt": 7},
    ]
    api.ask(APPEND, run=run_id, entries=sent)
    nothing = {"data": None, "attempt": None, "nodeExecutionId": None}
    assert api.ask(READ, id=run_id) == {
        "logs": {
            "nodes": [
                {"sequence": 1, **nothing, **sent[0], "timestamp": "2026-01-12T12:00:01.123456+00:00"},
                {"sequence": 2, **nothing, **sent[1], "attempt": 1},
                {"sequence": 3, **nothing, **sent[2]},
            ]
        },
        "logCounts": {"total": 3, "debug": 1, "info": 0, "warning": 1, "error": 1},
    }


@pytest.mark.parametrize("timestamp", ["0001-01-01T00:00:00.000001+00:00", "1969-07-20T20:17:40+00:00"])
def test_an_entry_may_be_of_long_ago(api: ApiServer, timestamp: str) -> None:
    run_id = running(api)
    log(api, run_id, "long ago", timestamp=timestamp)
    (read,) = api.ask(READ, id=run_id)["logs"]["nodes"]
    assert read["timestamp"] == timestamp


def test_an_entry_without_a_time_is_of_now_and_one_of_a_step_is_of_its_present_try(api: ApiServer) -> None:
    run_id = running(api)
    (step_id,) = steps(api, run_id, "load")
    for action, values in (("start", {}), ("fail", {"errorMessage": "broken"}), ("retry", {"force": True})):
        transition(api, f"{action}NodeExecution", step_id, **values)
    before = datetime.now(UTC)
    log(api, run_id, "again", nodeExecutionId=step_id)
    (read,) = api.ask(READ, id=run_id)["logs"]["nodes"]
    assert read["attempt"] == 2
    assert before <= datetime.fromisoformat(read["timestamp"]) <= datetime.now(UTC)


def test_entries_are_taken_after_the_end_too(api: ApiServer) -> None:
    run_id = running(api)
    transition(api, "completeWorkflowExecution", run_id)
    assert api.ask(APPEND, run=run_id, entries=[entry()])["lastSequence"] == 1


LATE = "2999-01-01T00:00:00+00:00"


@pytest.mark.parametrize(
    ("entries", "field", "message"),
    [
        ([], "entries", "must not be empty"),
        (
            [entry()] * 17 + [entry(data={"a": [2**64]})],
            "entries[17].data",
            "holds an integer that does not fit 64 bits",
        ),
        ([entry(data={"a\0": 1})], "entries[0].data", "holds a NUL character, which cannot be stored"),
        ([entry(data="\udfff")], "entries[0].data", "holds a surrogate without its other half, which cannot be stored"),
        ([entry(data="x" * 1_048_576)], "entries[0].data", "is 1048578 bytes of JSON; at most 1048576 are allowed"),
        ([entry("")], "entries[0].message", "must not be empty"),
        ([entry("a\0b")], "entries[0].message", "holds a NUL character, which cannot be stored"),
        ([entry("\ud800")], "entries[0].message", "holds a surrogate without its other half, which cannot be stored"),
        ([entry("x" * 262_145)], "entries[0].message", "is 262145 characters long; at most 262144 are allowed"),
        ([entry("x" * 262_144)] * 33, "entries", "hold 8650752 bytes; at most 8388608 are allowed"),
        ([entry()] * 10_001, "entries", "has 10001 items; at most 10000 are allowed"),
        ([entry(), entry(attempt=1)], "entries[1].attempt", "needs a step"),
        ([entry(attempt=0, nodeExecutionId=NOBODY)], "entries[0].attempt", "must be from 1 to 2147483647"),
        ([entry(), entry(nodeExecutionId=NOBODY)], "entries[1].nodeExecutionId", f"{NOBODY} is no step of this run"),
        ([entry(timestamp=LATE)], "entries[0].timestamp", f"{LATE} is more than 5 minutes ahead of the server's clock"),
    ],
)
def test_what_is_no_entry_is_refused_with_its_path_and_none_is_appended(
    api: ApiServer, entries: list[dict[str, Any]], field: str, message: str
) -> None:
    run_id = running(api)
    refused = api.ask(APPEND, run=run_id, entries=entries)
    assert refused == {"__typename": "InvalidInput", "field": field, "message": f"{field} {message}"}
    assert api.ask(READ, id=run_id)["logCounts"]["total"] == 0


def test_an_unknown_run_is_not_found(api: ApiServer) -> None:
    message = f"Workflow execution {NOBODY} does not exist"
    assert api.ask(APPEND, run=NOBODY, entries=[entry()]) == {
        "__typename": "NotFound",
        "id": NOBODY,
        "message": message,
    }


def test_a_step_of_another_run_is_refused(api: ApiServer) -> None:
    (stranger,) = steps(api, running(api), "stranger")
    refused = api.ask(APPEND, run=running(api), entries=[entry(nodeExecutionId=stranger)])
    assert (refused["__typename"], refused["field"]) == ("InvalidInput", "entries[0].nodeExecutionId")
