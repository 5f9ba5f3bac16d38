"""/graphql over HTTP: queries and mutations in one answer, anything as server-sent events, GraphiQL for browsers."""

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from strawberry.http.ides import get_graphql_ide_html
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types.graphql import OperationType

from graphql_api.answer import formatted, is_request_error
from graphql_api.context import Context
from graphql_api.errors import BAD_USER_INPUT, VALIDATION_FAILED
from graphql_api.http.draining import Draining
from graphql_api.http.event_stream import EventStream
from graphql_api.http.json import write_json
from graphql_api.http.request import MediaType, Operation, RequestError, accepted, read_operation
from graphql_api.schema import Schema

_READS = {OperationType.QUERY}
_READS_AND_WRITES = {OperationType.QUERY, OperationType.MUTATION}
_READS_AND_SUBSCRIPTIONS = {OperationType.QUERY, OperationType.SUBSCRIPTION}
_EVERYTHING = frozenset(OperationType)


class Endpoint:
    """Serves one schema."""

    def __init__(self, schema: Schema, context: Context, draining: Draining) -> None:
        self._schema = schema
        self._context = context
        self._draining = draining

    async def answer(self, request: Request) -> Response:
        """Answer a request."""
        if _is_browser(request):
            return HTMLResponse(get_graphql_ide_html("graphiql"))
        media = MediaType.JSON
        try:
            media = accepted(request)
            operation = await read_operation(request, self._context.settings.max_body_bytes)
            if media is MediaType.EVENT_STREAM:
                return self._stream(request, operation)
            return await self._execute(request, operation, media)
        except RequestError as error:
            return _refused(error, media)

    async def _execute(self, request: Request, operation: Operation, media: MediaType) -> Response:
        allowed = _READS if request.method == "GET" else _READS_AND_WRITES
        try:
            result = await self._schema.execute(
                operation.query,
                variable_values=operation.variables,
                operation_name=operation.operation_name,
                context_value=self._context,
                allowed_operation_types=allowed,
            )
        except CannotGetOperationTypeError as error:
            raise RequestError(400, error.as_http_error_reason()) from error
        except InvalidOperationTypeError as error:
            raise _not_here(error.operation_type) from error
        status = 400 if is_request_error(result) and media is MediaType.GRAPHQL_RESPONSE else 200
        return _answer(write_json(formatted(result)), status, media)

    def _stream(self, request: Request, operation: Operation) -> Response:
        allowed = _READS_AND_SUBSCRIPTIONS if request.method == "GET" else _EVERYTHING
        answers = self._schema.answers(
            operation.query, operation.variables, operation.operation_name, self._context, allowed
        )
        return EventStream(answers, self._context, self._draining)


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


def _refused(error: RequestError, media: MediaType) -> Response:
    code = VALIDATION_FAILED if error.status == 400 else BAD_USER_INPUT  # noqa: PLR2004 - an HTTP status
    body = {"errors": [{"message": str(error), "extensions": {"code": code}}]}
    answered = MediaType.JSON if media is MediaType.EVENT_STREAM else media
    return _answer(write_json(body), error.status, answered, error.headers)


def _answer(body: bytes, status: int, media: MediaType, headers: dict[str, str] | None = None) -> Response:
    return Response(body, status, headers, f"{media.value}; charset=utf-8")
