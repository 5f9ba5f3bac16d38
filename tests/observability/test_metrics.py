"""What `/metrics` counts is what happened."""

import asyncio
from uuid import uuid4

import pytest

from graphql_api.observability.operations import (
    ANONYMOUS,
    MAX_NAMES,
    OTHER,
    Label,
    SeriesByOperation,
    label_of,
)
from tests.api_server import ApiServer
from tests.graphql_api.followers import following
from tests.graphql_api.reports import log, running
from tests.observability.metrics_page import samples, value

FOLLOW = "subscription Tail($id: UUID!) { executionLogs(workflowExecutionId: $id) { lastSequence complete } }"


@pytest.mark.parametrize(
    ("text", "name", "label"),
    [
        ("{ a }", None, Label("query", ANONYMOUS)),
        ("query { a }", None, Label("query", ANONYMOUS)),
        ("query Runs($first: Int) { a }", None, Label("query", "Runs")),
        ("mutation @live { a }", None, Label("mutation", ANONYMOUS)),
        ("fragment query on A { b } subscription Tail { a }", None, Label("subscription", "Tail")),
        ('# query Not { a }\nmutation Do { a(b: "query Nor { a }") }', None, Label("mutation", "Do")),
        ("query One { a } mutation Two { b }", "Two", Label("mutation", "Two")),
        ("query One { mutation: query { subscription } } mutation Two { b }", "One", Label("query", "One")),
    ],
)
def test_an_operation_is_known_by_its_kind_and_name(text: str, name: str | None, label: Label) -> None:
    assert label_of(text, name) == label


def test_names_are_the_clients_choice_and_take_only_so_much_room() -> None:
    series = SeriesByOperation()
    names = [series.find(f"query Q{uuid4().hex} {{ a }}", None, valid=True).label.name for _ in range(MAX_NAMES + 50)]
    known = f"query {names[0]} {{ a }}"
    assert OTHER not in names[:MAX_NAMES]
    assert names[MAX_NAMES:] == [OTHER] * 50
    assert series.find(known, None, valid=True).label.name == names[0]


def test_operations_are_counted_and_timed_by_name_and_errors_by_code(server: ApiServer) -> None:
    name = f"Runs_{uuid4().hex}"
    errors = value(server, "execgraph_errors_total", code="BAD_USER_INPUT")
    invalid = value(server, "execgraph_operations_total", kind="invalid")
    for _ in range(3):
        server.post(f"query {name} {{ workflowExecutions {{ totalCount }} }}")
    server.post(f"query {name} {{ workflowExecutions(first: 5, last: 5) {{ totalCount }} }}")
    server.post(f"query {name}Invalid {{ nothing }}")
    labels = {"kind": "query", "operation": name}
    assert value(server, "execgraph_operations_total", outcome="ok", **labels) == 3
    assert value(server, "execgraph_operations_total", outcome="error", **labels) == 1
    assert value(server, "execgraph_operation_seconds_count", **labels) == 4
    assert 0 < value(server, "execgraph_operation_seconds_sum", **labels) < 5
    assert value(server, "execgraph_errors_total", code="BAD_USER_INPUT") == errors + 1
    assert value(server, "execgraph_operations_total", kind="invalid") == invalid + 1
    assert value(server, "execgraph_operations_total", operation=f"{name}Invalid") == 0


def test_http_answers_are_counted_by_status_and_paths_of_strangers_together(server: ApiServer) -> None:
    before = value(server, "execgraph_http_requests_total", path="/graphql", status="200")
    strangers = value(server, "execgraph_http_requests_total", path="(other)", status="404")
    timed = value(server, "execgraph_http_request_seconds_count", path="/graphql")
    server.post("{ __typename }")
    for _ in range(3):
        server.http.get(f"/{uuid4().hex}")
    assert value(server, "execgraph_http_requests_total", path="/graphql", status="200") == before + 1
    assert value(server, "execgraph_http_request_seconds_count", path="/graphql") == timed + 1
    assert value(server, "execgraph_http_requests_total", path="(other)", status="404") == strangers + 3
    assert value(server, "execgraph_http_requests_in_flight") == 1  # the one that asks


def test_log_entries_are_counted_once_however_often_the_call_is_repeated(server: ApiServer) -> None:
    run_id = running(server)
    before = value(server, "execgraph_log_entries_appended_total")
    append = """mutation ($run: UUID!) { appendLogs(
        workflowExecutionId: $run
        idempotencyKey: "once"
        entries: [{ level: INFO, message: "a" }, { level: INFO, message: "b" }]
    ) { ... on AppendLogsPayload { count } } }"""
    assert [server.ask(append, run=run_id) for _ in range(3)] == [{"count": 2}] * 3
    assert value(server, "execgraph_log_entries_appended_total") == before + 2


async def test_a_subscriber_is_counted_while_it_follows_and_how_late_entries_reach_it(server: ApiServer) -> None:
    run_id = running(server)
    events = value(server, "execgraph_subscription_events_total", operation="Tail")
    log(server, run_id, "before")
    async with following(server, FOLLOW, id=run_id) as follower:
        assert await follower.event() == {"lastSequence": 1, "complete": False}
        late = value(server, "execgraph_delivery_lag_seconds_count")  # what was there before is not late
        assert value(server, "execgraph_subscribers", operation="Tail") == 1
        assert value(server, "execgraph_hub_watched_runs") == 1
        assert value(server, "execgraph_websockets") == 1
        log(server, run_id, "live")
        assert await follower.event() == {"lastSequence": 2, "complete": False}
    async with asyncio.timeout(10):
        while value(server, "execgraph_subscribers") or value(server, "execgraph_websockets"):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    assert value(server, "execgraph_subscription_events_total", operation="Tail") == events + 2
    assert value(server, "execgraph_delivery_lag_seconds_count") == late + 1
    assert value(server, "execgraph_hub_watched_runs") == 0


def test_the_pools_are_shown_with_their_limits(database_url: str) -> None:
    with ApiServer(database_url, pool_size=3, pool_overflow=4) as server:
        server.post("{ workflows { totalCount } }")
        assert value(server, "execgraph_pool_connections_limit", pool="read") == 7
        assert value(server, "execgraph_pool_connections_idle", pool="read") >= 1
        assert value(server, "execgraph_pool_connections_in_use", pool="read") == 0


def test_every_metric_says_what_it_is_of_and_follows_the_naming_rules(server: ApiServer) -> None:
    page = server.http.get("/metrics").text
    names = {line.split()[2] for line in page.splitlines() if line.startswith("# HELP execgraph_")}
    assert len(names) > 15
    described = [line for line in page.splitlines() if line.startswith("# HELP execgraph_") and len(line.split()) > 3]
    assert len(described) == len([line for line in page.splitlines() if line.startswith("# HELP execgraph_")])
    assert {sample.name for sample in samples(server)} >= {"process_cpu_seconds_total", "execgraph_info"}
