"""Answers that are there as a whole are written as a whole.

uvicorn writes the head of an answer as soon as it knows it, and then the body: two packets, each of which takes the
system and the client as long as one with both. ASGI has the head wait for the first of the body. What is not the usual
answer is left to uvicorn.
"""

import re
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

MAX_BYTES: Final = 65_536
"""Of a body that is copied behind its head: to copy a longer one takes longer than a second packet."""
_SPECIAL: Final = frozenset({b"connection", b"transfer-encoding"})
_CONTROL_CHARACTER: Final = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def answering_at_once(app: ASGIApp, cycle: RequestResponseCycle) -> Any:
    """An application that answers as another one does, in the cycle of one request."""

    def serve(scope: Scope, receive: Receive, send: Send) -> Any:
        return app(scope, receive, _Sending(cycle, send).send)

    return serve


class _Sending:
    """Sends the messages of one answer."""

    __slots__ = ("_cycle", "_send", "_start")

    def __init__(self, cycle: RequestResponseCycle, send: Send) -> None:
        self._cycle = cycle
        self._send = send
        self._start: Message | None = None

    async def send(self, message: Message) -> None:
        """Send a message, or keep it until the next one if it is the head."""
        if message["type"] == "http.response.start" and self._start is None:
            self._start = message
            return
        start, self._start = self._start, None
        if start is not None:
            if not message.get("more_body", False) and self._wrote(start, message):
                return
            await self._send(start)
        await self._send(message)

    def _wrote(self, start: Message, message: Message) -> bool:
        """Write an answer, if it is a usual one."""
        cycle, status, body = self._cycle, start["status"], message.get("body", b"")
        if (
            cycle.response_started
            or cycle.disconnected
            or cycle.flow.write_paused
            or not cycle.keep_alive
            or cycle.access_log
            or cycle.scope["method"] == "HEAD"
            or status in (204, 304)
            or len(body) > MAX_BYTES
        ):
            return False
        headers = [*cycle.default_headers, *start.get("headers", ())]
        if (b"content-length", b"%d" % len(body)) not in headers:
            return False
        if not _SPECIAL.isdisjoint(name for name, _ in headers):
            return False
        head = b"\r\n".join([name + b": " + value for name, value in headers])
        ends = len(headers) - 1
        if head.count(b"\n") != ends or head.count(b"\r") != ends or _CONTROL_CHARACTER.search(head):
            return False  # uvicorn refuses it
        cycle.response_started = cycle.response_complete = True
        cycle.waiting_for_100_continue = False
        cycle.transport.write(b"".join([STATUS_LINE[status], head, b"\r\n\r\n", body]))
        cycle.message_event.set()
        cycle.on_response()
        return True
