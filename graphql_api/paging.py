"""Relay connections: from a field's arguments to a page of `db`, and from its rows to what the client gets."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any, Generic, NamedTuple, TypeVar
from uuid import UUID

import orjson
import strawberry

from db.paging import Page, Position, Slice
from db.validation import MAX_INT32
from graphql_api.context import Info
from graphql_api.errors import BadUserInputError
from graphql_api.executor import batched

T = TypeVar("T")

DEFAULT_PAGE_SIZE = 50
MAX_PAGE_SIZE = 200
MAX_LONG_PAGE_SIZE = 1_000
"""For log entries and node executions."""

_MICROSECOND = timedelta(microseconds=1)
_DIGEST_BYTES = 6


@dataclass(frozen=True, slots=True)
class Cursors:
    """The cursors of one list in one order: opaque to clients, and refused by every other list and order."""

    name: str
    """The list and its order, as in `workflowExecutions CREATED_AT DESC`."""
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
        return blake2b(self.name.encode(), digest_size=_DIGEST_BYTES).digest()

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


@strawberry.type
class PageInfo:
    """Where a page lies in its list."""

    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


@strawberry.type
class Edge(Generic[T]):
    """A row and its cursor."""

    cursor: str
    node: T


class Count(NamedTuple):
    """How the rows of a whole list are counted: `read` counts those of many lists."""

    read: Callable[..., Awaitable[Sequence[int]]]
    key: Any
    arguments: tuple[Any, ...] = ()


@strawberry.type
class Connection(Generic[T]):
    """A page of a list."""

    slice: strawberry.Private[Slice[Any]]
    page: strawberry.Private[Page]
    cursors: strawberry.Private[Cursors]
    count: strawberry.Private[Count]

    @strawberry.field
    def nodes(self) -> list[T]:
        """The rows."""
        return list(self.slice.rows)

    @strawberry.field
    def edges(self) -> list[Edge[T]]:
        """The rows, each with its cursor."""
        return [Edge(cursor=self.cursors.encode(row), node=row) for row in self.slice.rows]

    @strawberry.field
    def page_info(self) -> PageInfo:
        """Where this page lies in the list."""
        rows: Sequence[Any] = self.slice.rows
        page = self.page
        return PageInfo(
            has_next_page=page.before is not None if page.backwards else self.slice.has_more,
            has_previous_page=self.slice.has_more if page.backwards else page.after is not None,
            start_cursor=self.cursors.encode(rows[0]) if rows else None,
            end_cursor=self.cursors.encode(rows[-1]) if rows else None,
        )

    @strawberry.field
    @batched
    @staticmethod
    async def total_count(connections: Sequence[Any], info: Info) -> list[int]:
        """The number of rows in the whole list, counted only where it is selected."""
        counts: list[Count] = [connection.count for connection in connections]
        for read, arguments in {(count.read, count.arguments) for count in counts}:
            keys = [count.key for count in counts if (count.read, count.arguments) == (read, arguments)]
            await info.context.load(read, keys, *arguments)
        return [(await info.context.load(count.read, [count.key], *count.arguments))[0] for count in counts]


@dataclass(frozen=True, slots=True)
class Asked:
    """The paging arguments of a connection."""

    first: int | None
    after: str | None
    last: int | None
    before: str | None
    maximum: int = MAX_PAGE_SIZE

    def page(self, cursors: Cursors) -> Page:
        """Read them, for one list. Raises BadUserInputError."""
        return page_of(cursors, self.first, self.after, self.last, self.before, self.maximum)


async def connections(
    info: Info,
    asked: Asked,
    lists: Sequence[tuple[Any, Cursors, Count]],
    read: Callable[..., Awaitable[Sequence[Slice[Any]]]],
    arguments: tuple[Any, ...] = (),
    make: Callable[..., Any] = Connection,
) -> list[Any]:
    """A page of each of many lists, read by one statement where they are asked for alike.

    Args:
        info: of the field.
        asked: its paging arguments.
        lists: of each list its key, its cursors, and how it is counted.
        read: reads pages: `read(reader, keys, *arguments, page)`.
        arguments: what else it needs.
        make: the class of the connections.

    Returns:
        for each list its connection, or the error that its cursor is no cursor of it.
    """
    pages: list[Any] = []
    shared = asked.page(lists[0][1]) if asked.after is None and asked.before is None else None
    for _, cursors, _ in lists:
        try:
            pages.append(asked.page(cursors) if shared is None else shared)
        except BadUserInputError as error:
            pages.append(error)
    found: list[Any] = list(pages)
    for page in dict.fromkeys(page for page in pages if isinstance(page, Page)):
        places = [place for place, each in enumerate(pages) if each == page]
        slices = await info.context.load(read, [lists[place][0] for place in places], *arguments, page)
        for place, slice_ in zip(places, slices, strict=True):
            _, cursors, count = lists[place]
            found[place] = make(slice=slice_, page=page, cursors=cursors, count=count)
    return found
