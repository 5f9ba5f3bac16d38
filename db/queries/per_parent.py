"""One page for each of many parents, in one statement: a lateral join over the list of parents."""

from collections.abc import Sequence
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    SQLColumnExpression,
    Uuid,
    bindparam,
    column,
    func,
    literal_column,
    select,
    true,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from db.paging import ANY_WAY, AnySelect, Order, Page, Slice, Way, paged, sliced

T = TypeVar("T")


PARENT: ColumnElement[UUID] = literal_column("parent.id", Uuid())
"""The parent's id, for a lateral join. It is text to SQLAlchemy, which would not correlate it at any depth."""


def parents_of(ids: Sequence[UUID]) -> Any:
    """The parents as a table with the columns `id` and `place`."""
    array = bindparam(None, list(ids), type_=ARRAY(Uuid()))
    unnested = func.unnest(array).table_valued(column("id", Uuid()), with_ordinality="place")
    return unnested.render_derived(name="parent")


async def slices_per_parent(
    connection: AsyncConnection,
    statement: AnySelect,
    belongs_to: SQLColumnExpression[Any],
    ids: Sequence[UUID],
    order: Order,
    page: Page,
    make: type[T],
    ways: Sequence[Way] = ANY_WAY,
) -> list[Slice[T]]:
    """Give the page of each parent, in the order of `ids`.

    Args:
        connection: where to read.
        statement: the children's columns, in the order of the fields of `make`.
        belongs_to: the child's column that holds the parent's id.
        ids: the parents.
        order: how the children are sorted.
        page: which of them.
        make: the record class.
        ways: a child must match in one way at least.
    """
    parent = parents_of(ids)
    child = paged(statement.where(belongs_to == PARENT), order, page, ways).lateral("child")
    rows = await connection.execute(select(parent.c.place, child).select_from(parent.join(child, true())))
    found: list[list[T]] = [[] for _ in ids]
    for place, *values in rows:
        found[place - 1].append(make._make(values))  # type: ignore[attr-defined]
    return [sliced(children, page) for children in found]


async def counts_per_parent(
    connection: AsyncConnection, statement: AnySelect, belongs_to: SQLColumnExpression[Any], ids: Sequence[UUID]
) -> list[int]:
    """Give the number of children of each parent, in the order of `ids`; `statement` selects the children."""
    parent = parents_of(ids)
    counted = statement.where(belongs_to == PARENT).with_only_columns(func.count().label("count_")).lateral("counted")
    rows = await connection.execute(select(parent.c.place, counted.c.count_).select_from(parent.join(counted, true())))
    found = {row.place: row.count_ for row in rows}
    return [found[place] for place in range(1, len(ids) + 1)]
