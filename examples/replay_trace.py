#!/usr/bin/env python3
"""Replays an execution trace in WfFormat 1.5 through the API, with the times the trace tells."""

from __future__ import annotations

import argparse
import asyncio
import math
import signal
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NoReturn

from api_errors import ApiError
from client import Client
from documents import RUN_OVERVIEW
from json_place import MalformedError
from replay import Replay
from replay_schedule import Schedule, schedule
from tqdm import tqdm
from wfformat import parse_trace
from workflow_trace import Trace

REFUSED, MALFORMED, INTERRUPTED = 1, 2, 130  # exit codes
AHEAD = timedelta(minutes=5)  # how far the API lets an engine's clock be ahead


def main() -> int:
    """Replay the trace named on the command line.

    Returns:
        The exit code: 0, 1 when the API refused or was out of reach, 2 when the file is no good (then nothing
        was sent), 130 when interrupted.
    """
    arguments = _parse_arguments()
    try:
        trace, times = _read(arguments.file)
    except (MalformedError, OSError) as error:
        print(f"replay_trace: {arguments.file}: {error}", file=sys.stderr)
        return MALFORMED
    try:
        run_id = asyncio.run(_replay(arguments, trace, times))
    except ApiError as error:
        print(f"replay_trace: {error}", file=sys.stderr)
        return REFUSED
    except (KeyboardInterrupt, asyncio.CancelledError):
        return INTERRUPTED
    print(f"run {run_id}")
    print(RUN_OVERVIEW % run_id)
    return 0


def _read(file: Path) -> tuple[Trace, Schedule]:
    trace = parse_trace(file.read_bytes())
    try:
        times = schedule(trace)
    except OverflowError:
        raise MalformedError("workflow.execution.tasks", "the runtimes lead past the year 9999") from None
    if times.end > datetime.now(UTC) + AHEAD:
        raise MalformedError("workflow.execution", f"the last task ends in the future, at {times.end}")
    return trace, times


async def _replay(arguments: argparse.Namespace, trace: Trace, times: Schedule) -> str:
    """Replay, and return the run's id. SIGTERM is taken like Ctrl-C, which asyncio turns into a cancellation."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    signal.signal(signal.SIGTERM, lambda *_: loop.call_soon_threadsafe(task.cancel))
    with tqdm(total=len(trace.tasks), desc=trace.name, unit="task") as bar:
        async with Client(arguments.url) as client:
            await client.wait_until_ready(arguments.wait)
            source = arguments.file.name
            replay = Replay(client, trace, times, source=source, on_end=lambda _: _advance(bar))
            await replay.tell(namespace=arguments.namespace, speed=arguments.speed)
    return replay.run_id


def _advance(bar: tqdm[NoReturn]) -> None:
    bar.update()


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Replay an execution trace (WfFormat 1.5) through execgraph.")
    parser.add_argument("file", type=Path, help="the trace, a JSON file")
    parser.add_argument("--url", default="http://127.0.0.1:8000/graphql", help="the endpoint (%(default)s)")
    parser.add_argument(
        "--speed", type=_positive, help="1: as it happened, 60: a minute in a second (as fast as possible)"
    )
    parser.add_argument("--namespace", default="default", help="of the workflow (%(default)s)")
    parser.add_argument("--wait", type=float, default=60, help="seconds to wait for the server (%(default)s)")
    return parser.parse_args()


def _positive(text: str) -> float:
    number = float(text)
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"a positive number expected, found {text}")
    return number


if __name__ == "__main__":
    sys.exit(main())
