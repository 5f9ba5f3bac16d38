"""Authentication: from what a client sends to its access, and an end for whose access ends."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Final

from db.database import Database
from graphql_api.security.access import UNAUTHENTICATED, Access
from graphql_api.security.errors import OverloadedError, UnauthenticatedError
from graphql_api.security.jwks import KeysUnknownError
from graphql_api.security.oidc import OpenIdConnect
from graphql_api.security.token_registry import REFRESH_SECONDS, TokenRegistry, TokensUnknownError
from graphql_api.security.tokens import PREFIX
from graphql_api.settings import Settings
from graphql_api.subscribers import Subscribers

logger = logging.getLogger("execgraph.security")

Leave = Callable[[], Awaitable[None]]

ACCESS_ENDED: Final = "The token has expired or was revoked"
_JWT_DOTS: Final = 2


class Authentication:
    """How this process knows its callers: `async with Authentication(settings, database):`."""

    def __init__(self, settings: Settings, database: Database, subscribers: Subscribers) -> None:
        self._tokens = TokenRegistry(database)
        self._required = settings.authenticates
        self._oidc = OpenIdConnect(settings) if settings.oidc_issuer is not None else None
        self._subscribers = subscribers
        self._leaving: dict[Access, set[Leave]] = {}
        self._watching: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "Authentication":
        if self._required:
            self._watching = asyncio.create_task(self._watch())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._watching is not None:
            self._watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watching

    @property
    def required(self) -> bool:
        """Whether callers have to say who they are."""
        return self._required

    async def access(self, authorization: str | None) -> Access:
        """The access of who sent this `Authorization` header.

        Raises:
            UnauthenticatedError: there is none, or it proves nothing.
            ForbiddenError: it is valid, but says nothing of what its bearer may do.
            OverloadedError: nobody can be asked just now.
        """
        if not self._required:
            return UNAUTHENTICATED
        if not authorization:
            raise UnauthenticatedError("Say who you are: `Authorization: Bearer <token>`")
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not (token := token.strip()):
            raise UnauthenticatedError("The authorization must be `Bearer <token>`")
        try:
            return await self._access_of(token)
        except (TokensUnknownError, KeysUnknownError) as error:
            raise OverloadedError("Tokens cannot be checked just now; try again") from error

    async def _access_of(self, token: str) -> Access:
        if self._oidc is not None and not token.startswith(PREFIX) and token.count(".") == _JWT_DOTS:
            return await self._oidc.access(token)
        access = await self._tokens.access(token)
        if access is None:
            raise UnauthenticatedError("The token is not valid")
        return access

    def is_over(self, access: Access) -> bool:
        """Whether an access has ended since it was given."""
        return access.has_expired() or (access.token_id is not None and not self._tokens.is_valid(access))

    @contextmanager
    def ending(self, access: Access, leave: Leave) -> Iterator[None]:
        """Have `leave` called if the access ends within this block."""
        if not self._required:
            yield
            return
        leaving = self._leaving.setdefault(access, set())
        leaving.add(leave)
        try:
            yield
        finally:
            leaving.discard(leave)
            if not leaving and self._leaving.get(access) is leaving:
                del self._leaving[access]

    async def _watch(self) -> None:
        """Know of revocations within a second, and end what those follow whose access has ended."""
        while True:
            try:
                await self._tokens.refresh()
                for subscriber in self._subscribers:
                    if self.is_over(subscriber.context.access):
                        subscriber.end(UnauthenticatedError(ACCESS_ENDED))
                over = [access for access in self._leaving if self.is_over(access)]
                leaving = [leave for access in over for leave in self._leaving[access]]
                await asyncio.gather(*(leave() for leave in leaving), return_exceptions=True)
            except Exception:
                logger.exception("cannot look for accesses that ended")
            await asyncio.sleep(REFRESH_SECONDS)
