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
from graphql_api.errors import BAD_USER_INPUT, UNAVAILABLE, VALIDATION_FAILED
from graphql_api.http.draining import Draining
from graphql_api.http.gate import Gate
from graphql_api.http.json import write_json
from graphql_api.http.request import MediaType, Operation, RequestError, accepted, parse_operation, read_body
from graphql_api.schema import Schema
from graphql_api.security.authentication import ACCESS_ENDED
from graphql_api.security.errors import SecurityError, UnauthenticatedError

KEEP_ALIVE_SECONDS = 12.0
"""How long an event stream is silent before a comment keeps it open."""

RETRY_MILLISECONDS = 500
"""When a client may come back to a process that went away."""

_HEADERS = {"x-content-type-options": "nosniff", "cache-control": "no-store"}
_PAGE_HEADERS = {**_HEADERS, "x-frame-options": "DENY", "referrer-policy": "no-referrer"}

_READS = {OperationType.QUERY}
_READS_AND_WRITES = {OperationType.QUERY, OperationType.MUTATION}


class Endpoint:
    """Serves one schema."""

    def __init__(self, schema: Schema, context: Context, draining: Draining, gate: Gate) -> None:
        self._schema = schema
        self._context = context
        self._draining = draining
        self._gate = gate
        self._settings = context.settings

    async def answer(self, request: Request) -> Response:
        """Answer a request."""
        if self._settings.shows_graphiql and _is_browser(request):
            return HTMLResponse(get_graphql_ide_html("graphiql"), headers=_PAGE_HEADERS)
        media = MediaType.JSON
        try:
            media = accepted(request)
            access = await self._gate.authentication.access(request.headers.get("authorization"))
            settings = self._settings
            body = await read_body(request, settings.max_body_bytes, settings.body_timeout_seconds)
            context = self._context.of_caller(access)
            if media is MediaType.EVENT_STREAM:
                return self._stream(request, parse_operation(request, body), context)
            await self._gate.admission.enter(access.caller)
            try:
                async with asyncio.timeout(settings.request_timeout_seconds):
                    return await self._execute(request, parse_operation(request, body), media, context)
            finally:
                self._gate.admission.leave(access.caller)
        except RequestError as error:
            return _refused(error, media)
        except SecurityError as error:
            return _turned_away(error, media)
        except TimeoutError:
            return _took_too_long(self._settings.request_timeout_seconds, media)

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
        if media is MediaType.GRAPHQL_RESPONSE and _is_request_error(result):
            status = _status(result)
        return _answer(write_json(_formatted(result)), status, media)

    def _stream(self, request: Request, operation: Operation, context: Context) -> Response:
        allowed = {OperationType.QUERY, OperationType.SUBSCRIPTION}
        if request.method == "POST":
            allowed.add(OperationType.MUTATION)

        async def events() -> AsyncGenerator[bytes, None]:
            over = asyncio.Event()

            async def leave() -> None:
                over.set()

            gate = self._gate.passing(self._schema, operation, context.access)
            with self._draining.ending(leave), self._gate.authentication.ending(context.access, leave):
                try:
                    async with gate:
                        results = await self._schema.stream(
                            operation.query,
                            variable_values=operation.variables,
                            operation_name=operation.operation_name,
                            context_value=context,
                            allowed_operation_types=allowed,
                        )
                        async with aclosing(results):
                            async for result in _with_silences(results, over):
                                if result is _SILENCE:
                                    yield b":\n\n"
                                elif result is _END:
                                    yield _COMPLETE
                                else:
                                    yield _event(_formatted(result))
                except SecurityError as error:
                    yield _event({"errors": [error.formatted]}) + _COMPLETE
            if self._draining.begun.is_set():
                yield b"retry: %d\n\n" % RETRY_MILLISECONDS  # without `complete` a client comes back
            elif over.is_set():
                yield _event({"errors": [UnauthenticatedError(ACCESS_ENDED).formatted]}) + _COMPLETE

        self._gate.check(self._schema, operation, context.access)
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
_COMPLETE = b"event: complete\ndata: \n\n"


def _event(payload: dict[str, Any]) -> bytes:
    return b"event: next\ndata: " + write_json(payload) + b"\n\n"


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


def _status(result: ExecutionResult) -> int:
    """The status of a request that was not executed: that of what kept it from being executed."""
    return max((error.status for error in result.errors or () if isinstance(error, SecurityError)), default=400)


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


def _turned_away(error: SecurityError, media: MediaType) -> Response:
    answered = MediaType.JSON if media is MediaType.EVENT_STREAM else media
    return _answer(write_json({"errors": [error.formatted]}), error.status, answered, error.headers)


def _took_too_long(seconds: float, media: MediaType) -> Response:
    message = f"This took longer than {seconds:g} seconds; ask for less"
    body = {"errors": [{"message": message, "extensions": {"code": UNAVAILABLE}}]}
    return _answer(write_json(body), 503, media)


def _answer(body: bytes, status: int, media: MediaType, headers: dict[str, str] | None = None) -> Response:
    return Response(body, status, {**_HEADERS, **(headers or {})}, f"{media.value}; charset=utf-8")
