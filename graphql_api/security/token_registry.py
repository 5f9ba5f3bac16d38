"""The API tokens that are valid, as this process knows them: all of them, read anew every second.

So a check is a look into a dictionary, a revocation is known within a second, and guessing costs the database nothing.
"""

import asyncio
import logging
import time
from typing import Final
from uuid import UUID

from db.database import Database
from db.queries.api_tokens import ApiTokenRecord, valid_api_tokens
from graphql_api.security.access import Access, access_of_role
from graphql_api.security.tokens import token_digest

logger = logging.getLogger("execgraph.security")

REFRESH_SECONDS: Final = 1.0
REFRESH_FOR_UNKNOWN_SECONDS: Final = 0.1
"""An unknown token may have been made a moment ago, so it has the tokens read, but not more often than this."""
TRUSTED_SECONDS: Final = 15.0
"""How long what is known holds while the database cannot be asked."""


class TokensUnknownError(ConnectionError):
    """The tokens cannot be read just now, so nobody can be let in or turned away."""


class TokenRegistry:
    """The valid tokens."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._records: list[ApiTokenRecord] = []
        self._accesses: dict[bytes, Access] = {}
        self._valid: set[UUID] = set()
        self._read_at = float("-inf")
        self._reading: asyncio.Task[None] | None = None

    async def access(self, token: str) -> Access | None:
        """The access that a token gives, None if it is not valid.

        Raises:
            TokensUnknownError: the database cannot be asked.
        """
        digest, asked_at = token_digest(token), time.monotonic()
        if time.monotonic() - self._read_at > TRUSTED_SECONDS:
            await self._read_once()
        access = self._accesses.get(digest)
        while access is None and self._read_at < asked_at:
            await asyncio.sleep(self._read_at + REFRESH_FOR_UNKNOWN_SECONDS - time.monotonic())
            await self._read_once()
            access = self._accesses.get(digest)
        return None if access is None or access.has_expired() else access

    def is_valid(self, access: Access) -> bool:
        """Whether the token of an access is still valid, as far as is known."""
        return access.token_id in self._valid

    async def refresh(self) -> None:
        """Read the tokens; what was known before stays known where that fails."""
        try:
            await self._read_once()
        except TokensUnknownError as error:
            logger.warning("cannot read the API tokens: %s", error)

    async def _read_once(self) -> None:
        """Read the tokens; all who ask meanwhile wait for the same read."""
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read())
        await asyncio.shield(self._reading)

    async def _read(self) -> None:
        began = time.monotonic()
        try:
            async with self._database.read() as connection:
                records = await valid_api_tokens(connection)
        except Exception as error:
            raise TokensUnknownError(type(error).__name__) from error
        if records != self._records:
            self._records = records
            self._accesses = {record.digest: _access(record) for record in records}
            self._valid = {record.id for record in records}
        self._read_at = began


def _access(record: ApiTokenRecord) -> Access:
    return access_of_role(
        record.role,
        name=record.name,
        caller=f"token:{record.id}",
        namespaces=None if record.namespaces is None else frozenset(record.namespaces),
        expires_at=None if record.expires_at is None else record.expires_at.timestamp(),
        token_id=record.id,
    )
