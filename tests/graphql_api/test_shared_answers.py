"""An event is answered once for all who get it alike; whoever asks for something else gets something else."""

import asyncio
from typing import Any

import pytest

from graphql_api.subscriptions.events import Events
from tests.api_server import ApiServer
from tests.graphql_api.followers import Follower, following
from tests.graphql_api.reports import log, running, steps, transition

SEQUENCES = """subscription ($run: UUID!, $after: Int! = 0, $filter: ExecutionLogFilter) {
    executionLogs(workflowExecutionId: $run, after: $after, filter: $filter) { entries { sequence } lastSequence }
}"""
SOME_FIELDS = """subscription ($run: UUID!, $level: Boolean!, $message: Boolean! = false) {
    executionLogs(workflowExecutionId: $run) { entries { level @include(if: $level) ...Message } }
}
fragment Message on ExecutionLog { message @include(if: $message) }"""
TWO = """subscription First($run: UUID!) { executionLogs(workflowExecutionId: $run) { lastSequence } }
subscription Second($run: UUID!) { executionLogs(workflowExecutionId: $run) { entries { message } } }"""
CHANGES = """subscription ($run: UUID!) {
    workflowExecutionChanged(id: $run) { revision nodeExecutions { name status } }
}"""


@pytest.fixture
def executed(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The events that were executed."""
    events: list[Any] = []
    execute = Events._execute

    async def counted(self: Events, event: Any) -> Any:
        events.append(event)
        return await execute(self, event)

    monkeypatch.setattr(Events, "_execute", counted)
    return events


async def all_of(followers: list[Follower]) -> list[Any]:
    return list(await asyncio.gather(*(follower.event() for follower in followers)))


async def test_what_many_get_alike_is_executed_once(api: ApiServer, executed: list[Any]) -> None:
    run_id = running(api)
    log(api, run_id, "1")
    async with (
        following(api, SEQUENCES, run=run_id) as one,
        following(api, SEQUENCES, run=run_id, after=0) as two,
        following(api, SEQUENCES, run=run_id, after=1) as three,
        following(api, SEQUENCES, run=run_id, after=1, filter={"minLevel": "DEBUG"}) as four,
    ):
        await all_of([one, two])
        coming = asyncio.gather(*(follower.event() for follower in (one, two, three, four)))
        while api.followers(run_id) < 4:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)  # until all of them wait
        executed.clear()
        log(api, run_id, "2")
        assert await coming == [{"entries": [{"sequence": 2}], "lastSequence": 2}] * 4
    assert len(executed) == 2  # one for each filter, wherever its followers began


async def test_variables_below_the_root_field_make_a_difference(api: ApiServer) -> None:
    run_id = running(api)
    variables = [{"level": True}, {"level": False}, {"level": True, "message": True}, {"level": False, "message": True}]
    async with (
        following(api, SOME_FIELDS, run=run_id, **variables[0]) as one,
        following(api, SOME_FIELDS, run=run_id, **variables[1]) as two,
        following(api, SOME_FIELDS, run=run_id, **variables[2]) as three,
        following(api, SOME_FIELDS, run=run_id, **variables[3]) as four,
    ):
        log(api, run_id, "hello")
        entries = [event["entries"] for event in await all_of([one, two, three, four])]
    both = {"level": "INFO", "message": "hello"}
    assert entries == [[{"level": "INFO"}], [{}], [both], [{"message": "hello"}]]


async def test_operations_of_one_document_are_told_apart(api: ApiServer) -> None:
    run_id = running(api)
    log(api, run_id, "hello")
    body = {"query": TWO, "variables": {"run": run_id}}
    headers = {"accept": "text/event-stream"}

    def first(operation: str) -> str:
        with api.http.stream("POST", "/graphql", json={**body, "operationName": operation}, headers=headers) as stream:
            return next(line for line in stream.iter_lines() if line.startswith("data: "))

    assert await asyncio.to_thread(first, "First") == 'data: {"data":{"executionLogs":{"lastSequence":1}}}'
    entries = '{"entries":[{"message":"hello"}]}'
    assert await asyncio.to_thread(first, "Second") == f'data: {{"data":{{"executionLogs":{entries}}}}}'


async def test_changes_of_a_run_are_read_and_executed_once_for_all_dashboards(
    api: ApiServer, executed: list[Any]
) -> None:
    run_id = running(api)
    (step_id,) = steps(api, run_id, "load")
    async with (
        following(api, CHANGES, run=run_id) as one,
        following(api, CHANGES, run=run_id) as two,
        following(api, CHANGES, run=run_id) as three,
    ):
        await all_of([one, two, three])
        await asyncio.sleep(0.3)  # until all of them wait
        executed.clear()
        before = api.context.feeds.delivery.catch_ups
        transition(api, "startNodeExecution", step_id)
        expected = {"revision": 4, "nodeExecutions": [{"name": "load", "status": "RUNNING"}]}
        assert await all_of([one, two, three]) == [expected] * 3
    assert (len(executed), api.context.feeds.delivery.catch_ups - before) == (1, 0)


async def test_an_answer_without_data_ends_the_subscription(api: ApiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The entries of the event did not arrive; the next event must not hide that."""
    run_id = running(api)
    failing = """subscription ($run: UUID!) {
        executionLogs(workflowExecutionId: $run) { entries { sequence workflowExecution { id } } lastSequence }
    }"""
    async with following(api, failing, run=run_id) as follower:
        log(api, run_id, "1")
        assert [entry["sequence"] for entry in (await follower.event())["entries"]] == [1]

        async def fail(*_: Any) -> Any:
            raise ValueError("broken")

        monkeypatch.setattr("graphql_api.context.Context.load", fail)
        log(api, run_id, "2")
        assert (await follower.error())["code"] == "INTERNAL_SERVER_ERROR"
        monkeypatch.undo()
        log(api, run_id, "3")
        with pytest.raises(StopAsyncIteration):
            await follower.event()
    assert api.followers(run_id) == 0
