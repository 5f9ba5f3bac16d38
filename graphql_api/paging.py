"""Paging: from the arguments of a connection to a page of `db`, and from a row to its cursor."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

import orjson

from db.paging import Page, Position
from db.validation import MAX_INT32
from graphql_api.errors import BadUserInputError

T = TypeVar("T")

DEFAULT_PAGE_SIZE = 50
MAX_PAGE_SIZE = 200
MAX_LONG_PAGE_SIZE = 1_000
"""For log entries and node executions."""

_MICROSECOND = timedelta(microseconds=1)
_DIGEST_BYTES = 6


class Cursors(NamedTuple):
    """The cursors of one list in one order: opaque to clients, and refused by every other list and order."""

    name: tuple[object, ...]
    """The list and its order, as in `("workflowExecutions", "CREATED_AT", "DESC")`. Most lists need no cursor, so it
    is put together only then."""
    key: type
    """The type of the sort key."""
    position: Callable[[Any], Position]
    """The sort key of a row."""
    with_id: bool = True
    """Whether the sort key ends with an id."""

    def encode(self, row: Any) -> str:
        """The cursor of a row."""
        key, *ids = self.position(row)
        if isinstance(key, timedelta):
            key = key // _MICROSECOND
        return urlsafe_b64encode(self._digest() + orjson.dumps([key, *ids], default=str)).decode()

    def decode(self, cursor: str | None, argument: str) -> Position | None:
        """The position of a cursor.

        Raises:
            BadUserInputError: it is no cursor of this list in this order.
        """
        if cursor is None:
            return None
        try:
            raw = urlsafe_b64decode(cursor.encode())
            if raw[:_DIGEST_BYTES] != self._digest():
                raise BadUserInputError(f"`{argument}` is no cursor of this list in this order")
            key, *ids = orjson.loads(raw[_DIGEST_BYTES:])
            if len(ids) != self.with_id:
                raise ValueError(ids)
            return (self._key(key), *(UUID(str(id_)) for id_ in ids))
        except (Base64Error, ValueError, TypeError, OverflowError) as error:
            raise BadUserInputError(f"`{argument}` is not a cursor") from error

    def _digest(self) -> bytes:
        return blake2b(" ".join(map(str, self.name)).encode(), digest_size=_DIGEST_BYTES).digest()

    def _key(self, value: Any) -> Any:
        if value is None:
            return None
        if self.key is datetime:
            return datetime.fromisoformat(value)
        if self.key is timedelta:
            return value * _MICROSECOND
        if not isinstance(value, int) or not 0 <= value <= MAX_INT32:
            raise ValueError(value)
        return value


def page_of(
    cursors: Cursors,
    first: int | None,
    after: str | None,
    last: int | None,
    before: str | None,
    maximum: int = MAX_PAGE_SIZE,
) -> Page:
    """Read a connection's arguments.

    Raises:
        BadUserInputError: `first` with `last`, a page that is too long, or a cursor of another list.
    """
    if first is not None and last is not None:
        raise BadUserInputError("Use `first` or `last`, not both")
    for argument, value in (("first", first), ("last", last)):
        if value is not None and not 0 <= value <= maximum:
            raise BadUserInputError(f"`{argument}` must be from 0 to {maximum}, not {value}")
    limit = DEFAULT_PAGE_SIZE if first is None and last is None else first if last is None else last
    assert limit is not None
    return Page(limit, last is not None, cursors.decode(after, "after"), cursors.decode(before, "before"))
