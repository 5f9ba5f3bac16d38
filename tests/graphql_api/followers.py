"""Following a subscription with a vendor's client: each event is waited for, with a limit."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from gql import Client, gql
from gql.transport.exceptions import TransportQueryError
from gql.transport.websockets import WebsocketsTransport

from tests.api_server import ApiServer

LIMIT = 15.0
"""Seconds that no event should take."""


class Follower:
    """The events of one subscription."""

    def __init__(self, events: Any) -> None:
        self._events = events

    async def event(self, within: float = LIMIT) -> Any:
        """The value of the next event."""
        async with asyncio.timeout(within):
            (value,) = (await anext(self._events)).values()
        return value

    async def events(self, within: float = LIMIT) -> list[Any]:
        """All events until the subscription completes."""
        async with asyncio.timeout(within):
            return [value async for event in self._events for value in event.values()]

    async def error(self, within: float = LIMIT) -> dict[str, Any]:
        """The error that comes next, and nothing before it."""
        with pytest.raises(TransportQueryError) as refused:
            await self.event(within)
        (error,) = refused.value.errors or ()
        return {"message": error["message"], **error["extensions"]}

    async def ends(self, within: float = LIMIT) -> None:
        """Wait for the end, before which nothing comes."""
        assert await self.events(within) == []


@asynccontextmanager
async def following(api: ApiServer, query: str, **variables: Any) -> AsyncIterator[Follower]:
    """Follow a subscription over a WebSocket of its own."""
    transport = WebsocketsTransport(url=api.ws_url, subprotocols=[WebsocketsTransport.GRAPHQLWS_SUBPROTOCOL])
    request = gql(query)
    request.variable_values = variables
    async with Client(transport=transport) as session:
        events = session.subscribe(request)
        try:
            yield Follower(events)
        finally:
            await events.aclose()
