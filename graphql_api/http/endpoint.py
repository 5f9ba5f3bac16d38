"""/graphql over HTTP: queries and mutations in one answer, anything as server-sent events, GraphiQL for browsers."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse
from strawberry.http.ides import get_graphql_ide_html
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types.execution import ExecutionResult, PreExecutionError
from strawberry.types.graphql import OperationType

from graphql_api.context import Context
from graphql_api.errors import BAD_USER_INPUT, VALIDATION_FAILED
from graphql_api.http.draining import Draining
from graphql_api.http.json import write_json
from graphql_api.http.request import MediaType, Operation, RequestError, accepted, read_operation
from graphql_api.schema import Schema

KEEP_ALIVE_SECONDS = 12.0
"""How long an event stream is silent before a comment keeps it open."""

RETRY_MILLISECONDS = 500
"""When a client may come back to a process that went away."""

_READS = {OperationType.QUERY}
_READS_AND_WRITES = {OperationType.QUERY, OperationType.MUTATION}


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
        status = 400 if _is_request_error(result) and media is MediaType.GRAPHQL_RESPONSE else 200
        return _answer(write_json(_formatted(result)), status, media)

    def _stream(self, request: Request, operation: Operation) -> Response:
        allowed = {OperationType.QUERY, OperationType.SUBSCRIPTION}
        if request.method == "POST":
            allowed.add(OperationType.MUTATION)

        async def events() -> AsyncGenerator[bytes, None]:
            results = await self._schema.stream(
                operation.query,
                variable_values=operation.variables,
                operation_name=operation.operation_name,
                context_value=self._context,
                allowed_operation_types=allowed,
            )
            async with aclosing(results):
                async for result in _with_silences(results, self._draining.begun):
                    if result is _SILENCE:
                        yield b":\n\n"
                    elif result is _END:
                        yield b"event: complete\ndata: \n\n"
                    else:
                        yield b"event: next\ndata: " + write_json(_formatted(result)) + b"\n\n"
            if self._draining.begun.is_set():
                yield b"retry: %d\n\n" % RETRY_MILLISECONDS  # without `complete` a client comes back

        headers = {"cache-control": "no-cache", "x-accel-buffering": "no"}
        return StreamingResponse(events(), media_type="text/event-stream; charset=utf-8", headers=headers)


async def _with_silences(results: AsyncIterator[Any], going_away: asyncio.Event) -> AsyncGenerator[Any, None]:
    """Pass the results on, then `_END`; `_SILENCE` when none came for long. Stops when the process goes away."""
    going = asyncio.ensure_future(going_away.wait())
    coming: asyncio.Future[Any] | None = None
    try:
        while not going.done():
            coming = coming or asyncio.ensure_future(anext(results, _END))
            await asyncio.wait({coming, going}, timeout=KEEP_ALIVE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            if coming.done():
                result, coming = coming.result(), None
                yield result
                if result is _END:
                    return
            elif not going.done():
                yield _SILENCE
    finally:
        left = [task for task in (coming, going) if task is not None and not task.done()]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)


_SILENCE = object()
_END = object()


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


def _is_request_error(result: ExecutionResult) -> bool:
    """Whether execution never began, so that there is no data, not even null."""
    if isinstance(result, PreExecutionError):
        return True
    return result.data is None and bool(result.errors) and all(error.path is None for error in result.errors or ())


def _formatted(result: ExecutionResult) -> dict[str, Any]:
    formatted: dict[str, Any] = {}
    if result.errors:
        formatted["errors"] = [error.formatted for error in result.errors]
    if not _is_request_error(result):
        formatted["data"] = result.data
    return formatted


def _refused(error: RequestError, media: MediaType) -> Response:
    code = VALIDATION_FAILED if error.status == 400 else BAD_USER_INPUT  # noqa: PLR2004 - an HTTP status
    body = {"errors": [{"message": str(error), "extensions": {"code": code}}]}
    answered = MediaType.JSON if media is MediaType.EVENT_STREAM else media
    return _answer(write_json(body), error.status, answered, error.headers)


def _answer(body: bytes, status: int, media: MediaType, headers: dict[str, str] | None = None) -> Response:
    return Response(body, status, headers, f"{media.value}; charset=utf-8")
