"""Python's `logging` led into the log of the step that is running.

    with step_log(queue, node_execution_id, attempt):
        logging.getLogger("market").warning("RSI is %.1f", 83.2, extra={"data": {"rsi": 83.2}})

The step is a context variable: it follows asyncio tasks by itself, and into a thread when the function is
called through `contextvars.copy_context().run`. Records made outside a step or run go nowhere.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime

from api_errors import JsonObject
from log_queue import LogQueue

LEVELS = ((logging.ERROR, "ERROR"), (logging.WARNING, "WARNING"), (logging.INFO, "INFO"))
LONGEST = 250_000  # characters of a message, a little less than the API takes
UNSTORABLE = re.compile("[\0\ud800-\udfff]")  # what the API refuses in a text


@dataclass(frozen=True, slots=True)
class StepLog:
    """Where records go: a run's queue and, within a step, the step and its attempt."""

    queue: LogQueue
    node_execution_id: str | None = None
    attempt: int | None = None


_current: ContextVar[StepLog | None] = ContextVar("execgraph_step_log", default=None)


@contextmanager
def step_log(queue: LogQueue, node_execution_id: str | None = None, attempt: int | None = None) -> Iterator[None]:
    """Within this context records belong to the given step, or to the run as a whole."""
    token = _current.set(StepLog(queue, node_execution_id, attempt))
    try:
        yield
    finally:
        _current.reset(token)


class StepLogHandler(logging.Handler):
    """Puts records into the queue of the current run.

    Do not attach it to a logger that the HTTP client writes to: sending would log, and logging would send.
    """

    def emit(self, record: logging.LogRecord) -> None:
        """Put one record, with its `extra={"data": ...}` and its exception. Never raises."""
        try:
            current = _current.get()
            if current is not None:
                current.queue.put(log_entry(record, current.node_execution_id, current.attempt))
        except Exception:  # a handler must not break what it listens to
            self.handleError(record)


def log_entry(record: logging.LogRecord, node_execution_id: str | None, attempt: int | None) -> JsonObject:
    """Make a LogEntryInput of a record."""
    entry: JsonObject = {
        "level": _level(record.levelno),
        "message": _text(record.getMessage()) or "(no message)",
        "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(),
    }
    data = dict(getattr(record, "data", {}), logger=record.name)
    if record.exc_info:
        data["exception"] = _text(logging.Formatter().formatException(record.exc_info))
    entry["data"] = data
    if node_execution_id is not None:
        entry.update(nodeExecutionId=node_execution_id, attempt=attempt)
    return entry


def _text(text: str) -> str:
    return UNSTORABLE.sub("\ufffd", text if len(text) <= LONGEST else f"{text[:LONGEST]} ... (cut)")


def _level(number: int) -> str:
    return next((name for least, name in LEVELS if number >= least), "DEBUG")
