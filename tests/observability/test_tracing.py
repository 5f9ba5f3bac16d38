"""Traces: a span for the exchange, one for the operation inside it, one for each statement inside that; or none."""

import sys
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from db.commands.execution_logs import COPIED
from graphql_api.observability import tracing
from graphql_api.observability.tracing import TRACING
from tests.api_server import ApiServer
from tests.commands.running import refusal
from tests.graphql_api.reports import running

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"


@pytest.fixture
def exported() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    TRACING.use(provider)
    yield exporter
    TRACING.use(None)
    provider.shutdown()


def spans(exporter: InMemorySpanExporter) -> list[Any]:
    finished = list(exporter.get_finished_spans())
    exporter.clear()
    return finished


def test_an_operation_is_a_span_inside_its_exchange_which_is_part_of_the_clients_trace(
    exported: InMemorySpanExporter, database_url: str
) -> None:
    with ApiServer(database_url) as api:
        spans(exported)
        headers = {"traceparent": f"00-{TRACE}-{PARENT}-01", "x-request-id": "mine"}
        query = {"query": "query Flows { workflows { totalCount } }"}
        api.http.post("/graphql", json=query, headers=headers)
        made = spans(exported)
    exchange = next(span for span in made if span.name == "POST /graphql")
    operation = next(span for span in made if span.name == "query Flows")
    assert f"{exchange.context.trace_id:032x}" == TRACE
    assert f"{exchange.parent.span_id:016x}" == PARENT
    assert dict(exchange.attributes) == {
        "http.request.method": "POST",
        "url.path": "/graphql",
        "execgraph.request_id": "mine",
        "http.response.status_code": 200,
    }
    assert operation.parent.span_id == exchange.context.span_id
    assert dict(operation.attributes) == {"graphql.operation.type": "query", "graphql.operation.name": "Flows"}


@pytest.mark.parametrize(
    ("query", "verb"),
    [
        ("{ workflows { totalCount } }", "SELECT"),
        ('mutation { createWorkflow(input: { name: "a" }) { __typename } }', "INSERT"),
    ],
)
def test_statements_are_spans_inside_their_operation_without_any_value(
    exported: InMemorySpanExporter, database_url: str, query: str, verb: str
) -> None:
    with ApiServer(database_url) as api:
        spans(exported)
        api.ask(query)
        made = spans(exported)
    operation = next(span for span in made if "graphql.operation.type" in span.attributes)
    statements = [span for span in made if span.attributes.get("db.system.name") == "postgresql"]
    assert verb in {span.attributes["db.operation.name"] for span in statements}
    for span in statements:
        assert span.parent.span_id == operation.context.span_id
        assert operation.start_time <= span.start_time <= span.end_time
        assert span.attributes["db.query.text"].split()[0].upper() == span.attributes["db.operation.name"]


def test_many_entries_that_are_copied_are_a_span_like_other_statements(
    exported: InMemorySpanExporter, database_url: str
) -> None:
    with ApiServer(database_url) as api:
        run_id = running(api)
        spans(exported)
        api.ask(
            """mutation ($id: UUID!, $entries: [LogEntryInput!]!) {
                appendLogs(workflowExecutionId: $id, entries: $entries) { ... on AppendLogsPayload { count } }
            }""",
            id=run_id,
            entries=[{"level": "INFO", "message": "secret"}] * COPIED,
        )
        made = spans(exported)
    operation = next(span for span in made if "graphql.operation.type" in span.attributes)
    (copy,) = [span for span in made if span.attributes.get("db.operation.name") == "COPY"]
    assert copy.parent.span_id == operation.context.span_id
    assert "secret" not in str(copy.attributes)


def test_what_failed_is_marked(exported: InMemorySpanExporter, database_url: str) -> None:
    with ApiServer(database_url) as api:
        spans(exported)
        api.post("query Wrong { workflowExecutions(first: 1, last: 1) { totalCount } }")
        made = spans(exported)
    assert [span.name for span in made if not span.status.is_ok and span.status.status_code.name == "ERROR"] == [
        "query Wrong"
    ]


def test_nothing_is_traced_unless_it_is_configured(database_url: str) -> None:
    assert not TRACING.is_on
    with ApiServer(database_url) as api:
        running(api)
    assert not TRACING.is_on


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(ValueError, match=r"execgraph\[opentelemetry\]"):
        tracing.Tracing().begin()


def test_it_is_configured_by_its_setting(monkeypatch: pytest.MonkeyPatch, database_url: str) -> None:
    begun: list[bool] = []
    monkeypatch.setattr(TRACING, "begin", lambda: begun.append(True))
    with ApiServer(database_url, opentelemetry=True):
        pass
    assert begun == [True]
    assert refusal("serve", EXECGRAPH_OPENTELEMETRY="perhaps").startswith("EXECGRAPH_OPENTELEMETRY: ")
