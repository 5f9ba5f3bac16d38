"""/graphql over WebSocket: the graphql-transport-ws protocol, by Strawberry's handler."""

from datetime import timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler

from graphql_api.context import Context
from graphql_api.http.json import read_json, write_json
from graphql_api.schema import Schema

INIT_TIMEOUT = timedelta(seconds=10)
MAX_OPERATIONS = 100
"""On one connection at a time."""


class Handler(BaseGraphQLTransportWSHandler[Context, None]):
    """Strawberry's handler, which also closes on a message that is no message."""

    async def handle_message(self, message: Any) -> None:
        """Handle one message of the client."""
        if not isinstance(message, dict) or not _is_well_formed(message):
            await self.handle_invalid_message("Invalid message")
            return
        await super().handle_message(message)  # type: ignore[arg-type]


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

    def __init__(self, schema: Schema, context: Context) -> None:
        super().__init__(
            schema,
            subscription_protocols=[GRAPHQL_TRANSPORT_WS_PROTOCOL],
            connection_init_wait_timeout=INIT_TIMEOUT,
            max_subscriptions_per_connection=MAX_OPERATIONS,
        )
        self._context = context

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> Context:
        """Give the process's context; each operation makes its own of it."""
        return self._context

    def encode_json(self, data: object) -> str:
        """Write a message."""
        return write_json(data).decode()

    def decode_json(self, data: str | bytes) -> object:
        """Read a message."""
        return read_json(data)
