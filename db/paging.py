"""Keyset paging: a page begins after the sort key of a row, not after a number of rows.

Rows whose sort key does not change are neither repeated nor skipped while a client pages, whatever is inserted
or changed around them, and page 1,000 costs what page 1 costs.

An index gives the order if what is asked of it is one range. So a list whose key may be NULL is read in two parts,
the rows with a key and those without; and where there are several ways for a row to match, in so many branches.
Each of them is limited to the page, and the page is taken from the few rows that they give.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Integer,
    Select,
    SQLColumnExpression,
    Subquery,
    Uuid,
    bindparam,
    false,
    literal_column,
    select,
    true,
    tuple_,
    union_all,
)
from sqlalchemy.types import TypeEngine

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

    @property
    def shape(self) -> Hashable:
        """What a statement depends on: all but the values."""
        return (self.backwards, _shape(self.after), _shape(self.before))

    @property
    def values(self) -> dict[str, Any]:
        """The parameters of a statement made by `paged`."""
        values: dict[str, Any] = {"limit_": self.limit + 1}
        for name, position in (("after", self.after), ("before", self.before)):
            if position is not None:
                values[f"{name}_key"] = position[0]
                values[f"{name}_id"] = position[-1]
        return values


def _type(key: Any) -> TypeEngine[Any]:
    """The type of a sort key."""
    type_: TypeEngine[Any] = key.type
    return type_


def _shape(position: Position | None) -> Hashable:
    return None if position is None else (len(position), position[0] is None)


_LIMIT = bindparam("limit_", type_=Integer())


@dataclass(frozen=True, slots=True, eq=False)
class Order:
    """A sort order by one key, with ties decided by an id; a NULL key comes last in both directions."""

    key: SQLColumnExpression[Any]
    id: SQLColumnExpression[Any] | None = None
    descending: bool = False
    nullable: bool = False

    @property
    def keys(self) -> list[SQLColumnExpression[Any]]:
        """What it sorts by."""
        return [self.key] if self.id is None else [self.key, self.id]

    def parts(self, page: Page) -> list[list[ColumnElement[bool]]]:
        """The parts of the list that can hold the page, as conditions, in the order in which they are read."""
        after, before = page.after, page.before
        if not self.nullable:
            return [self._between(after, before)]
        parts = []
        if after is None or after[0] is not None:
            keyed = None if before is None or before[0] is None else before
            parts.append([self.key.is_not(None), *self._between(after, keyed)])
        if before is None or before[0] is None:
            unkeyed = None if after is None or after[0] is not None else after
            parts.append([self.key.is_(None), *self._between(unkeyed, before)])
        return parts[::-1] if page.backwards else parts

    def clauses(
        self, *, backwards: bool, keys: Sequence[SQLColumnExpression[Any]] | None = None
    ) -> list[ColumnElement[Any]]:
        """What to sort a part by, the other way round for a page from the back; `keys` are copies of ours."""
        descending = self.descending is not backwards
        return [key.desc() if descending else key.asc() for key in (self.keys if keys is None else keys)]

    def again(self, keys: Sequence[SQLColumnExpression[Any]], *, backwards: bool) -> list[ColumnElement[Any]]:
        """What sorts the rows of a page once more as they were, or were read backwards, by copies of our keys."""
        clauses = self.clauses(backwards=backwards, keys=keys)
        if not self.nullable:
            return clauses
        return [clause.nulls_first() if backwards else clause.nulls_last() for clause in clauses]

    def _between(self, after: Position | None, before: Position | None) -> list[ColumnElement[bool]]:
        bounds = (("after", after, not self.descending), ("before", before, self.descending))
        return [self._beyond(name, position, above) for name, position, above in bounds if position is not None]

    def _beyond(self, name: str, position: Position, above: bool) -> ColumnElement[bool]:
        key, id_ = bindparam(f"{name}_key", type_=_type(self.key)), bindparam(f"{name}_id", type_=Uuid())
        left: Any
        right: Any
        if self.id is None:
            left, right = self.key, key
        elif position[0] is None:
            left, right = self.id, id_
        else:
            left, right = tuple_(self.key, self.id), tuple_(key, id_)
        beyond: ColumnElement[bool] = left > right if above else left < right
        return beyond


class Way(NamedTuple):
    """A way for a row to match: an index gives the order among the rows for which the condition holds."""

    condition: ColumnElement[bool]
    of_each: FromClause | None = None
    """For each row of it alone, where it is given: the condition compares with it."""


ANY_WAY = (Way(true()),)


@dataclass(slots=True)
class Slice(Generic[T]):
    """The rows of a page, in the order of the list, and whether there are more in the direction of paging."""

    rows: Sequence[T]
    has_more: bool


def paged(statement: AnySelect, order: Order, page: Page, ways: Sequence[Way] = ANY_WAY) -> AnySelect:
    """Restrict a statement to a page, and to one row more, which tells whether there are further ones.

    Args:
        statement: selects the rows of the list.
        order: how the list is sorted.
        page: which of its rows.
        ways: a row must match in one way at least.
    """
    parts = order.parts(page)
    if not parts or not ways:
        return statement.where(false())
    if len(parts) == len(ways) == 1 and ways[0].of_each is None:
        return _limited(statement.where(*parts[0]), order, page, ways[0])
    branches = [_branch(statement.where(*part), order, page, way, at) for at, part in enumerate(parts) for way in ways]
    found = _merged(branches, order, page)
    # The branches give keys only, and often an index alone can; the rows are then fetched of the page only.
    part, *keys = found.c
    sort = order.clauses(backwards=page.backwards, keys=keys)
    return statement.join(found, order.keys[-1] == keys[-1]).order_by(part, *sort)


def _limited(statement: AnySelect, order: Order, page: Page, way: Way) -> AnySelect:
    sort = order.clauses(backwards=page.backwards)
    return statement.where(way.condition).order_by(*sort).limit(_LIMIT)


def _branch(statement: AnySelect, order: Order, page: Page, way: Way, part: int) -> AnySelect:
    """The number of the part and the keys."""
    keys: list[ColumnElement[Any]] = [key.label(f"key_{place}") for place, key in enumerate(order.keys)]
    branch = _limited(statement.with_only_columns(literal_column(str(part)).label("part_"), *keys), order, page, way)
    if way.of_each is None:
        return branch
    each = branch.lateral("each_")
    return select(*each.c).select_from(way.of_each.join(each, true()))


def _merged(branches: Sequence[AnySelect], order: Order, page: Page) -> Subquery:
    """The keys of the page; a row may have matched in several ways."""
    found = union_all(*branches).subquery("branches")
    part, *keys = found.c
    sort = order.clauses(backwards=page.backwards, keys=keys)
    return select(part, *keys).distinct().order_by(part, *sort).limit(_LIMIT).subquery("found")


def sliced(rows: Sequence[T], page: Page) -> Slice[T]:
    """Make what `paged` fetched a slice, in the order of the list."""
    kept = rows[: page.limit]
    return Slice(kept[::-1] if page.backwards else kept, len(rows) > page.limit)
