"""Log entries on their way: in order, in batches, none lost that can be delivered, and memory bounded."""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable
from contextvars import copy_context
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from client import Client
from graphql import GraphQLSchema
from log_handler import StepLogHandler, step_log
from log_queue import LogQueue

from tests.examples.example_fake_api import FakeApi, invalid_input

RUN = "019342f4-0000-7000-8000-000000000000"
LIMIT = 10  # seconds; a test that waits longer has failed


@pytest.fixture
def api(schema: GraphQLSchema) -> FakeApi:
    return FakeApi(schema)


@pytest.fixture
async def client(api: FakeApi) -> AsyncIterator[Client]:
    async with Client("http://api.test/graphql", patience=[0, 0], transport=api.transport) as client:
        yield client


def entry(number: int) -> dict[str, Any]:
    return {"level": "INFO", "message": str(number)}


def messages(api: FakeApi) -> list[str]:
    return [entry["message"] for entry in api.logs[RUN]]


def batches(api: FakeApi) -> list[int]:
    return [len(arguments["entries"]) for field, arguments in api.calls if field == "appendLogs"]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(LIMIT):
        while not condition():  # noqa: ASYNC110 - the API under test tells nobody
            await asyncio.sleep(0.001)


async def test_what_is_left_goes_out_in_batches_on_leaving(api: FakeApi, client: Client) -> None:
    async with LogQueue(client, RUN, batch=10, interval=LIMIT) as queue:
        for number in range(25):
            queue.put(entry(number))
    assert messages(api) == [str(number) for number in range(25)]
    assert batches(api) == [10, 10, 5]


async def test_a_full_batch_goes_out_at_once(api: FakeApi, client: Client) -> None:
    async with LogQueue(client, RUN, batch=10, interval=LIMIT * 2) as queue:
        for number in range(10):
            queue.put(entry(number))
        await until(lambda: len(messages(api)) == 10)


async def test_a_few_entries_go_out_after_the_interval(api: FakeApi, client: Client) -> None:
    async with LogQueue(client, RUN, interval=0.02) as queue:
        queue.put(entry(1))
        await until(lambda: messages(api) == ["1"])
        queue.put(entry(2))
        await until(lambda: messages(api) == ["1", "2"])


async def test_flush_sends_everything_put_before(api: FakeApi, client: Client) -> None:
    async with LogQueue(client, RUN, interval=LIMIT) as queue:
        queue.put(entry(1))
        await queue.flush()
        assert messages(api) == ["1"]


async def test_large_entries_make_small_batches(api: FakeApi, client: Client) -> None:
    async with LogQueue(client, RUN, interval=LIMIT) as queue:
        for _ in range(3):
            queue.put({"level": "INFO", "message": "x" * 600_000})
    assert batches(api) == [1, 1, 1]


async def test_order_is_kept_from_many_threads(api: FakeApi, client: Client) -> None:
    def write(queue: LogQueue, thread: int) -> None:
        for number in range(500):
            queue.put(entry(thread * 1000 + number))

    async with LogQueue(client, RUN, batch=100, interval=0.01) as queue:
        threads = [threading.Thread(target=write, args=(queue, number)) for number in range(4)]
        for thread in threads:
            thread.start()
        await until(lambda: not any(thread.is_alive() for thread in threads))
    sent = [int(message) for message in messages(api)]
    assert sorted(sent) == sorted(thread * 1000 + number for thread in range(4) for number in range(500))
    for thread in range(4):
        own = [number for number in sent if number // 1000 == thread]
        assert own == sorted(own)


@pytest.mark.parametrize("kind", ["before", "after"])
async def test_a_transient_failure_loses_and_doubles_nothing(api: FakeApi, client: Client, kind: str) -> None:
    """Whether the request got lost or its answer did: the run's last sequence tells."""
    failures = iter([True, False, True, False])

    def fail(field: str, *_: Any) -> None:
        if field == "appendLogs" and next(failures, False):
            raise httpx.ReadTimeout("lost")

    setattr(api, kind, fail)
    async with LogQueue(client, RUN, batch=10, interval=LIMIT) as queue:
        for number in range(25):
            queue.put(entry(number))
    assert messages(api) == [str(number) for number in range(25)]
    assert queue.lost == 0


async def test_entries_that_cannot_be_delivered_are_told_on_stderr(
    api: FakeApi, client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: Any) -> None:
        raise httpx.ConnectError("no server")

    api.before = fail
    async with LogQueue(client, RUN, batch=10, interval=LIMIT) as queue:
        for number in range(25):
            queue.put(entry(number))
    assert queue.lost == 25
    assert api.fields() == ["appendLogs"] * 3  # patience is spent once, not on each batch
    assert capsys.readouterr().err == (
        f"25 log entries of run {RUN} lost: cannot reach http://api.test/graphql: no server\n"
    )


async def test_an_entry_that_the_api_refuses_does_not_take_others_along(
    api: FakeApi, client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(_: str, arguments: dict[str, Any]) -> dict[str, Any] | None:
        texts = [entry["message"] for entry in arguments["entries"]]
        return invalid_input(f"entries[{texts.index('3')}].message") if "3" in texts else None

    api.before = refuse
    async with LogQueue(client, RUN, interval=LIMIT) as queue:
        for number in range(6):
            queue.put(entry(number))
    assert messages(api) == ["0", "1", "2", "4", "5"]
    assert queue.lost == 1
    assert capsys.readouterr().err == (f"1 log entry of run {RUN} lost: InvalidInput: entries[3].message is no good\n")


async def test_memory_is_bounded(api: FakeApi, client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    async with LogQueue(client, RUN, interval=LIMIT, capacity=1000) as queue:
        for number in range(100):
            queue.put({"level": "INFO", "message": f"{number:068}"})  # 100 bytes of JSON
    assert messages(api) == [f"{number:068}" for number in range(10)]
    assert queue.lost == 90
    assert capsys.readouterr().err == (
        f"90 log entries of run {RUN} lost: more than 1000 bytes were waiting to be sent\n"
    )


async def test_data_that_is_no_json_goes_as_text(api: FakeApi, client: Client) -> None:
    async with LogQueue(client, RUN, interval=LIMIT) as queue:
        queue.put({**entry(1), "data": {"nan": float("nan")}})
        queue.put({**entry(2), "data": {"day": datetime(2021, 1, 1, tzinfo=UTC).date()}})
        queue.put({**entry(3), "data": {"half": "\ud83d"}})
    assert messages(api) == ["1", "2", "3"]
    assert [entry["data"]["repr"] for entry in api.logs[RUN]] == [
        "{'nan': nan}",
        "{'day': datetime.date(2021, 1, 1)}",
        "{'half': '\\ud83d'}",
    ]


@pytest.fixture
def logger() -> logging.Logger:
    logger = logging.Logger("market.test", logging.DEBUG)
    logger.addHandler(StepLogHandler())
    return logger


async def test_records_carry_the_step_that_made_them(api: FakeApi, client: Client, logger: logging.Logger) -> None:
    async def step(queue: LogQueue, name: str) -> None:
        with step_log(queue, name, 2):
            await asyncio.sleep(0)  # steps take turns
            logger.info("in a task")
            await asyncio.to_thread(logger.info, "in a thread")

    async with LogQueue(client, RUN, interval=LIMIT) as queue:
        with step_log(queue):
            logger.info("in the run")
            await asyncio.gather(step(queue, "a"), step(queue, "b"))
        logger.info("nowhere")
    places = {(e["message"], e.get("nodeExecutionId"), e.get("attempt")) for e in api.logs[RUN]}
    assert places == {("in the run", None, None)} | {
        (message, name, 2) for message in ("in a task", "in a thread") for name in ("a", "b")
    }


async def test_records_become_entries(api: FakeApi, client: Client, logger: logging.Logger) -> None:
    before = datetime.now(UTC)
    async with LogQueue(client, RUN, interval=LIMIT) as queue:
        with step_log(queue):
            logger.debug("%d of %d", 1, 2)
            logger.warning("hot", extra={"data": {"rsi": 83.2}})
            logger.critical("N\0L and \ud83d")
            try:
                raise LookupError("x")
            except LookupError:
                logger.exception("failed")
    debug, warning, critical, error = api.logs[RUN]
    assert (debug["level"], debug["message"]) == ("DEBUG", "1 of 2")
    assert (warning["level"], warning["data"]) == ("WARNING", {"rsi": 83.2, "logger": "market.test"})
    assert (critical["level"], critical["message"]) == ("ERROR", "N\ufffdL and \ufffd")
    assert (error["level"], error["message"]) == ("ERROR", "failed")
    assert error["data"]["exception"].endswith("LookupError: x")
    assert before <= datetime.fromisoformat(debug["timestamp"]) <= datetime.now(UTC)


async def test_a_bad_record_breaks_nothing(api: FakeApi, client: Client, logger: logging.Logger) -> None:
    async with LogQueue(client, RUN, interval=LIMIT) as queue:
        with step_log(queue):
            copy_context().run(logger.info, "%d", "no number")
            logger.info("fine")
    assert messages(api) == ["fine"]
