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

P = ParamSpec("P")

MAX_SHAPES = 1_000
"""Of one question; the one made first is forgotten."""

_DIALECT = dialect()  # type: ignore[no-untyped-call]


MAX_VARIANTS = 64
"""Of one statement, by the columns that are wanted; the one made first is forgotten."""


class Statement:
    """The text of a statement, and the names of its parameters in their order."""

    __slots__ = ("_clause", "_constants", "_names", "_variants", "sql")

    def __init__(self, clause: ClauseElement) -> None:
        """Compile.

        Args:
            clause: with a named `bindparam` for each value that is given later.
        """
        self._clause = clause
        self._variants: dict[frozenset[str], Statement] = {}
        """By what is left out."""
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
