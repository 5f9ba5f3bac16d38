"""/graphql over WebSocket: the graphql-transport-ws protocol, by Strawberry's handler."""

import asyncio
from contextlib import ExitStack, aclosing
from datetime import timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.websockets import WebSocket, WebSocketDisconnect
from strawberry.asgi import ASGIWebSocketAdapter, GraphQL
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler, Operation
from strawberry.subscriptions.protocols.graphql_transport_ws.types import ConnectionInitMessage, SubscribeMessage

from graphql_api.context import Context
from graphql_api.errors import BadUserInputError
from graphql_api.http.draining import Draining
from graphql_api.http.json import read_json, write_json
from graphql_api.schema import Schema
from graphql_api.security.authentication import ACCESS_ENDED, Authentication
from graphql_api.security.errors import OverloadedError, SecurityError

GOING_AWAY = 1001
TRY_AGAIN_LATER = 1013
"""Registered with IANA; clients connect again after it, and give up after `FORBIDDEN`."""
FORBIDDEN = 4403


class Handler(BaseGraphQLTransportWSHandler[Context, None]):
    """Strawberry's handler, which also knows who is connected.

    It closes on a message that is no message, when the access of who is connected ends, and when the process goes away.
    """

    async def handle(self) -> None:
        """Serve the connection until it is closed."""
        with ExitStack() as self._until_closed:
            self._until_closed.enter_context(self._endpoint.draining.ending(self._leave))
            await super().handle()

    async def handle_connection_init(self, message: ConnectionInitMessage) -> None:
        """Find out who connects: by the header, where the client can set it, or by the connection's parameters."""
        parameters = message.get("payload")
        if not self.connection_init_received and isinstance(parameters, (dict, type(None))):
            authentication = self._endpoint.authentication
            try:
                access = await authentication.access(self._header or _authorization(parameters))
            except SecurityError as error:
                code = TRY_AGAIN_LATER if isinstance(error, OverloadedError) else FORBIDDEN
                await self.websocket.close(code, error.message)
                return
            self.context = self.context.of_caller(access)
            self._until_closed.enter_context(authentication.ending(access, self._access_ended))
        await super().handle_connection_init(message)

    @property
    def _header(self) -> str | None:
        assert isinstance(self.websocket, ASGIWebSocketAdapter)
        return self.websocket.ws.headers.get("authorization")

    @property
    def _endpoint(self) -> "WebSocketEndpoint":
        assert isinstance(self.view, WebSocketEndpoint)
        return self.view

    async def _access_ended(self) -> None:
        await self.websocket.close(FORBIDDEN, ACCESS_ENDED)

    async def _leave(self) -> None:
        """Finish what ends by itself, and tell the client to come back."""
        tasks = [operation.task for operation in self.operations.values() if operation.task is not None]
        if finite := [task for task in tasks if not self.context.subscribers.has(task)]:
            await asyncio.wait(finite)
        await self.websocket.close(GOING_AWAY, "Going away; connect again")

    async def handle_message(self, message: Any) -> None:
        """Handle one message of the client."""
        if not isinstance(message, dict) or not _is_well_formed(message):
            await self.handle_invalid_message("Invalid message")
            return
        if message.get("payload", ...) is None:
            del message["payload"]  # the protocol lets it be null where it may be absent
        await super().handle_message(message)  # type: ignore[arg-type]

    async def handle_subscribe(self, message: SubscribeMessage) -> None:
        """Begin an operation, unless too many are under way."""
        if self._endpoint.authentication.is_over(self.context.access):
            await self._access_ended()
            return
        limit = self.context.settings.max_operations_per_connection
        if len(self.operations) < limit or message["id"] in self.operations:
            await super().handle_subscribe(message)
            return
        error = BadUserInputError(f"At most {limit} operations at a time on one connection")
        await self.send_message({"id": message["id"], "type": "error", "payload": [error.formatted]})

    async def run_operation(self, operation: Operation[Context, None]) -> None:
        """Execute an operation and send its answers."""
        head = f'{{"id":{write_json(operation.id).decode()},"type":'
        answers = self._endpoint.schema.answers(
            operation.query, operation.variables, operation.operation_name, self.context
        )
        try:
            async with aclosing(answers):
                async for answer in answers:
                    if answer.refused:
                        errors = write_json([error.formatted for error in answer.errors]).decode()
                        await self._end(operation, f'{head}"error","payload":{errors}}}')
                        return
                    await self._send(f'{head}"next","payload":{answer.text}}}')
            await self._end(operation, f'{head}"complete"}}')
        except WebSocketDisconnect:
            return

    async def _end(self, operation: Operation[Context, None], message: str) -> None:
        """Send the last message of an operation, whose id may be used again from then on."""
        if self.operations.get(operation.id) is operation:
            self.forget_id(operation.id)
        await self._send(message)

    async def _send(self, message: str) -> None:
        assert isinstance(self.websocket, ASGIWebSocketAdapter)
        await self.websocket.ws.send_text(message)


def _authorization(parameters: dict[str, Any] | None) -> str | None:
    """What connection parameters say of who connects: `{"authorization": "Bearer <token>"}`, in any case."""
    given = {name.lower(): value for name, value in (parameters or {}).items()}
    if isinstance(given.get("headers"), dict):
        given |= {name.lower(): value for name, value in given["headers"].items()}
    value = given.get("authorization")
    return value if isinstance(value, str) else None


def _is_well_formed(message: dict[str, Any]) -> bool:
    if message.get("type") not in ("subscribe", "complete"):
        return isinstance(message.get("type"), str)
    if not isinstance(message.get("id"), str) or not message["id"]:
        return False
    if message["type"] == "complete":
        return True
    payload = message.get("payload")
    return (
        isinstance(payload, dict)
        and isinstance(payload.get("query"), str)
        and isinstance(payload.get("variables"), (dict, type(None)))
        and isinstance(payload.get("operationName"), (str, type(None)))
    )


class WebSocketEndpoint(GraphQL[Context, None]):
    """Serves one schema over WebSocket."""

    graphql_transport_ws_handler_class = Handler
    schema: Schema

    def __init__(self, schema: Schema, context: Context, draining: Draining, authentication: Authentication) -> None:
        super().__init__(
            schema,
            subscription_protocols=[GRAPHQL_TRANSPORT_WS_PROTOCOL],
            connection_init_wait_timeout=timedelta(seconds=context.settings.connection_init_seconds),
            max_subscriptions_per_connection=None,
            allowed_origins=context.settings.allowed_origins,
        )
        self._context = context
        self.draining = draining
        self.authentication = authentication

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> Context:
        """Give the process's context; each operation makes its own of it."""
        return self._context

    def encode_json(self, data: object) -> str:
        """Write a message."""
        return write_json(data).decode()

    def decode_json(self, data: str | bytes) -> object:
        """Read a message."""
        return read_json(data)
