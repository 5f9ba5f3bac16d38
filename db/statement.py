"""SQL texts: written with SQLAlchemy once for each shape of a question, and from then on only executed.

Making a statement and looking its text up costs SQLAlchemy up to a millisecond of this process's time; executing the
text takes PostgreSQL a tenth of that. So a query function makes a `Statement` for each shape (which filters
are given, in which order, from where) and keeps it; the values come as parameters by name.
"""

from collections.abc import Callable, Hashable, Mapping
from typing import Any, ParamSpec

from sqlalchemy import Select
from sqlalchemy.dialects.postgresql.asyncpg import dialect
from sqlalchemy.sql.expression import ClauseElement

from db.written import WRITTEN, Writing, written

P = ParamSpec("P")

MAX_SHAPES = 1_000
"""Of one question; the one made first is forgotten."""

_DIALECT = dialect()  # type: ignore[no-untyped-call]


MAX_VARIANTS = 64
"""Of one statement, by the columns that are wanted; the one made first is forgotten."""


class Statement:
    """The text of a statement, and the names of its parameters in their order."""

    __slots__ = ("_clause", "_constants", "_names", "_variants", "_written", "sql")

    def __init__(self, clause: ClauseElement) -> None:
        """Compile.

        Args:
            clause: with a named `bindparam` for each value that is given later.
        """
        self._clause = clause
        self._variants: dict[frozenset[str], Statement] = {}
        """By what is left out."""
        self._written: dict[Writing, Statement | None] = {}
        compiled: Any = clause.compile(dialect=_DIALECT)
        self.sql: str = compiled.string
        self._names: tuple[str, ...] = tuple(compiled.positiontup or ())
        given = compiled.construct_params(_check=False)
        self._constants = {
            name: given[name] for name in self._names if not compiled.binds[name].required and given[name] is not None
        }

    def without(self, columns: frozenset[str]) -> "Statement":
        """The same without some columns, where it has them. Its rows know nothing of these."""
        found = self._variants.get(columns)
        if found is None:
            found = self
            if isinstance(self._clause, Select):
                kept = [column for column in self._clause.selected_columns if column.key not in columns]
                if len(kept) < len(self._clause.selected_columns):
                    found = Statement(self._clause.with_only_columns(*kept, maintain_column_froms=True))
            if len(self._variants) >= MAX_VARIANTS:
                del self._variants[next(iter(self._variants))]
            self._variants[columns] = found
        return found

    def writing(self, writing: Writing, kept: Callable[[str], bool]) -> "Statement | None":
        """The same with the rows written in one column; None if it cannot be had.

        Args:
            writing: how they are written.
            kept: which columns its rows have besides, by their names: always the same for a writing.
        """
        if writing in self._written:
            return self._written[writing]
        found = None
        if isinstance(self._clause, Select):
            columns = self._clause.selected_columns
            text = written(writing, {str(column.key): column for column in columns})
            if text is not None:
                besides = [column for column in columns if kept(str(column.key))]
                found = Statement(
                    self._clause.with_only_columns(*besides, text.label(WRITTEN), maintain_column_froms=True)
                )
        if len(self._written) >= MAX_VARIANTS:
            del self._written[next(iter(self._written))]
        self._written[writing] = found
        return found

    def arguments(self, values: Mapping[str, Any]) -> list[Any]:
        """The parameters in their order.

        Raises:
            KeyError: a value is missing.
        """
        constants = self._constants
        return [constants[name] if name in constants else values[name] for name in self._names]


def shaped(build: Callable[P, ClauseElement]) -> Callable[P, Statement]:
    """Make a function that builds a clause give the statement, and keep it for arguments of the same shape.

    The shape of an argument is its attribute `shape`, if it has one, or else the argument itself. What is built must
    depend on nothing else: values are `bindparam`s.
    """
    made: dict[Hashable, Statement] = {}

    def statement(*arguments: P.args, **_: P.kwargs) -> Statement:
        key = tuple([getattr(argument, "shape", argument) for argument in arguments])
        found = made.get(key)
        if found is None:
            if len(made) >= MAX_SHAPES:
                del made[next(iter(made))]
            found = made[key] = Statement(build(*arguments))  # type: ignore[call-arg]
        return found

    return statement
