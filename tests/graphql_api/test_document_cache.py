"""A document that was valid before is neither parsed nor validated again, and never answers for another."""

from typing import Any

import graphql
import pytest

from graphql_api import document as documents
from graphql_api import document_cache
from graphql_api.document_cache import DocumentCache
from tests.api_server import ApiServer


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The documents that are parsed, in order."""
    texts: list[str] = []

    def parse(text: str, **options: Any) -> Any:
        texts.append(text)
        return graphql.parse(text, **options)

    monkeypatch.setattr(documents, "parse", parse)
    return texts


def test_a_valid_document_is_parsed_once(server: ApiServer, parsed: list[str]) -> None:
    document = "query ($first: Int) { workflows(first: $first) { nodes { id } } }"
    answers = [server.post(document, first=first) for first in (1, 2, -1)]
    assert answers[0] == answers[1] == {"data": {"workflows": {"nodes": []}}}
    assert answers[2]["errors"][0]["extensions"] == {"code": "BAD_USER_INPUT"}
    assert parsed == [document]


def test_an_invalid_document_is_refused_every_time(server: ApiServer, parsed: list[str]) -> None:
    answers = [server.post("{ nothing }") for _ in range(2)]
    assert answers[0] == answers[1]
    assert answers[0]["errors"][0]["extensions"] == {"code": "GRAPHQL_VALIDATION_FAILED"}
    assert len(parsed) == 2


def test_a_document_of_several_operations_asks_for_a_name_every_time(server: ApiServer) -> None:
    document = "query A { workflows { nodes { id } } } query B { __typename }"
    named = server.http.post("/graphql", json={"query": document, "operationName": "B"}).json()
    assert named == {"data": {"__typename": "Query"}}
    unnamed = server.http.post("/graphql", json={"query": document}).json()
    assert unnamed["errors"][0]["extensions"] == {"code": "GRAPHQL_VALIDATION_FAILED"}


def test_what_was_not_used_for_longest_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document_cache, "MAX_CHARACTERS", 30)
    cache: DocumentCache[graphql.DocumentNode] = DocumentCache()
    document = graphql.parse("{ a }")
    for text in ("a" * 10, "b" * 10, "c" * 10):
        cache.add(text, document)
    assert cache.get("a" * 10) is document
    cache.add("d" * 10, document)
    assert [letter for letter in "abcd" if cache.get(letter * 10)] == ["a", "c", "d"]


def test_a_very_long_document_is_not_remembered() -> None:
    cache: DocumentCache[graphql.DocumentNode] = DocumentCache()
    text = "#" * (document_cache.MAX_DOCUMENT_CHARACTERS + 1)
    cache.add(text, graphql.parse("{ a }"))
    assert cache.get(text) is None
