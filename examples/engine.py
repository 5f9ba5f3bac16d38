#!/usr/bin/env python3
"""A small workflow engine that reports everything it does to execgraph.

It runs the market workflow (see market_graph.py) again and again. Ctrl-C and SIGTERM cancel the current run
and end it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import secrets
import signal
import sys
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from types import FrameType
from typing import Any

from api_errors import ApiError, RefusedError, UnreachableError
from client import Client
from graph_run import GraphRun
from log_handler import StepLogHandler
from market_graph import market_graph
from reporter import Reporter

SYMBOLS = "ALFA,BRAVO,CHARLIE,DELTA,ECHO"
MOST_SYMBOLS = 100
FEWEST_BARS = 100  # every indicator has a value from then on

console = logging.getLogger("engine")
log = logging.getLogger("market")  # what runs say: to the API, not to the console


def main() -> int:
    """Run the engine until it is done or told to stop.

    Returns:
        The exit code: 0, or 1 when the API was out of reach or refused.
    """
    arguments = _parse_arguments()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    log.setLevel(logging.DEBUG)
    log.propagate = False
    log.addHandler(StepLogHandler())
    try:
        asyncio.run(_run_engine(arguments))
    except ApiError as error:
        print(f"engine: {error}", file=sys.stderr)
        return 1
    return 0


async def _run_engine(arguments: argparse.Namespace) -> None:
    stop = _stop_on_signals()
    graph = market_graph(arguments.symbols)
    async with Client(arguments.url) as client:
        await _unless_stopped(client.wait_until_ready(arguments.wait), stop)
        if stop.is_set():
            return
        reporter = Reporter(client)
        workflow = await reporter.create_workflow(graph.definition(arguments.namespace))
        with ThreadPoolExecutor(os.cpu_count(), "step") as executor:
            for number in count():
                if stop.is_set() or number == arguments.runs:
                    return
                parameters = {
                    "seed": arguments.seed + number,
                    "symbols": arguments.symbols,
                    "bars": arguments.bars,
                }
                run = GraphRun(reporter, graph, workflow.id, parameters, executor, log)
                await _execute(run, reporter, arguments.wait, stop)
                if number + 1 != arguments.runs:
                    await _unless_stopped(asyncio.sleep(arguments.interval), stop)


async def _execute(run: GraphRun, reporter: Reporter, patience: float, stop: asyncio.Event) -> None:
    """Execute a run; whatever comes in between, it is not left unfinished while the API can be reached."""
    try:
        status = await run.execute(stop)
    except UnreachableError as error:
        console.error("run %s: %s", run.id, error)
        await _unless_stopped(reporter.client.wait_until_ready(patience), stop)
        with contextlib.suppress(RefusedError):  # it was never created, or has ended after all
            await reporter.cancel_run(run.id, "the engine could not reach the API")
        status = "CANCELLED"
    except Exception as error:
        with contextlib.suppress(ApiError):
            await reporter.cancel_run(run.id, f"the engine failed: {error}")
        raise
    console.info("run %s: %s", run.id, status)


def _stop_on_signals() -> asyncio.Event:
    """An event that the first SIGINT or SIGTERM sets; the next one ends the process as usual."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def handle(number: int, _: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        console.info("stopping")
        loop.call_soon_threadsafe(stop.set)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, handle)
    return stop


async def _unless_stopped(work: Coroutine[Any, Any, None], stop: asyncio.Event) -> None:
    """Wait for `work` to end or for `stop`, whichever is first. Raises what `work` raises."""
    tasks = asyncio.create_task(work), asyncio.create_task(stop.wait())
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await tasks[0]


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Run the market workflow and report it to execgraph.")
    parser.add_argument("--url", default="http://127.0.0.1:8000/graphql", help="the endpoint (%(default)s)")
    parser.add_argument("--runs", type=_at_least(1), help="how many runs (without end)")
    parser.add_argument("--interval", type=float, default=5, help="seconds between runs (%(default)s)")
    parser.add_argument(
        "--seed", type=int, default=secrets.randbelow(2**31), help="of the first run; each next one adds 1"
    )
    parser.add_argument(
        "--symbols", type=_symbols, default=SYMBOLS, help="names with commas, or how many (%(default)s)"
    )
    parser.add_argument("--bars", type=_at_least(FEWEST_BARS), default=1000, help="days of history (%(default)s)")
    parser.add_argument("--namespace", default="default", help="of the workflow (%(default)s)")
    parser.add_argument("--wait", type=float, default=60, help="seconds to wait for the server (%(default)s)")
    return parser.parse_args()


def _symbols(text: str) -> list[str]:
    names = [f"S{number:02}" for number in range(1, int(text) + 1)] if text.isdecimal() else text.split(",")
    names = list(dict.fromkeys(name.strip() for name in names))
    if not 1 <= len(names) <= MOST_SYMBOLS or not all(names):
        raise argparse.ArgumentTypeError(f"1 to {MOST_SYMBOLS} names expected, found {text!r}")
    return names


def _at_least(minimum: int) -> Callable[[str], int]:
    def integer(text: str) -> int:
        if (value := int(text)) < minimum:
            raise argparse.ArgumentTypeError(f"at least {minimum} expected, found {text}")
        return value

    return integer


if __name__ == "__main__":
    sys.exit(main())
