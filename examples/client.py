"""An asynchronous client of the GraphQL API over HTTP, with typed errors and bounded retries."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self
from uuid import UUID

import httpx
from api_errors import JsonObject, RefusedError, RequestFailedError, UnreachableError
from documents import PING

PATIENCE = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0)  # seconds to wait before each further try
ACCEPT = "application/graphql-response+json, application/json;q=0.9"
# The request never left, or was turned away at the door: it had no effect.
NO_EFFECT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


def new_id() -> str:
    """Make a UUID of version 7 (RFC 9562), as ids made by clients must be: milliseconds, then chance."""
    value = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 7 << 76  # version
    value = value & ~(0x3 << 62) | 2 << 62  # variant
    return str(UUID(int=value))


class Client:
    """A connection pool to one GraphQL endpoint.

    Args:
        url: the endpoint, for instance `http://127.0.0.1:8000/graphql`.
        patience: seconds to wait before each further try of a call that got no answer.
        timeout: seconds that one try may take.
        transport: for tests.
    """

    def __init__(
        self,
        url: str,
        *,
        patience: Sequence[float] = PATIENCE,
        timeout: float = 30,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.url = httpx.URL(url)
        self.patience = tuple(patience)
        self._http = httpx.AsyncClient(timeout=timeout, transport=transport, headers={"Accept": ACCEPT})

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def execute(self, document: str, variables: JsonObject | None = None) -> JsonObject:
        """Send a document once and return its data.

        Raises:
            UnreachableError: there was no usable answer, or the server says it is unavailable.
            RequestFailedError: the answer holds GraphQL errors.
        """
        try:
            response = await self._http.post(self.url, json={"query": document, "variables": variables or {}})
        except NO_EFFECT as error:
            raise UnreachableError(f"cannot reach {self.url}: {_text(error)}", doubtful=False) from error
        except httpx.RequestError as error:
            raise UnreachableError(f"no answer from {self.url}: {_text(error)}", doubtful=True) from error
        try:
            answer = response.json()
        except ValueError:
            answer = None
        if not isinstance(answer, dict) or not ("data" in answer or "errors" in answer):
            raise UnreachableError(
                f"{self.url} answered {response.status_code} without GraphQL",
                doubtful=response.status_code not in {404, 429, 503},
            )
        if errors := answer.get("errors"):
            failure = RequestFailedError(errors)
            if failure.code == "UNAVAILABLE":  # perhaps in the middle of a commit
                raise UnreachableError(str(failure), doubtful=True)
            raise failure
        data: JsonObject = answer["data"]
        return data

    async def call(self, document: str, variables: JsonObject | None = None, *, resend_doubtful: bool = True) -> Any:
        """Send a document, again if need be, and return the value of its only, or last, field.

        Args:
            document: selects one top-level field, or several mutations of which each needs the one before.
            variables: its variables; those that are None are left out.
            resend_doubtful: False for a call that must not be carried out twice: then an answer lost on the
                way is for the caller to deal with.

        Raises:
            RefusedError: a value is a refusal. Of several, the first one counts: it led to the others. But
                when an earlier try may have worked, whether the last one worked now decides.
            UnreachableError, RequestFailedError: as `execute`, when all tries are used up.
        """
        given = {name: value for name, value in (variables or {}).items() if value is not None}
        waits = iter(self.patience)
        repeated = False
        while True:
            try:
                data = await self.execute(document, given)
            except UnreachableError as error:
                wait = next(waits, None)
                if wait is None or (error.doubtful and not resend_doubtful):
                    raise
                repeated = repeated or error.doubtful
                await asyncio.sleep(wait)
                continue
            *before, value = data.values()
            for found in (value,) if repeated else (*before, value):
                if isinstance(found, dict) and "message" in found and "__typename" in found:
                    raise RefusedError.of(found, repeated=repeated)
            return value

    async def wait_until_ready(self, seconds: float) -> None:
        """Wait for the server to come up.

        Raises:
            UnreachableError: it did not within `seconds`.
            RequestFailedError: something else is listening there.
        """
        deadline = time.monotonic() + seconds
        while True:
            try:
                await self._check_ready()
                return
            except UnreachableError:
                if time.monotonic() > deadline:
                    raise
            await asyncio.sleep(0.2)

    async def _check_ready(self) -> None:
        try:
            response = await self._http.get(self.url.copy_with(raw_path=b"/readyz"))
        except httpx.RequestError as error:
            raise UnreachableError(f"cannot reach {self.url}: {_text(error)}", doubtful=False) from error
        if response.status_code == httpx.codes.NOT_FOUND:  # behind a proxy that lets only the endpoint through
            await self.execute(PING)
        elif not response.is_success:
            raise UnreachableError(f"{self.url} is not ready ({response.status_code})", doubtful=False)


def _text(error: Exception) -> str:
    return str(error) or type(error).__name__
