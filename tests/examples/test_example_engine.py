"""The engine: what it runs, and what it tells the API of it."""

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from client import Client
from graph_run import GraphRun
from graphql import GraphQLSchema
from log_handler import StepLogHandler
from market_graph import market_graph
from market_steps import FeedError, riskless_rate
from reporter import Reporter
from step_graph import Call, Result, Retry, Step, StepGraph

from tests.examples.example_fake_api import FakeApi, invalid_input

LIMIT = 20  # seconds


@pytest.fixture
def api(schema: GraphQLSchema) -> FakeApi:
    return FakeApi(schema)


@pytest.fixture
def log() -> Iterator[logging.Logger]:
    log = logging.getLogger("market")  # that of the market's steps
    handler = StepLogHandler()
    log.addHandler(handler)
    log.setLevel(logging.DEBUG)
    log.propagate = False
    yield log
    log.removeHandler(handler)


async def run(
    api: FakeApi, graph: StepGraph, log: logging.Logger, stop: asyncio.Event | None = None, **parameters: Any
) -> str:
    async with Client("http://api.test/graphql", patience=[], transport=api.transport) as client:
        reporter = Reporter(client)
        workflow = await reporter.create_workflow(graph.definition("default"))
        with ThreadPoolExecutor(8) as executor:
            graph_run = GraphRun(reporter, graph, workflow.id, parameters, executor, log)
            async with asyncio.timeout(LIMIT):
                return await graph_run.execute(stop or asyncio.Event())


def graph_of(*steps: Step) -> StepGraph:
    return StepGraph("test", "a graph of a test", steps)


def step(key: str, function: Callable[[Call], Any], *needs: str, retries: int = 0) -> Step:
    def call(call: Call) -> Result:
        value = function(call)
        return Result(value, {"value": value})

    return Step(key, key.upper(), "test", call, needs, Retry(retries, 0))


def statuses(api: FakeApi) -> dict[str, str]:
    return {step["node"]["key"]: step["status"] for step in api.steps.values()}


async def test_values_flow_along_the_graph(api: FakeApi, log: logging.Logger) -> None:
    graph = graph_of(
        step("one", lambda call: call.parameters["n"]),
        step("two", lambda call: 2 * call.inputs["one"], "one"),
        step("sum", lambda call: sum(call.inputs.values()), "one", "two"),
    )
    assert await run(api, graph, log, n=5) == "COMPLETED"
    assert {step["node"]["key"]: step["outputData"] for step in api.steps.values()} == {
        "one": {"value": 5},
        "two": {"value": 10},
        "sum": {"value": 15},
    }
    (found,) = api.runs.values()
    assert (found["inputData"], found["outputData"], found["status"]) == ({"n": 5}, {"value": 15}, "COMPLETED")


async def test_steps_that_need_nothing_of_each_other_run_at_the_same_time(api: FakeApi, log: logging.Logger) -> None:
    meeting = threading.Barrier(3, timeout=LIMIT)  # all three have to be there for any to pass
    graph = graph_of(*(step(name, lambda _: meeting.wait() >= 0) for name in "abc"))
    assert await run(api, graph, log) == "COMPLETED"


async def test_a_failing_step_is_tried_again_as_often_as_allowed(api: FakeApi, log: logging.Logger) -> None:
    def flaky(call: Call) -> int:
        log.info("try %d", call.attempt)
        if call.attempt < 3:
            raise ConnectionError("no feed")
        return call.attempt

    assert await run(api, graph_of(step("a", flaky, retries=2)), log) == "COMPLETED"
    assert [field.removesuffix("NodeExecution") for field in api.fields() if field.endswith("NodeExecution")] == [
        "start",
        "fail",
        "retry",
        "start",
        "fail",
        "retry",
        "start",
        "complete",
    ]
    (entries,) = api.logs.values()
    assert [
        (entry["attempt"], entry["level"], entry["message"]) for entry in entries if entry.get("nodeExecutionId")
    ] == [
        (1, "INFO", "try 1"),
        (1, "ERROR", "A: no feed"),
        (1, "INFO", "trying again in 0 s"),
        (2, "INFO", "try 2"),
        (2, "ERROR", "A: no feed"),
        (2, "INFO", "trying again in 0 s"),
        (3, "INFO", "try 3"),
    ]
    assert "ConnectionError: no feed" in entries[2]["data"]["exception"]


async def test_a_step_that_keeps_failing_fails_the_run_and_cancels_the_rest(api: FakeApi, log: logging.Logger) -> None:
    def fail(_: Call) -> None:
        raise ZeroDivisionError

    graph = graph_of(
        step("good", lambda _: 1),
        step("bad", fail, "good", retries=2),
        step("later", lambda _: 2, "bad"),
    )
    assert await run(api, graph, log) == "FAILED"
    assert statuses(api) == {"good": "COMPLETED", "bad": "FAILED", "later": "CANCELLED"}
    (found,) = api.runs.values()
    assert (found["status"], found["errorMessage"]) == ("FAILED", "BAD: ZeroDivisionError")


async def test_stopping_cancels_the_run(api: FakeApi, log: logging.Logger) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def stop_engine(_: Call) -> None:
        loop.call_soon_threadsafe(stop.set)

    endless = step("b", lambda _: threading.Event().wait(0.5))
    graph = graph_of(step("a", stop_engine), endless, step("c", lambda _: 1, "b"))
    assert await run(api, graph, log, stop) == "CANCELLED"
    (found,) = api.runs.values()
    assert (found["status"], found["reason"]) == ("CANCELLED", "the engine was stopped")
    assert statuses(api)["c"] == "CANCELLED"
    assert not {"PENDING", "RUNNING"} & set(statuses(api).values())


async def test_a_run_that_somebody_else_cancelled_ends(api: FakeApi, log: logging.Logger) -> None:
    def cancel_elsewhere(_: Call) -> None:
        (run_id,) = api.runs
        api.cancelWorkflowExecution(id=run_id, reason="no longer wanted")

    graph = graph_of(step("a", cancel_elsewhere), step("b", lambda _: 1, "a"))
    assert await run(api, graph, log) == "CANCELLED"
    (found,) = api.runs.values()
    assert found["reason"] == "no longer wanted"


async def test_the_log_is_complete_before_the_run_ends(api: FakeApi, log: logging.Logger) -> None:
    graph = graph_of(step("a", lambda _: [log.debug("%d", number) for number in range(5000)] and None))
    assert await run(api, graph, log) == "COMPLETED"
    (entries,) = api.logs.values()
    assert [entry["message"] for entry in entries if entry.get("nodeExecutionId")] == [str(n) for n in range(5000)]
    assert api.fields()[-1] == "completeWorkflowExecution"


async def test_the_api_refusing_is_an_error(api: FakeApi, log: logging.Logger) -> None:
    api.before = lambda field, _: invalid_input("at") if field == "completeNodeExecution" else None
    with pytest.raises(Exception, match="InvalidInput"):
        await run(api, graph_of(step("a", lambda _: 1)), log)


async def market_run(api: FakeApi, log: logging.Logger, seed: int) -> dict[str, Any]:
    symbols = ["ALFA", "BRAVO"]
    await run(api, market_graph(symbols), log, seed=seed, symbols=symbols, bars=300)
    return list(api.runs.values())[-1]


async def test_the_market_is_the_same_for_the_same_seed(api: FakeApi, log: logging.Logger) -> None:
    first, again, other = [await market_run(api, log, seed) for seed in (0, 0, 1)]
    assert first["status"] == "COMPLETED"
    assert {row["symbol"] for row in first["outputData"]["ranking"]} == {"ALFA", "BRAVO"}
    assert first["outputData"]["most_correlated"] == "ALFA/BRAVO"
    assert first["outputData"] == again["outputData"] != other["outputData"]


def test_the_markets_feed_fails_now_and_then() -> None:
    def answers(seed: int, attempt: int) -> bool:
        try:
            return riskless_rate(Call({"seed": seed}, {}, attempt)).value > 0
        except FeedError:
            return False

    tries = [[answers(seed, attempt) for attempt in (1, 2, 3)] for seed in range(1000)]
    assert 0.5 < sum(found[0] for found in tries) / 1000 < 0.7
    assert 0.03 < sum(not any(found) for found in tries) / 1000 < 0.1
