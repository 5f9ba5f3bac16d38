"""Server-sent events: the answers of any operation as a stream, as graphql-sse's distinct connections have it."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from contextlib import aclosing

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from graphql_api.answer import Answer
from graphql_api.context import Context
from graphql_api.http.draining import Draining

RETRY_MILLISECONDS = 500
"""When a client may come back to a process that went away."""


class EventStream(Response):
    """A response that sends each answer as an event, and a comment now and then, until the client or we go away."""

    media_type = "text/event-stream"

    def __init__(self, answers: AsyncGenerator[Answer, None], context: Context, draining: Draining) -> None:
        """Prepare.

        Args:
            answers: what is to be sent.
            context: knows who is a subscriber, and how often a comment keeps the connection open.
            draining: tells when the process goes away.
        """
        super().__init__(headers={"cache-control": "no-cache", "x-accel-buffering": "no"})
        del self.headers["content-length"]
        self._answers = answers
        self._subscribers = context.subscribers
        self._ping_seconds = context.settings.ping_seconds
        self._draining = draining

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await _send(send, b"")  # the head goes with it: the client is to know that it is served
        sending = asyncio.create_task(self._send_answers(send))
        helpers = [asyncio.create_task(self._ping(send)), asyncio.create_task(_wait_for_the_end(receive, sending))]

        async def leave() -> None:
            if self._subscribers.has(sending):  # anything else ends by itself
                sending.cancel()

        try:
            with self._draining.ending(leave):
                await asyncio.wait([sending])
            if not sending.cancelled():
                sending.result()
            elif self._draining.begun.is_set():  # without `complete` a client comes back
                await _send(send, b"retry: %d\n\n" % RETRY_MILLISECONDS)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            for task in (sending, *helpers):
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task

    async def _send_answers(self, send: Send) -> None:
        async with aclosing(self._answers) as answers:
            async for answer in answers:
                await _send(send, b"event: next\ndata: " + answer.text.encode() + b"\n\n")
        await _send(send, b"event: complete\ndata: \n\n")

    async def _ping(self, send: Send) -> None:
        while True:
            await asyncio.sleep(self._ping_seconds)
            await _send(send, b":\n\n")


async def _send(send: Send, chunk: bytes) -> None:
    await send({"type": "http.response.body", "body": chunk, "more_body": True})


async def _wait_for_the_end(receive: Receive, sending: "asyncio.Task[None]") -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    sending.cancel()
