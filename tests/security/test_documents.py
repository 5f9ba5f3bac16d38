"""Documents that ask for more than they may are refused before they are executed, quickly and in clear."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.api_server import ApiServer

GRAPHQL = {"accept": "application/graphql-response+json"}


def refused(api: ApiServer, query: str, **variables: Any) -> str:
    """The message of the one error of a document that is refused, which does not take long."""
    began = time.monotonic()
    response = api.http.post("/graphql", json={"query": query, "variables": variables}, headers=GRAPHQL)
    assert time.monotonic() - began < 5
    assert response.status_code == 400, response.text[:500]
    (error,) = response.json()["errors"]
    assert error["extensions"] == {"code": "GRAPHQL_VALIDATION_FAILED"}
    return str(error["message"])


def nested(levels: int) -> str:
    return (
        "{ workflows(first: 1) { nodes "
        + "{ executions(first: 1) { nodes { workflow " * levels
        + "{ id }"
        + " } } }" * levels
        + " } }"
    )


def doubling(levels: int, selection: str) -> str:
    """Fragments each of which is used twice by the one before: 2 ** levels fields, written out."""
    fragments = " ".join(
        f"fragment F{level} on Workflow {{ ...F{level + 1} ...F{level + 1} }}" for level in range(levels)
    )
    return f"{{ workflows {{ nodes {{ ...F0 }} }} }} {fragments} fragment F{levels} on Workflow {{ {selection} }}"


ATTACKS: dict[str, tuple[str | Callable[[], str], str]] = {
    "deep": (nested(6), "The document has 21 fields inside each other; at most 16 are allowed"),
    "deeper than anything can go": (
        "{ a " * 2_000 + "}" * 2_000,
        "Syntax Error: Document is nested too deeply",
    ),
    "deeper than Python goes": ("{ a " * 1_600, "Syntax Error: Document is nested too deeply"),
    "wide": (
        "{ " + " ".join(f"a{number}: __typename" for number in range(101)) + " }",
        "The document has 101 aliases and repeated fields; at most 50 are allowed",
    ),
    "the same again and again": (
        "{ " + "__typename " * 500 + "}",
        "The document has 499 aliases and repeated fields; at most 50 are allowed",
    ),
    "aliases in fragments": (
        "{ workflows { nodes { ...A ...B } } }"
        + "".join(
            f" fragment {name} on Workflow {{ {' '.join(f'{name}{number}: id' for number in range(30))} }}"
            for name in "AB"
        ),
        "The document has 60 aliases and repeated fields; at most 50 are allowed",
    ),
    "directives": (
        "{ __typename " + "@aa" * 60 + " }",
        "The document has 60 directives; at most 50 are allowed",
    ),
    "tokens": (
        "{ workflows(search: [" + "1 " * 6_000 + "]) { totalCount } }",
        "Syntax Error: Document contains more than 5000 tokens",
    ),
    "characters": (
        "{ __typename } #" + "x" * 200_000,
        "The document has 200016 characters; at most 100000 are allowed. Values belong into variables",
    ),
    "root fields": (
        "{ "
        + " ".join(f"...F{number}" for number in range(21))
        + " } "
        + " ".join(f"fragment F{number} on Query {{ workflows {{ totalCount }} }}" for number in range(21)),
        "The document has 21 fields at the top; at most 20 are allowed",
    ),
    "pages inside pages": (
        "{ workflowExecutions(first: 200) { nodes { nodeExecutions(first: 1000) { nodes { id } } } } }",
        "The operation may give 200401 objects, as its page sizes say; at most 100000 are allowed",
    ),
    "pages inside default pages": (
        "{ workflows { nodes { executions { nodes { nodeExecutions { edges { node { id } } } } } } } }",
        "The operation may give 255101 objects, as its page sizes say; at most 100000 are allowed",
    ),
    "steps of runs of steps": (
        "{ workflowExecutions(last: 10) { nodes { nodeExecutions(first: 100) { nodes { childExecutions(first: 200) {"
        " nodes { id } } } } } } }",
        "The operation may give 202021 objects, as its page sizes say; at most 100000 are allowed",
    ),
    "an event of a thousand entries, each with a thousand steps": (
        'subscription { executionLogs(workflowExecutionId: "00000000-0000-7000-8000-000000000000") {'
        " entries { workflowExecution { nodeExecutions(first: 1000) { nodes { id } } } } } }",
        "Subscriptions",
    ),
    "pages, each as often as fragments double": (
        doubling(14, "executions(first: 1) { nodes { id } }"),
        "The document has 14 aliases and repeated fields; at most 50 are allowed",
    ),
    "fragments that go in circles": (
        "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }",
        "Cannot spread fragment 'A' within itself via 'B'.",
    ),
    "introspection in circles": (
        "{ __schema { types " + "{ fields { type " * 4 + "{ name }" + " } }" * 4 + " } }",
        "Maximum introspection depth exceeded",
    ),
}


@pytest.mark.parametrize("attack", [name for name in ATTACKS if not name.startswith(("an event", "pages, each"))])
def test_a_document_that_asks_for_too_much_is_refused(api: ApiServer, attack: str) -> None:
    document, message = ATTACKS[attack]
    assert refused(api, str(document)).startswith(message)


def test_the_size_of_a_page_may_be_a_variable_and_counts_with_its_value(api: ApiServer) -> None:
    document = """query ($first: Int = 10, $steps: Int!) {
        workflowExecutions(first: $first) { nodes { nodeExecutions(first: $steps) { nodes { id } } } }
    }"""
    assert "errors" not in api.post(document, steps=1000)
    assert "errors" not in api.post(document, first=200, steps=100)
    assert refused(api, document, first=200, steps=1000).startswith("The operation may give 200401 objects")
    assert api.post(document, first=10**6, steps=1000)["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
    for first in (-1, "x", None, True, 1.5):
        assert (
            api.http.post("/graphql", json={"query": document, "variables": {"first": first, "steps": 1}}).status_code
            == 200
        )


def test_an_event_of_a_subscription_counts_as_large_as_it_may_be(api: ApiServer) -> None:
    document, _ = ATTACKS["an event of a thousand entries, each with a thousand steps"]
    response = api.http.post("/graphql", json={"query": document}, headers={"accept": "text/event-stream"})
    assert "The operation may give 1003001 objects" in response.text


@pytest.mark.parametrize("levels", [14, 100])
def test_fragments_that_double_are_planned_in_no_time(api: ApiServer, levels: int) -> None:
    began = time.monotonic()
    api.post(doubling(levels, "executions(first: 1) { nodes { id } }"))
    sized = doubling(levels, "executions(first: $n) { nodes { id } }")
    api.post("query ($n: Int) " + sized, n=1)
    assert time.monotonic() - began < 5


def test_what_is_allowed_at_once_is_a_setting(database_url: str) -> None:
    settings = {
        "max_depth": 2,
        "max_aliases": 0,
        "max_root_fields": 1,
        "max_directives": 0,
        "max_cost": 60,
        "max_tokens": 30,
    }
    with ApiServer(database_url, **settings) as strict:
        assert strict.ask("{ workflows(first: 1) { totalCount } }") == {"totalCount": 0}
        for document, message in {
            "{ workflows { nodes { id } } }": "The document has 3 fields inside each other; at most 2 are allowed",
            "{ a: __typename }": "The document has 1 aliases and repeated fields; at most 0 are allowed",
            "{ __typename workflows { totalCount } }": "The document has 2 fields at the top; at most 1 are allowed",
            "{ __typename @include(if: true) }": "The document has 1 directives; at most 0 are allowed",
            "{ __typename #\n" + "a " * 40 + "}": "Syntax Error: Document contains more than 30 tokens",
        }.items():
            assert refused(strict, document).startswith(message)


def test_a_handful_of_validation_errors_is_told(api: ApiServer) -> None:
    errors = api.post("{ " + " ".join(f"unknown{number}" for number in range(40)) + " }")["errors"]
    assert len(errors) == 6
    assert errors[-1]["message"] == "Too many validation errors, error limit reached. Validation aborted."


def test_only_what_the_operator_trusts_is_executed(database_url: str, tmp_path: Path) -> None:
    trusted = {"list": "query List($first: Int) { workflows(first: $first) { totalCount } }", "0af": "{ __typename }"}
    (tmp_path / "documents.json").write_text(json.dumps(trusted))
    with ApiServer(database_url, trusted_documents=tmp_path / "documents.json") as server:
        assert server.ask(trusted["list"], first=1) == {"totalCount": 0}
        assert server.ask(trusted["0af"]) == "Query"
        for document in ("{ workflows { totalCount } }", trusted["list"] + " ", "{ __schema { types { name } } }", "{"):
            response = server.http.post("/graphql", json={"query": document}, headers=GRAPHQL)
            assert response.status_code == 403
            assert response.json()["errors"][0]["extensions"] == {"code": "FORBIDDEN"}


def test_introspection_can_be_off_and_then_nothing_is_suggested(database_url: str) -> None:
    with ApiServer(database_url, introspection=False) as server:
        assert "introspection has been disabled" in refused(server, "{ __schema { __typename } }")
        assert refused(server, "{ workflowz { totalCount } }") == "Cannot query field 'workflowz' on type 'Query'."
        assert server.ask("{ __typename }") == "Query"
