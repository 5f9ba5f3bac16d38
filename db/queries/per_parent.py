"""One page for each of many parents, in one statement: a lateral join over the list of parents."""

from collections.abc import Sequence
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Select,
    SQLColumnExpression,
    Uuid,
    any_,
    bindparam,
    column,
    func,
    literal_column,
    select,
    true,
)

from db.paging import ANY_WAY, AnySelect, Order, Page, Slice, Way, paged, sliced
from db.reader import Reader, Row
from db.statement import Statement

R = TypeVar("R", bound=Row)

PARENT: ColumnElement[UUID] = literal_column("parent.id", Uuid())
"""The parent's id, for a lateral join. It is text to SQLAlchemy, which would not correlate it at any depth."""


def ids_parameter() -> Any:
    """The parameter `ids`, to be compared with `= ANY`, or unnested."""
    return bindparam("ids", type_=ARRAY(Uuid()))


def parents() -> Any:
    """The parents as a table with the columns `id` and `place`."""
    unnested = func.unnest(ids_parameter()).table_valued(column("id", Uuid()), with_ordinality="place")
    return unnested.render_derived(name="parent")


def children(
    statement: AnySelect,
    belongs_to: SQLColumnExpression[Any],
    order: Order,
    page: Page,
    ways: Sequence[Way] = ANY_WAY,
) -> AnySelect:
    """A page of the children of each parent, with the parent's `place`.

    Args:
        statement: the children's columns.
        belongs_to: the child's column that holds the parent's id.
        order: how the children are sorted.
        page: which of them.
        ways: a child must match in one way at least.
    """
    parent = parents()
    child = paged(statement.where(belongs_to == PARENT), order, page, ways).lateral("child")
    return select(parent.c.place, child).select_from(parent.join(child, true()))


def counted(statement: AnySelect, belongs_to: SQLColumnExpression[Any]) -> Select[tuple[int, int]]:
    """The number of children of each parent, as `count_`, with its `place`; `statement` selects the children."""
    parent = parents()
    number = statement.where(belongs_to == PARENT).with_only_columns(func.count().label("count_")).lateral("counted")
    return select(parent.c.place, number.c.count_).select_from(parent.join(number, true()))


async def slices_of_each(
    reader: Reader, statement: Statement, ids: Sequence[Any], values: dict[str, Any], page: Page, record: type[R]
) -> list[Slice[R]]:
    """Execute what `children` made, and give the slice of each parent, in the order of `ids`."""
    rows = await reader.rows(statement, {"ids": ids, **values, **page.values}, record)
    if len(ids) == 1:
        return [sliced(rows, page)]
    found: list[list[R]] = [[] for _ in ids]
    for row in rows:
        found[row["place"] - 1].append(row)
    return [sliced(rows, page) for rows in found]


async def counts_of_each(reader: Reader, statement: Statement, ids: Sequence[Any], values: dict[str, Any]) -> list[int]:
    """Execute what `counted` made, and give the number for each parent, in the order of `ids`."""
    found = [0] * len(ids)
    for row in await reader.rows(statement, {"ids": ids, **values}, Row):
        found[row["place"] - 1] = row["count_"]
    return found


class ById:
    """Statements that select by an id, or by many."""

    __slots__ = ("many", "one")

    def __init__(self, statement: AnySelect, column: SQLColumnExpression[UUID]) -> None:
        """Make both.

        Args:
            statement: selects the rows.
            column: their id.
        """
        self.many = Statement(statement.where(column == any_(ids_parameter())))
        self.one = Statement(statement.where(column == bindparam("id", type_=Uuid())))
        """The driver takes as long to write an array as to write the rest."""


async def each_by_id(reader: Reader, by_id: ById, ids: Sequence[UUID], record: type[R]) -> list[R | None]:
    """The row with each id, in the order of `ids`; None where there is none."""
    if len(ids) == 1:
        rows = await reader.rows(by_id.one, {"id": ids[0]}, record, are_many=False)
        return [rows[0] if rows else None]
    found = {row["id"]: row for row in await reader.rows(by_id.many, {"ids": ids}, record)}
    return [found.get(id_) for id_ in ids]
