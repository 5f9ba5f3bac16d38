"""/graphql over HTTP: queries and mutations in one answer, anything as server-sent events, GraphiQL for browsers."""

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import Receive, Scope, Send
from strawberry.http.ides import get_graphql_ide_html
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types.execution import ExecutionResult
from strawberry.types.graphql import OperationType

from graphql_api.answer import formatted, is_request_error
from graphql_api.context import Context
from graphql_api.errors import BAD_USER_INPUT, UNAVAILABLE, VALIDATION_FAILED
from graphql_api.http.bodies import Bodies
from graphql_api.http.draining import Draining
from graphql_api.http.event_stream import EventStream
from graphql_api.http.json import write_json
from graphql_api.http.request import MediaType, Operation, RequestError, accepted, parse_operation
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
        self._bodies = Bodies(settings.max_body_bytes, settings.body_timeout_seconds, settings.max_bodies_bytes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, as an application of its own: Starlette's way of calling functions takes twice as long."""
        response = await self.answer(Request(scope, receive))
        await response(scope, receive, send)

    async def answer(self, request: Request) -> Response:
        """Answer a request."""
        if self._settings.shows_graphiql and _is_browser(request):
            return HTMLResponse(get_graphql_ide_html("graphiql"), headers=_PAGE_HEADERS)
        media = MediaType.JSON
        try:
            media = accepted(request)
            access = await self._authentication.access(request.headers.get("authorization"))
            context = self._context.of_caller(access)
            async with self._bodies.of(request) as body:
                operation = parse_operation(request, body)
                if media is MediaType.EVENT_STREAM:
                    return self._stream(request, operation, context)
                return await self._execute(request, operation, media, context)
        except RequestError as error:
            return _refused(error, media)
        except SecurityError as error:
            return _turned_away(error, media)

    async def _execute(self, request: Request, operation: Operation, media: MediaType, context: Context) -> Response:
        allowed = _READS if request.method == "GET" else _READS_AND_WRITES
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
        return _answer(write_json(formatted(result)), status, media)

    def _stream(self, request: Request, operation: Operation, context: Context) -> Response:
        allowed = _READS_AND_SUBSCRIPTIONS if request.method == "GET" else _EVERYTHING
        answers = self._schema.answers(operation.query, operation.variables, operation.operation_name, context, allowed)
        return EventStream(answers, context, self._draining)


def _is_browser(request: Request) -> bool:
    return (
        request.method == "GET"
        and "text/html" in request.headers.get("accept", "")
        and "query" not in request.query_params
    )


def _not_here(kind: OperationType) -> RequestError:
    if kind is OperationType.SUBSCRIPTION:
        return RequestError(400, "Subscriptions are served over WebSocket, or with `Accept: text/event-stream`")
    return RequestError(405, "Mutations need POST", {"allow": "POST"})


def _status(result: ExecutionResult) -> int:
    """The status of a request that was not executed: that of what kept it from being executed."""
    return max((error.status for error in result.errors or () if isinstance(error, SecurityError)), default=400)


def _turned_away(error: SecurityError, media: MediaType) -> Response:
    answered = MediaType.JSON if media is MediaType.EVENT_STREAM else media
    return _answer(write_json({"errors": [error.formatted]}), error.status, answered, error.headers)


def _refused(error: RequestError, media: MediaType) -> Response:
    code = _CODES.get(error.status, BAD_USER_INPUT)
    body = {"errors": [{"message": str(error), "extensions": {"code": code}}]}
    answered = MediaType.JSON if media is MediaType.EVENT_STREAM else media
    return _answer(write_json(body), error.status, answered, error.headers)


def _answer(body: bytes, status: int, media: MediaType, headers: dict[str, str] | None = None) -> Response:
    return Response(body, status, {**_HEADERS, **(headers or {})}, f"{media.value}; charset=utf-8")
