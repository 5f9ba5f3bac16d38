"""The client: which failures are tried again, and what a caller learns of the others."""

import asyncio
import json
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from api_errors import (
    InvalidInputError,
    InvalidTransitionError,
    NotFoundError,
    RefusedError,
    RequestFailedError,
    UnreachableError,
)
from client import Client, new_id
from graphql import GraphQLSchema
from reporter import Reporter

from tests.examples.example_fake_api import FakeApi, invalid_input, invalid_transition

URL = "http://api.test/graphql"


def client_of(handler: Callable[[httpx.Request], httpx.Response], tries: int = 3) -> Client:
    return Client(URL, patience=[0] * (tries - 1), transport=httpx.MockTransport(handler))


def answers(*replies: httpx.Response | httpx.HTTPError) -> Callable[[httpx.Request], httpx.Response]:
    remaining = list(replies)

    def handle(_: httpx.Request) -> httpx.Response:
        reply = remaining.pop(0)
        if isinstance(reply, httpx.HTTPError):
            raise reply
        return reply

    return handle


def data(value: Any) -> httpx.Response:
    return httpx.Response(200, json={"data": {"field": value}})


def errors(code: str, status: int = 200) -> httpx.Response:
    error = {"message": "sorry", "extensions": {"code": code, "errorId": "e1"}}
    return httpx.Response(status, json={"data": None, "errors": [error]})


def test_ids_are_version_7_and_in_the_order_of_time() -> None:
    before = time.time_ns() // 1_000_000
    first, second = uuid.UUID(new_id()), uuid.UUID(new_id())
    after = time.time_ns() // 1_000_000
    assert (first.version, first.variant) == (7, uuid.RFC_4122)
    assert first != second
    assert before <= first.int >> 80 <= second.int >> 80 <= after


async def test_sends_the_document_with_the_variables_that_are_given() -> None:
    def handle(request: httpx.Request) -> httpx.Response:
        assert request.url == URL
        assert json.loads(request.content) == {"query": "query Q", "variables": {"a": 1, "c": False}}
        return data([1])

    async with client_of(handle) as client:
        assert await client.call("query Q", {"a": 1, "b": None, "c": False}) == [1]


@pytest.mark.parametrize(
    "failure",
    [
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("slow"),
        httpx.RemoteProtocolError("gone"),
        httpx.Response(503, text="starting"),
        httpx.Response(502, text="<html>"),
        errors("UNAVAILABLE", 503),
    ],
    ids=["no connection", "timeout", "disconnected", "503", "502", "UNAVAILABLE"],
)
async def test_transient_failures_are_tried_again_within_bounds(failure: Any) -> None:
    async with client_of(answers(failure, failure, data("yes"))) as client:
        assert await client.call("query Q") == "yes"
    async with client_of(answers(failure, failure, failure)) as client:
        with pytest.raises(UnreachableError):
            await client.call("query Q")


@pytest.mark.parametrize(
    ("failure", "doubtful"),
    [
        (httpx.ConnectError("refused"), False),
        (httpx.ReadTimeout("slow"), True),
        (httpx.Response(503, text="starting"), False),
        (httpx.Response(504, text="<html>"), True),
        (errors("UNAVAILABLE"), True),
    ],
    ids=["no connection", "timeout", "503", "504", "UNAVAILABLE"],
)
async def test_says_whether_the_request_may_have_had_an_effect(failure: Any, doubtful: bool) -> None:
    async with client_of(answers(failure, data("yes"))) as client:
        if doubtful:
            with pytest.raises(UnreachableError) as caught:
                await client.call("mutation M", resend_doubtful=False)
            assert caught.value.doubtful
        else:
            assert await client.call("mutation M", resend_doubtful=False) == "yes"


@pytest.mark.parametrize("status", [200, 400, 500])
async def test_graphql_errors_are_not_tried_again(status: int) -> None:
    async with client_of(answers(errors("INTERNAL_SERVER_ERROR", status))) as client:
        with pytest.raises(RequestFailedError, match=r"^INTERNAL_SERVER_ERROR: sorry: e1$") as caught:
            await client.call("query Q")
    assert (caught.value.code, caught.value.error_id) == ("INTERNAL_SERVER_ERROR", "e1")


@pytest.mark.parametrize(
    ("refusal", "kind", "text"),
    [
        (
            {"__typename": "NotFound", "message": "no such run", "id": "1"},
            NotFoundError,
            "NotFound: no such run",
        ),
        (
            invalid_transition("1", "COMPLETED", "start"),
            InvalidTransitionError,
            "InvalidTransition: Cannot start execution in status completed",
        ),
        (invalid_input("entries[17].data"), InvalidInputError, "InvalidInput: entries[17].data is no good"),
        ({"__typename": "TooManyRuns", "message": "later"}, RefusedError, "TooManyRuns: later"),
    ],
)
async def test_refusals_are_typed(refusal: Any, kind: type[RefusedError], text: str) -> None:
    async with client_of(answers(data(refusal))) as client:
        with pytest.raises(RefusedError) as caught:
            await client.call("mutation M")
    assert (type(caught.value), str(caught.value), caught.value.details) == (kind, text, refusal)


async def test_waits_for_the_server_within_bounds() -> None:
    replies = [httpx.ConnectError("refused"), httpx.Response(503), httpx.Response(200)]
    async with client_of(answers(*replies)) as client:
        await asyncio.wait_for(client.wait_until_ready(10), 10)
    async with client_of(lambda _: httpx.Response(503)) as client:
        with pytest.raises(UnreachableError, match="not ready"):
            await asyncio.wait_for(client.wait_until_ready(0.1), 10)


async def test_without_readyz_the_endpoint_itself_says_that_it_is_up() -> None:
    async with client_of(answers(httpx.Response(404), data("Query"))) as client:
        await asyncio.wait_for(client.wait_until_ready(10), 10)


async def test_transitions_whose_answer_was_lost_count_as_done(schema: GraphQLSchema) -> None:
    api = FakeApi(schema)
    lost = set[str]()

    def lose_first_answer(field: str) -> None:
        if field not in lost:
            lost.add(field)
            raise httpx.ReadTimeout("lost")

    api.after = lose_first_answer
    async with Client(URL, patience=[0] * 3, transport=api.transport) as client:
        reporter = Reporter(client)
        node = {"key": "a", "name": "A"}
        workflow = await reporter.create_workflow({"name": "w", "nodes": [node]})
        run = {"id": new_id(), "workflowId": workflow.id, "triggerType": "MANUAL"}
        steps = await reporter.create_run({**run, "createNodeExecutions": True})
        await reporter.start_run(run["id"])
        await reporter.start_step(steps["a"])
        assert await reporter.fail_step(steps["a"], "oops")
        await reporter.retry_step(steps["a"])
        await reporter.start_step(steps["a"])
        await reporter.complete_step(steps["a"], {"n": 1})
        await reporter.complete_run(run["id"])
    assert [entity["status"] for entity in (*api.runs.values(), *api.steps.values())] == ["COMPLETED"] * 2
    assert len(api.workflows) == 1
    assert len(lost) == len(set(api.fields()))


@pytest.mark.parametrize("lost_after", ["startNodeExecution", "completeNodeExecution"])
async def test_of_two_transitions_the_missing_ones_are_made_up_for(schema: GraphQLSchema, lost_after: str) -> None:
    api = FakeApi(schema)
    lost = set[str]()

    def lose(field: str) -> None:
        if field == lost_after and not lost:
            lost.add(field)
            raise httpx.ReadTimeout("lost")

    api.after = lose
    api.steps["s"] = {"__typename": "NodeExecution", "id": "s", "status": "PENDING", "tries": 0}
    start, end = datetime(2021, 1, 1, tzinfo=UTC), datetime(2021, 1, 2, tzinfo=UTC)
    async with Client(URL, patience=[0], transport=api.transport) as client:
        await Reporter(client).tell_step("s", {"n": 1}, start=start, end=end)
    assert (api.steps["s"]["status"], api.steps["s"]["tries"]) == ("COMPLETED", 1)
    assert api.steps["s"]["at"] == {"start": start.isoformat(), "complete": end.isoformat()}


async def test_of_two_refusals_the_first_tells_why(schema: GraphQLSchema) -> None:
    api = FakeApi(schema)
    api.steps["s"] = {"__typename": "NodeExecution", "id": "s", "status": "PENDING", "tries": 0}
    api.before = lambda field, _: invalid_input("at") if field == "startNodeExecution" else None
    async with Client(URL, transport=api.transport) as client:
        with pytest.raises(InvalidInputError):
            await Reporter(client).tell_step("s", None, start=datetime.now(UTC), end=datetime.now(UTC))


async def test_transitions_that_are_refused_at_once_are_not_done(schema: GraphQLSchema) -> None:
    api = FakeApi(schema)
    api.runs["r"] = {"__typename": "WorkflowExecution", "id": "r", "status": "RUNNING"}
    async with Client(URL, transport=api.transport) as client:
        with pytest.raises(InvalidTransitionError) as caught:
            await Reporter(client).start_run("r")
    assert caught.value.status == "RUNNING"
