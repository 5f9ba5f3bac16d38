"""/graphql over HTTP: queries and mutations in one answer, anything as server-sent events, GraphiQL for browsers."""

from collections.abc import Mapping

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send
from strawberry.http.ides import get_graphql_ide_html
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types.execution import ExecutionResult
from strawberry.types.graphql import OperationType

from graphql_api.answer import formatted, is_request_error
from graphql_api.context import Context
from graphql_api.errors import BAD_USER_INPUT, UNAVAILABLE, VALIDATION_FAILED
from graphql_api.http.bodies import Bodies
from graphql_api.http.compression import MIN_BYTES, accepts_gzip, compressed
from graphql_api.http.dashboard import graphiql
from graphql_api.http.draining import Draining
from graphql_api.http.event_stream import EventStream
from graphql_api.http.headers import Headers, headers_of, text_of
from graphql_api.http.json import write_json
from graphql_api.http.request import (
    MediaType,
    Operation,
    RequestError,
    accepted,
    operation_in_body,
    operation_in_url,
)
from graphql_api.schema import Schema
from graphql_api.security.authentication import Authentication
from graphql_api.security.errors import SecurityError

_HEADERS = {"x-content-type-options": "nosniff", "cache-control": "no-store"}
_PAGE_HEADERS = {**_HEADERS, "x-frame-options": "DENY", "referrer-policy": "no-referrer"}

_READS = {OperationType.QUERY}
_READS_AND_WRITES = {OperationType.QUERY, OperationType.MUTATION}
_READS_AND_SUBSCRIPTIONS = {OperationType.QUERY, OperationType.SUBSCRIPTION}
_EVERYTHING = frozenset(OperationType)

_CODES = {400: VALIDATION_FAILED, 503: UNAVAILABLE}


class Endpoint:
    """Serves one schema."""

    def __init__(self, schema: Schema, context: Context, draining: Draining, authentication: Authentication) -> None:
        self._schema = schema
        self._context = context
        self._draining = draining
        self._authentication = authentication
        self._settings = settings = context.settings
        page = graphiql()
        self._graphiql = page.answer if page else _graphiql_from_outside
        self._bodies = Bodies(settings.max_body_bytes, settings.body_timeout_seconds, settings.max_bodies_bytes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request. An application of its own: a router and its objects take longer than a small answer."""
        headers = headers_of(scope)
        answer = await self._answer(scope["method"], headers, scope, receive)
        if self._settings.compress and isinstance(answer, _Answer) and len(answer.body) >= MIN_BYTES:
            await answer.compress(text_of(headers, b"accept-encoding") or "")
        await answer(scope, receive, send)

    async def _answer(self, method: str, headers: Headers, scope: Scope, receive: Receive) -> ASGIApp:
        if self._settings.shows_graphiql and method == "GET" and _is_browser(headers, scope):
            return await self._graphiql(Request(scope))
        media = MediaType.JSON
        try:
            media = accepted(text_of(headers, b"accept") or "")
            access = await self._authentication.access(text_of(headers, b"authorization"))
            context = self._context.of_caller(access)
            if method == "GET":
                return await self._served(method, operation_in_url(QueryParams(scope["query_string"])), media, context)
            if method != "POST":
                raise RequestError(405, "GraphQL is served by GET and POST", {"allow": "GET, POST"})
            body = await self._bodies.read(headers, receive)
            try:
                return await self._served(method, operation_in_body(body), media, context)
            finally:
                self._bodies.let_go(body)
        except RequestError as error:
            return _refused(error, media)
        except SecurityError as error:
            return _turned_away(error, media)

    async def _served(self, method: str, operation: Operation, media: MediaType, context: Context) -> ASGIApp:
        if media is MediaType.EVENT_STREAM:
            return self._stream(method, operation, context)
        return await self._execute(method, operation, media, context)

    async def _execute(self, method: str, operation: Operation, media: MediaType, context: Context) -> "_Answer":
        allowed = _READS if method == "GET" else _READS_AND_WRITES
        try:
            result = await self._schema.execute(
                operation.query,
                variable_values=operation.variables,
                operation_name=operation.operation_name,
                context_value=context,
                allowed_operation_types=allowed,
            )
        except CannotGetOperationTypeError as error:
            raise RequestError(400, error.as_http_error_reason()) from error
        except InvalidOperationTypeError as error:
            raise _not_here(error.operation_type) from error
        status = 200
        if media is MediaType.GRAPHQL_RESPONSE and is_request_error(result):
            status = _status(result)
        return _Answer(write_json(formatted(result)), status, media)

    def _stream(self, method: str, operation: Operation, context: Context) -> EventStream:
        allowed = _READS_AND_SUBSCRIPTIONS if method == "GET" else _EVERYTHING
        answers = self._schema.answers(operation.query, operation.variables, operation.operation_name, context, allowed)
        return EventStream(answers, context, self._draining)


async def _graphiql_from_outside(_: Request) -> Response:
    """Where nothing was built: a page that loads GraphiQL from where it is published."""
    return HTMLResponse(get_graphql_ide_html("graphiql"), headers=_PAGE_HEADERS)


def _is_browser(headers: Headers, scope: Scope) -> bool:
    return b"text/html" in headers.get(b"accept", b"") and "query" not in QueryParams(scope["query_string"])


def _not_here(kind: OperationType) -> RequestError:
    if kind is OperationType.SUBSCRIPTION:
        return RequestError(400, "Subscriptions are served over WebSocket, or with `Accept: text/event-stream`")
    return RequestError(405, "Mutations need POST", {"allow": "POST"})


def _status(result: ExecutionResult) -> int:
    """The status of a request that was not executed: that of what kept it from being executed."""
    return max((error.status for error in result.errors or () if isinstance(error, SecurityError)), default=400)


def _turned_away(error: SecurityError, media: MediaType) -> "_Answer":
    answered = MediaType.JSON if media is MediaType.EVENT_STREAM else media
    return _Answer(write_json({"errors": [error.formatted]}), error.status, answered, error.headers)


def _refused(error: RequestError, media: MediaType) -> "_Answer":
    code = _CODES.get(error.status, BAD_USER_INPUT)
    body = {"errors": [{"message": str(error), "extensions": {"code": code}}]}
    answered = MediaType.JSON if media is MediaType.EVENT_STREAM else media
    return _Answer(write_json(body), error.status, answered, error.headers)


class _Answer:
    """A response whose body is JSON."""

    __slots__ = ("_encoding", "_headers", "_media", "_status", "body")

    def __init__(self, body: bytes, status: int, media: MediaType, headers: Mapping[str, str] | None = None) -> None:
        self.body = body
        self._encoding: list[tuple[bytes, bytes]] = []
        self._status = status
        self._media = media
        self._headers = headers

    async def compress(self, accepted_encodings: str) -> None:
        """Compress the body if that is accepted."""
        self._encoding = [(b"vary", b"accept-encoding")]
        if accepts_gzip(accepted_encodings):
            self.body = await compressed(self.body)
            self._encoding.append((b"content-encoding", b"gzip"))

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        headers = [*_RAW_HEADERS[self._media], (b"content-length", b"%d" % len(self.body)), *self._encoding]
        if self._headers:
            headers += [(name.encode(), value.encode("latin-1")) for name, value in self._headers.items()]
        await send({"type": "http.response.start", "status": self._status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})


_RAW_HEADERS: dict[MediaType, list[tuple[bytes, bytes]]] = {
    media: [
        *((name.encode(), value.encode()) for name, value in _HEADERS.items()),
        (b"content-type", f"{media.value}; charset=utf-8".encode()),
    ]
    for media in MediaType
}
