"""Bodies of requests: of JSON, of a limited size, in a limited time, and all of them in a limited memory."""

import asyncio
from typing import Final

from starlette.requests import ClientDisconnect
from starlette.types import Receive

from graphql_api.executor.eager import Waiting, begin
from graphql_api.http.headers import Headers, text_of
from graphql_api.http.request import RequestError

ALWAYS_READ: Final = 65_536
"""Bytes of a body that are read whatever else is in memory: nearly all bodies are smaller."""


class Bodies:
    """Reads them, and knows how much of them is in memory."""

    def __init__(self, limit: int, seconds: float, together: int) -> None:
        """Set the limits.

        Args:
            limit: bytes of one body.
            seconds: how long it may take to arrive.
            together: bytes of all bodies that are read, or whose request is not answered yet.
        """
        self._limit = limit
        self._seconds = seconds
        self._together = together
        self.held = 0
        """Bytes that are in memory."""

    async def read(self, headers: Headers, receive: Receive) -> bytes:
        """The body of a request; it counts until it is let go.

        Raises:
            RequestError: 408, 413, 415 or 503, with what is wrong.
            ClientDisconnect: the client went away.
        """
        _check_content_type(text_of(headers, b"content-type") or "")
        declared = headers.get(b"content-length", b"")
        if declared.isdigit() and int(declared[:20]) > 4 * self._limit:
            raise self._too_large()
        chunks: list[bytes] = []
        try:
            reading = begin(self._read(receive, chunks))
            if isinstance(reading, Waiting):  # mostly it is all there
                async with asyncio.timeout(self._seconds):
                    await reading
        except BaseException as error:
            self.held -= sum(map(len, chunks))
            if isinstance(error, TimeoutError):
                message = f"The body did not arrive within {self._seconds:g} seconds"
                raise RequestError(408, message, {"connection": "close"}) from None
            raise
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def let_go(self, body: bytes) -> None:
        """A body that was read is needed no more."""
        self.held -= len(body)

    async def _read(self, receive: Receive, chunks: list[bytes]) -> None:
        """Read at most the limit; read past and forget a few times that, so that the refusal can arrive."""
        size, more = 0, True
        while more and size <= 4 * self._limit:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            more = message.get("more_body", False)
            chunk = message.get("body", b"")
            size += len(chunk)
            if size <= self._limit:
                if size > ALWAYS_READ and self.held + len(chunk) > self._together:
                    raise RequestError(
                        503,
                        "The server holds as many large bodies as it may; try again in a moment",
                        {"connection": "close", "retry-after": "1"},
                    )
                chunks.append(chunk)
                self.held += len(chunk)
            else:
                self.held -= sum(map(len, chunks))
                chunks.clear()
        if size > self._limit:
            raise self._too_large()

    def _too_large(self) -> RequestError:
        return RequestError(413, f"The body is larger than {self._limit} bytes", {"connection": "close"})


def _check_content_type(content_type: str) -> None:
    """Refuse what a page of another site may send without asking: forms and plain text."""
    if content_type == "application/json":
        return
    media, *parameters = (piece.strip().lower() for piece in content_type.split(";"))
    if media != "application/json":
        raise RequestError(415, "The content type must be application/json")
    for parameter in parameters:
        if parameter.startswith("charset=") and parameter[8:].strip('"') not in ("utf-8", "utf8"):
            raise RequestError(415, "The charset must be utf-8")
