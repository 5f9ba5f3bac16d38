"""Keyset paging: a page begins after the sort key of a row, not after a number of rows.

Rows whose sort key does not change are neither repeated nor skipped while a client pages, whatever is inserted
or changed around them, and page 1,000 costs what page 1 costs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Select, SQLColumnExpression, and_, or_, tuple_

T = TypeVar("T")
AnySelect = Select[*tuple[Any, ...]]
"""A SELECT of any columns."""
Position = tuple[Any, ...]
"""The sort key of a row, one value for each of the order's keys."""


@dataclass(frozen=True, slots=True)
class Page:
    """Which rows of an ordered list are wanted: `limit` of those between `after` and `before`.

    From the front, or with `backwards` from the back; the order of the rows is the same.
    """

    limit: int
    backwards: bool = False
    after: Position | None = None
    before: Position | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """A sort order by one key, with ties decided by an id; a NULL key comes last in both directions."""

    key: SQLColumnExpression[Any]
    id: SQLColumnExpression[Any] | None = None
    descending: bool = False
    nullable: bool = False

    def clauses(self, *, backwards: bool) -> list[ColumnElement[Any]]:
        """What to sort by, the other way round for a page from the back."""
        descending = self.descending is not backwards
        keys: list[ColumnElement[Any]] = [self.key.desc() if descending else self.key.asc()]
        if self.nullable:
            keys = [keys[0].nulls_first() if backwards else keys[0].nulls_last()]
        if self.id is not None:
            keys.append(self.id.desc() if descending else self.id.asc())
        return keys

    def beyond(self, position: Position, *, backwards: bool) -> ColumnElement[bool]:
        """The rows that come after `position` (before it, if `backwards`)."""
        descending = self.descending is not backwards
        if self.id is None:
            beyond: ColumnElement[bool] = self.key < position[0] if descending else self.key > position[0]
            return beyond
        key, id_ = position
        next_id = self.id < id_ if descending else self.id > id_
        if not self.nullable:
            both = tuple_(self.key, self.id)
            return both < tuple_(key, id_) if descending else both > tuple_(key, id_)
        if key is None:
            tied = and_(self.key.is_(None), next_id)
            return or_(self.key.is_not(None), tied) if backwards else tied
        further = or_(self.key < key if descending else self.key > key, and_(self.key == key, next_id))
        return further if backwards else or_(further, self.key.is_(None))


@dataclass(frozen=True, slots=True)
class Slice(Generic[T]):
    """The rows of a page, in the order of the list, and whether there are more in the direction of paging."""

    rows: Sequence[T]
    has_more: bool


def paged(statement: AnySelect, order: Order, page: Page) -> AnySelect:
    """Restrict a statement to a page, and to one row more, which tells whether there are further ones."""
    if page.after is not None:
        statement = statement.where(order.beyond(page.after, backwards=False))
    if page.before is not None:
        statement = statement.where(order.beyond(page.before, backwards=True))
    return statement.order_by(*order.clauses(backwards=page.backwards)).limit(page.limit + 1)


def sliced(rows: Sequence[T], page: Page) -> Slice[T]:
    """Make what `paged` fetched a slice, in the order of the list."""
    kept = rows[: page.limit]
    return Slice(kept[::-1] if page.backwards else kept, len(rows) > page.limit)
