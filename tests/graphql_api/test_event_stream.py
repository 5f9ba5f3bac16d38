"""Server-sent events: any operation as a stream of results, the same answers as over WebSocket."""

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from tests.api_server import ApiServer
from tests.graphql_api.followers import following
from tests.graphql_api.reports import log, run, running, transition

LOGS = """
subscription ($run: UUID!) {
    executionLogs(workflowExecutionId: $run) { entries { sequence message } lastSequence complete }
}
"""


@contextmanager
def stream(api: ApiServer, query: str, **variables: Any) -> Iterator[Iterator[tuple[str, Any]]]:
    """The events of an operation, as (event, data)."""
    request = {"query": query, "variables": variables}
    headers = {"accept": "text/event-stream"}
    with api.http.stream("POST", "/graphql", json=request, headers=headers, timeout=15) as response:
        assert (response.status_code, response.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
        assert response.headers["cache-control"] == "no-cache"

        def events() -> Iterator[tuple[str, Any]]:
            event = ""
            for line in response.iter_lines():
                name, _, value = line.partition(": ")
                if name == "event":
                    event = value
                elif name in ("data", "data:"):
                    yield event, json.loads(value) if value else None

        yield events()


def test_a_query_and_a_mutation_are_one_result(api: ApiServer) -> None:
    with stream(api, "{ __typename }") as events:
        assert list(events) == [("next", {"data": {"__typename": "Query"}}), ("complete", None)]
    start = "mutation ($id: UUID!) { startWorkflowExecution(id: $id) { __typename } }"
    with stream(api, start, id=run(api)) as events:
        started = {"data": {"startWorkflowExecution": {"__typename": "WorkflowExecution"}}}
        assert list(events) == [("next", started), ("complete", None)]


def test_a_request_that_is_not_valid_is_one_result_without_data(api: ApiServer) -> None:
    with stream(api, "{ colour }") as events:
        (name, result), end = list(events)
    assert (name, set(result), end) == ("next", {"errors"}, ("complete", None))
    assert result["errors"][0]["extensions"] == {"code": "GRAPHQL_VALIDATION_FAILED"}


def test_a_body_that_is_no_request_is_refused_before_the_stream(api: ApiServer) -> None:
    response = api.http.post("/graphql", content=b"{", headers={"accept": "text/event-stream"})
    assert (response.status_code, response.headers["content-type"]) == (415, "application/json; charset=utf-8")


def test_an_unknown_run_is_not_found(api: ApiServer) -> None:
    nobody = str(uuid4())
    with stream(api, LOGS, run=nobody) as events:
        (name, result), end = list(events)
    assert (name, end) == ("next", ("complete", None))
    message = f"Workflow execution {nobody} does not exist"
    assert result["errors"] == [{"message": message, "extensions": {"code": "NOT_FOUND"}}]


async def test_a_subscription_gives_the_same_as_over_a_websocket(api: ApiServer) -> None:
    run_id = running(api)
    log(api, run_id, "one", "two")

    def read() -> list[tuple[str, Any]]:
        with stream(api, LOGS, run=run_id) as events:
            first = next(events)
            log(api, run_id, "three")
            second = next(events)
            transition(api, "completeWorkflowExecution", run_id)
            return [first, second, *events]

    async with following(api, LOGS, run=run_id) as follower:
        first = await follower.event()
        streamed = await asyncio.to_thread(read)
        results = [first, *await follower.events()]
    assert streamed == [*(("next", {"data": {"executionLogs": result}}) for result in results), ("complete", None)]
    assert results == [
        {
            "entries": [{"sequence": 1, "message": "one"}, {"sequence": 2, "message": "two"}],
            "lastSequence": 2,
            "complete": False,
        },
        {"entries": [{"sequence": 3, "message": "three"}], "lastSequence": 3, "complete": False},
        {"entries": [], "lastSequence": 3, "complete": True},
    ]


def test_a_client_that_goes_away_is_followed_no_more(api: ApiServer) -> None:
    run_id = running(api)
    log(api, run_id, "one")
    with stream(api, LOGS, run=run_id) as events:
        next(events)
        assert api.followers(run_id) == 1
    limit = time.monotonic() + 15
    while api.followers(run_id):
        assert time.monotonic() < limit, "still followed"
        time.sleep(0.01)
