"""Traces by OpenTelemetry: of each exchange, each GraphQL operation and each SQL statement, where that is configured.

It takes the extra `execgraph[opentelemetry]`. Where traces go, what they are called and how many are kept is set by
OpenTelemetry's own variables (OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_SERVICE_NAME, OTEL_TRACES_SAMPLER, ...).
"""

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from graphql_api.observability.request_id import REQUEST_ID

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

MISSING = "EXECGRAPH_OPENTELEMETRY needs more than is installed: pip install 'execgraph[opentelemetry]'"


class Tracing:
    """The tracer of a process. One that is off costs a comparison."""

    def __init__(self) -> None:
        self._tracer: Tracer | None = None

    @property
    def is_on(self) -> bool:
        """Whether anything is traced."""
        return self._tracer is not None

    def begin(self) -> None:
        """Trace from now on, to where OpenTelemetry's variables say.

        Raises:
            ValueError: OpenTelemetry is not installed.
        """
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
            from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
            from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
            from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
        except ImportError as error:
            raise ValueError(MISSING) from error
        named = {} if "OTEL_SERVICE_NAME" in os.environ else {"service.name": "execgraph"}
        resource = Resource.create({**named, "service.version": version("execgraph")})
        provider = TracerProvider(resource=resource)
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self.use(provider)

    def use(self, provider: Any) -> None:
        """Trace from now on with this provider; None ends it."""
        self._tracer = None if provider is None else provider.get_tracer("execgraph", version("execgraph"))

    @contextmanager
    def span(self, name: str, attributes: Mapping[str, Any] | None = None) -> Iterator[Any]:
        """A span around a block, inside of the present one; gives it, or None if nothing is traced."""
        if self._tracer is None:
            yield None
            return
        with self._tracer.start_as_current_span(name, attributes=attributes) as span:
            yield span

    def describe(self, kind: str, operation: str, *, failed: bool) -> None:
        """Say of the present span which GraphQL operation it is of."""
        from opentelemetry import trace  # noqa: PLC0415

        span: Any = trace.get_current_span()
        span.update_name(f"{kind} {operation}")
        span.set_attributes({"graphql.operation.type": kind, "graphql.operation.name": operation})
        if failed:
            span.set_status(trace.Status(trace.StatusCode.ERROR))

    def statement(self, sql: str, seconds: float, error: BaseException | None) -> None:
        """A statement that has just ended, inside of the present span; without one it is the server's own affair."""
        if self._tracer is None:
            return
        from opentelemetry import trace  # noqa: PLC0415

        if not trace.get_current_span().get_span_context().is_valid:
            return
        ended = time.time_ns()
        text = " ".join(sql.split())
        name = text.split(" ", 1)[0].upper()
        attributes = {"db.system.name": "postgresql", "db.query.text": text, "db.operation.name": name}
        span = self._tracer.start_span(
            name, kind=trace.SpanKind.CLIENT, attributes=attributes, start_time=ended - int(seconds * 1e9)
        )
        if error is not None:
            span.set_status(trace.Status(trace.StatusCode.ERROR, type(error).__name__))
        span.end(ended)


TRACING = Tracing()
"""That of this process."""


class TracedExchanges:
    """ASGI middleware: a span for each exchange, a part of the client's trace where it says that it has one."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one exchange."""
        if scope["type"] not in ("http", "websocket") or not TRACING.is_on:
            await self._app(scope, receive, send)
            return
        from opentelemetry import context, propagate, trace  # noqa: PLC0415

        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        method = scope.get("method", "WEBSOCKET")
        attributes = {
            "http.request.method": method,
            "url.path": scope["path"],
            "execgraph.request_id": REQUEST_ID.get(),
        }
        token = context.attach(propagate.extract(headers))
        try:
            with TRACING.span(f"{method} {scope['path']}", attributes) as span:

                async def answer(message: Message) -> None:
                    if message["type"] == "http.response.start":
                        span.set_attribute("http.response.status_code", message["status"])
                        if message["status"] >= 500:  # noqa: PLR2004 - an HTTP status
                            span.set_status(trace.Status(trace.StatusCode.ERROR))
                    await send(message)

                await self._app(scope, receive, answer)
        finally:
            context.detach(token)
