"""How GraphQL operations are counted and timed: by name, for as many names as there is room for."""

import re
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

from prometheus_client import Counter, Gauge, Histogram

from graphql_api.observability.metrics import ERRORS, EVENTS, OPERATION_SECONDS, OPERATIONS, SUBSCRIBERS
from graphql_api.observability.tracing import TRACING

MAX_NAMES: Final = 200
"""Names are the client's choice; operations whose names come later than these are counted under `other`."""
MAX_REMEMBERED: Final = 2_000
"""Documents whose operation is known without looking at their text again."""
MAX_REMEMBERED_LENGTH: Final = 16_384

OTHER: Final = "(other)"
ANONYMOUS: Final = "(anonymous)"
INVALID: Final = "(invalid)"

_COMMENTS_AND_STRINGS = re.compile(r'"""(?:.|\n)*?"""|"(?:\\.|[^"\\\n])*"|#[^\n]*')
_DEFINITION = re.compile(r"(?<![\w$@])(query|mutation|subscription)\b\s*([_A-Za-z]\w*)?\s*[({@]")


class Label(NamedTuple):
    """What an operation is counted under."""

    kind: str
    name: str


def label_of(text: str, operation_name: str | None) -> Label:
    """The kind and the name of the operation that a document's text means, without parsing it."""
    bare = _COMMENTS_AND_STRINGS.sub(" ", text)
    if bare.lstrip().startswith("{"):
        return Label("query", ANONYMOUS)
    definitions = _DEFINITION.findall(bare)
    for kind, name in definitions:
        if operation_name is None or name == operation_name:
            return Label(kind, name or ANONYMOUS)
    return Label("query", ANONYMOUS)


class Series:
    """The metrics of one operation, bound once: finding them by their labels takes longer than counting."""

    __slots__ = ("events", "failed", "label", "seconds", "subscribers", "succeeded")

    def __init__(self, label: Label) -> None:
        self.label = label
        self.succeeded: Counter = OPERATIONS.labels(*label, "ok")
        self.failed: Counter = OPERATIONS.labels(*label, "error")
        self.seconds: Histogram = OPERATION_SECONDS.labels(*label)
        self.subscribers: Gauge = SUBSCRIBERS.labels(label.name)
        self.events: Counter = EVENTS.labels(label.name)


class SeriesByOperation:
    """Finds the series of an operation. A name gets a series of its own only with a document that was executed."""

    def __init__(self) -> None:
        self._series: dict[Label, Series] = {}
        self._remembered: OrderedDict[tuple[str, str | None], Series] = OrderedDict()
        self._invalid = Series(Label("invalid", INVALID))

    def find(self, text: str, operation_name: str | None, *, valid: bool) -> Series:
        """The series of an operation; of one that was refused before execution that of all such."""
        if not valid:
            return self._invalid
        key = (text, operation_name)
        series = self._remembered.get(key)
        if series is None:
            series = self._of(label_of(text, operation_name))
            if len(text) <= MAX_REMEMBERED_LENGTH:
                self._remembered[key] = series
                if len(self._remembered) > MAX_REMEMBERED:
                    self._remembered.popitem(last=False)
        return series

    def _of(self, label: Label) -> Series:
        if label not in self._series and len(self._series) >= MAX_NAMES:
            label = Label(label.kind, OTHER)
        series = self._series.get(label)
        if series is None:
            series = self._series[label] = Series(label)
        return series


SERIES: Final = SeriesByOperation()
_ERRORS: dict[str, Counter] = {}


def count_errors(errors: Sequence[Any]) -> None:
    """Count what a client is told, by its code."""
    for error in errors:
        code = str((error.extensions or {}).get("code", ""))
        counter = _ERRORS.get(code)
        if counter is None:
            counter = _ERRORS[code] = ERRORS.labels(code)
        counter.inc()


class Execution:
    """A query or mutation as it is executed: `with Execution(text, name) as execution: execution.result = ...`."""

    __slots__ = ("_began", "_name", "_span", "_text", "result")

    def __init__(self, text: str | None, operation_name: str | None) -> None:
        self._text = text or ""
        self._name = operation_name
        self.result: Any = None
        self._span: Any = None

    def __enter__(self) -> Self:
        if TRACING.is_on:
            self._span = TRACING.span("GraphQL operation")
            self._span.__enter__()
        self._began = time.perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        seconds = time.perf_counter() - self._began
        result = self.result
        errors = result.errors if result is not None else None
        series = SERIES.find(self._text, self._name, valid=result is not None and is_executed(result))
        if errors:
            count_errors(errors)
        if errors or result is None:
            series.failed.inc()
        else:
            series.succeeded.inc()
        series.seconds.observe(seconds)
        if self._span is not None:
            TRACING.describe(*series.label, failed=bool(errors) or result is None)
            self._span.__exit__(kind, error, trace)


def is_executed(result: Any) -> bool:
    """Whether a result is that of an execution, and not of a document that was refused."""
    return result.data is not None or any(error.path is not None for error in result.errors or ())


async def observed_stream(
    text: str | None, operation_name: str | None, results: AsyncGenerator[Any, None]
) -> AsyncGenerator[Any, None]:
    """Pass the results of a stream on, counting the stream while it lasts, and its events."""
    series = SERIES.find(text or "", operation_name, valid=True)
    failed = False
    series.subscribers.inc()
    try:
        async with aclosing(results):
            async for result in results:
                if errors := getattr(result, "errors", None):
                    count_errors(errors)
                    failed = True
                series.events.inc()
                yield result
    finally:
        series.subscribers.dec()
        (series.failed if failed else series.succeeded).inc()
