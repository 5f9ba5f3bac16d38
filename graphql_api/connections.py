"""Relay connections: pages of lists, of many lists at once where an answer has many."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

import strawberry

from db.paging import Page, Slice
from graphql_api.context import Info
from graphql_api.errors import BadUserInputError
from graphql_api.executor import batched
from graphql_api.paging import MAX_PAGE_SIZE, Cursors, page_of

T = TypeVar("T")


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


class Asked(NamedTuple):
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
    found: list[Any] = [None] * len(lists)
    alike: dict[Page, Sequence[int]]
    if asked.after is None and asked.before is None:
        alike = {asked.page(lists[0][1]): range(len(lists))}
    else:
        places_of: dict[Page, list[int]] = {}
        for place, (_, cursors, _) in enumerate(lists):
            try:
                places_of.setdefault(asked.page(cursors), []).append(place)
            except BadUserInputError as error:
                found[place] = error
        alike = {**places_of}
    for page, places in alike.items():
        slices = await info.context.load(read, [lists[place][0] for place in places], *arguments, page)
        for place, slice_ in zip(places, slices, strict=True):
            _, cursors, count = lists[place]
            found[place] = make(slice=slice_, page=page, cursors=cursors, count=count)
    return found
