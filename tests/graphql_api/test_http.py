"""GraphQL over HTTP: media types and statuses, what a client accepts, and queries by GET."""

from typing import Any

import httpx
import pytest

from tests.api_server import ApiServer
from tests.graphql_api.reports import run, running

GRAPHQL = "application/graphql-response+json"
JSON = "application/json"
EVENTS = "text/event-stream"


def ask(api: ApiServer, query: str, accept: str | None = None, **parameters: Any) -> httpx.Response:
    headers = {"accept": accept} if accept is not None else {}
    return api.http.post("/graphql", json={"query": query, **parameters}, headers=headers)


def media(response: httpx.Response) -> str:
    name, charset = response.headers["content-type"].split("; ")
    assert charset == "charset=utf-8"
    return str(name)


@pytest.mark.parametrize(
    ("query", "has_data", "status"),
    [
        ("{ __typename }", True, 200),
        ("{ __typename workflows(first: 201) { totalCount } }", True, 200),
        ("{", False, 400),
        ("{ colour }", False, 400),
        ("query ($id: UUID!) { workflow(id: $id) { id } }", False, 400),
    ],
    ids=["data", "data and errors", "no syntax", "not valid", "no variable"],
)
def test_a_request_that_is_not_executed_is_a_bad_one_in_the_media_type_of_graphql(
    api: ApiServer, query: str, has_data: bool, status: int
) -> None:
    response = ask(api, query, GRAPHQL)
    assert (response.status_code, media(response), "data" in response.json()) == (status, GRAPHQL, has_data)
    legacy = ask(api, query, JSON)
    assert (legacy.status_code, media(legacy)) == (200, JSON)
    assert legacy.json() == response.json()


def test_data_is_null_where_an_error_reaches_the_root(api: ApiServer) -> None:
    response = ask(api, "{ workflows(first: 201) { totalCount } }", GRAPHQL)
    assert (response.status_code, response.json()["data"]) == (200, None)


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        (JSON, JSON),
        (GRAPHQL, GRAPHQL),
        (GRAPHQL.upper(), GRAPHQL),
        (f"{GRAPHQL}; charset=utf-8, {JSON}; charset=utf-8", GRAPHQL),
        (f"{JSON}, {GRAPHQL}", JSON),
        (f"{JSON};q=0.5, {GRAPHQL};q=0.9, */*;q=0.1", GRAPHQL),
        (f"{JSON};q=0.9, {GRAPHQL};q=0.5", JSON),
        (f"text/html, {GRAPHQL};q=0.1", GRAPHQL),
        (f"{JSON};q=0, */*", GRAPHQL),
        (f"*/*, {JSON};q=0.1", GRAPHQL),
        (f"application/*;q=0.2, {GRAPHQL};q=0.1", JSON),
        (f"{EVENTS}, {JSON};q=0.5", EVENTS),
        (f"{EVENTS};q=0.5, {JSON}", JSON),
        (f"{JSON};q=0, {GRAPHQL};q=0, */*;q=0.1", EVENTS),
        ("text/*", EVENTS),
    ],
)
def test_the_answer_is_of_the_media_type_that_the_client_likes_best(api: ApiServer, accept: str, expected: str) -> None:
    response = ask(api, "{ __typename }", accept)
    assert (response.status_code, media(response)) == (200, expected)


@pytest.mark.parametrize(
    "accept", ["text/html", "image/png", f"{JSON};q=0", f"{JSON};q=nan", f"{JSON};q=2", "nonsense"]
)
def test_what_cannot_be_answered_as_accepted_is_refused_with_406(api: ApiServer, accept: str) -> None:
    response = ask(api, "{ __typename }", accept)
    assert response.status_code == 406
    assert response.json()["errors"][0]["message"] == (
        f"Not acceptable; this server answers {JSON}, {GRAPHQL}, {EVENTS}"
    )


def test_a_query_by_get_has_its_parameters_in_the_url(api: ApiServer) -> None:
    run_id = run(api)
    parameters = {
        "query": "query A($id: UUID!) { workflowExecution(id: $id) { id } } query B { __typename }",
        "variables": f'{{"id": "{run_id}"}}',
        "operationName": "A",
        "extensions": "{}",
    }
    response = api.http.get("/graphql", params=parameters, headers={"accept": GRAPHQL})
    assert (response.status_code, response.json()) == (200, {"data": {"workflowExecution": {"id": run_id}}})
    empty = {"query": "{ __typename }", "variables": "", "operationName": "", "extensions": ""}
    assert api.http.get("/graphql", params=empty).json() == {"data": {"__typename": "Query"}}


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({}, "`query` must be a non-empty string"),
        ({"query": "{ __typename }", "variables": "{"}, "`variables` is not valid JSON: "),
        ({"query": "{ __typename }", "variables": "[1]"}, "`variables` must be an object or null"),
        ({"query": "{ __typename }", "extensions": "nope"}, "`extensions` is not valid JSON: "),
    ],
)
def test_parameters_of_a_url_are_checked(api: ApiServer, parameters: dict[str, str], message: str) -> None:
    response = api.http.get("/graphql", params=parameters)
    assert response.status_code == 400
    assert response.json()["errors"][0]["message"].startswith(message)


def test_a_mutation_by_get_is_refused_with_405(api: ApiServer) -> None:
    run_id = run(api)
    query = f'mutation {{ startWorkflowExecution(id: "{run_id}") {{ __typename }} }}'
    response = api.http.get("/graphql", params={"query": query})
    assert (response.status_code, response.headers["allow"]) == (405, "POST")
    assert response.json()["errors"][0]["message"] == "Mutations need POST"

    events = api.http.get("/graphql", params={"query": query}, headers={"accept": EVENTS})
    assert "mutations are not allowed" in events.text
    assert "GRAPHQL_VALIDATION_FAILED" in events.text
    status = api.ask("query ($id: UUID!) { workflowExecution(id: $id) { status } }", id=run_id)
    assert status == {"status": "PENDING"}


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_subscription_needs_a_stream(api: ApiServer, method: str) -> None:
    query = f'subscription {{ executionLogs(workflowExecutionId: "{running(api)}") {{ lastSequence }} }}'
    arguments: dict[str, Any] = {"params": {"query": query}} if method == "GET" else {"json": {"query": query}}
    response = api.http.request(method, "/graphql", **arguments)
    assert (response.status_code, response.json()) == (
        400,
        {
            "errors": [
                {
                    "message": "Subscriptions are served over WebSocket, or with `Accept: text/event-stream`",
                    "extensions": {"code": "GRAPHQL_VALIDATION_FAILED"},
                }
            ]
        },
    )


def test_a_browser_is_shown_graphiql(api: ApiServer) -> None:
    accept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
    page = api.http.get("/graphql", headers={"accept": accept})
    assert (page.status_code, media(page)) == (200, "text/html")
    assert "graphiql" in page.text.lower()
    query = api.http.get("/graphql", params={"query": "{ __typename }"}, headers={"accept": accept})
    assert query.json() == {"data": {"__typename": "Query"}}


def test_who_runs_the_server_can_ask_whether_it_lives_and_is_ready(api: ApiServer) -> None:
    lives, ready = api.http.get("/healthz"), api.http.get("/readyz")
    assert (lives.status_code, lives.text) == (200, "ok\n")
    assert (ready.status_code, ready.json()["ready"]) == (200, True)


def test_what_is_not_there_is_not_found(api: ApiServer) -> None:
    assert api.http.get("/nowhere").status_code == 404
