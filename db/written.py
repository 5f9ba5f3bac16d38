"""Rows that PostgreSQL writes as JSON: what is only passed on need not be read, looked at and written again here.

A `Writing` says what stands under which names. It is applied to the SELECT that gives the rows in any case, so what
they are is declared once. As soon as something of a row is unusual (a null where there is none, an integer beyond
32 bits) its whole text is NULL: it has to be read in the ordinary way.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import reduce
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Text, and_, case, func, literal_column

WRITTEN = "written"
"""The column with the text."""

Columns = Mapping[str, ColumnElement[Any]]
Subquery = Callable[[ColumnElement[str]], ColumnElement[str]]


class Kind(Enum):
    """How a value is written."""

    UUID = "UUID"
    INSTANT = "instant"
    """With microseconds unless they are zero, in UTC."""
    INTEGER = "integer"
    FLOAT = "float"
    BOOLEAN = "boolean"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Constant:
    """The same text for all rows."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Value:
    """A column's value."""

    name: str
    column: str
    kind: Kind
    nullable: bool
    names: tuple[tuple[str, str], ...] = ()
    """For stored texts that are written as other ones, those."""


@dataclass(frozen=True, slots=True)
class Inner:
    """An object that is made of what is joined to the row, see `joins`."""

    name: str
    column: str
    fields: "tuple[Field, ...]"


Field = Constant | Value | Inner


class Writing:
    """How the rows of a class are written."""

    __slots__ = ("besides", "fields", "has_cursors", "joined", "masked")

    def __init__(
        self,
        fields: tuple[Field, ...],
        masked: Sequence[tuple[str, str]] = (),
        besides: Iterable[str] = (),
        *,
        has_cursors: bool = True,
    ) -> None:
        self.fields = fields
        self.masked = tuple(masked)
        """Names of text that is not for everybody, and its columns."""
        self.besides = frozenset(besides) | {column for _, column in masked}
        """Columns that are read besides: of such text, and what else somebody looks at."""
        self.has_cursors = has_cursors
        """Whether cursors are made of some."""
        self.joined = any(isinstance(field, Inner) for field in fields)
        """Whether something else than the row is in it."""


_JOINED: dict[int, tuple[ColumnElement[Any], Columns, Subquery]] = {}
"""What is joined as a column, by the identity of the column, which is kept."""


def joins(column: ColumnElement[Any], columns: Columns, subquery: Subquery) -> None:
    """Say of a column that holds something joined how the same is written.

    Args:
        column: as it is selected.
        columns: the values of what is joined, by their names.
        subquery: makes of an expression of these what is selected in the column's place.
    """
    _JOINED[id(column)] = (column, columns, subquery)


_SPELLED: dict[int, tuple[ColumnElement[Any], ColumnElement[str]]] = {}


def spelled(column: ColumnElement[Any], text: ColumnElement[str]) -> None:
    """Say of a selected number how it is written, if it is not NULL: its text would be made of it otherwise."""
    _SPELLED[id(column)] = (column, text)


def written(writing: Writing, columns: Columns) -> ColumnElement[str] | None:
    """The expression that writes a row; None if these columns do not have what it takes."""
    try:
        return _object(writing.fields, columns)
    except KeyError:
        return None


def _object(fields: Sequence[Field], columns: Columns) -> ColumnElement[str]:
    parts: list[ColumnElement[str]] = []
    text = "{"
    for place, field in enumerate(fields):
        text += f'{"," if place else ""}"{field.name}":'
        for piece in _pieces(field, columns):
            if isinstance(piece, str):
                text += piece
            else:
                parts += (_literal(text), piece)
                text = ""
    parts.append(_literal(text + "}"))
    return reduce(lambda left, right: left.concat(right), parts)


def _pieces(field: Field, columns: Columns) -> Iterator[str | ColumnElement[str]]:
    if isinstance(field, Constant):
        yield f'"{field.text}"'
    elif isinstance(field, Inner):
        _, inner, subquery = _JOINED[id(columns[field.column])]
        yield subquery(_object(field.fields, inner))
    else:
        column = columns[field.column]
        quote, text = _text(field, column)
        if not field.nullable:
            yield quote
            yield text
            yield quote
            return
        quoted = _literal(quote).concat(text).concat(_literal(quote)) if quote else text
        if _is_always_written(field, column):
            yield func.coalesce(quoted, _literal("null"))
        else:
            yield case((column.is_(None), _literal("null")), else_=quoted)


def _is_always_written(field: Value, column: ColumnElement[Any]) -> bool:
    """Whether its text is NULL only if the value is."""
    if field.kind is Kind.FLOAT:
        return id(column) in _SPELLED
    return not isinstance(column.type, BigInteger) and not field.names


def _text(field: Value, column: ColumnElement[Any]) -> tuple[str, ColumnElement[Any]]:
    """The quote that stands before and behind a value, and its text, which is NULL for what is unusual."""
    if id(column) in _SPELLED:
        return "", _SPELLED[id(column)][1]
    if field.kind is Kind.UUID:
        return '"', column.cast(Text)
    if field.kind is Kind.INSTANT:
        instant = func.to_char(func.timezone(_literal("UTC"), column), _literal('YYYY-MM-DD"T"HH24:MI:SS.US'))
        return '"', func.replace(instant, _literal(".000000"), _literal("")).concat(_literal("+00:00"))
    if field.names:
        return '"', _name(field.names, column)
    return "", _bare(field.kind, column)


def _name(names: Sequence[tuple[str, str]], column: ColumnElement[Any]) -> ColumnElement[Any]:
    if all(shown == stored.upper() for stored, shown in names):
        return func.upper(column)
    return case(*((column == _literal(stored), _literal(shown)) for stored, shown in names))


def _bare(kind: Kind, column: ColumnElement[Any]) -> ColumnElement[Any]:
    if kind is Kind.TEXT:
        return func.to_json(column.cast(Text)).cast(Text)
    if kind is Kind.INTEGER and isinstance(column.type, BigInteger):
        fits = column.between(literal_column(str(-(2**31))), literal_column(str(2**31 - 1)))
        return case((fits, column.cast(Text)))
    if kind is Kind.FLOAT:
        is_whole = and_(column == func.floor(column), func.abs(column) < literal_column("1e15"))
        is_finite = column - column == literal_column("0")
        whole = column.cast(BigInteger).cast(Text).concat(_literal(".0"))
        return case((is_whole, whole), (is_finite, column.cast(Text)))
    return column.cast(Text)


def _literal(text: str) -> ColumnElement[str]:
    quoted = text.replace("'", "''")
    return literal_column(f"'{quoted}'", Text())
