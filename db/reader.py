"""Reading: statements executed by the driver itself, and rows as it makes them."""

from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

import asyncpg

from db.statement import Statement
from db.wanted import NOTHING, Accepts, Found, Wanted


class Row(asyncpg.Record):
    """A row whose columns are attributes, too. JSON columns hold JSON text.

    A class that names `KEYS` is read without those of its other columns that nobody wants.
    """

    __slots__ = ()

    KEYS: ClassVar[frozenset[str]] = NOTHING
    """Columns that are always read: by which rows are found, sorted and shown or not shown to somebody."""
    SORTED_BY: ClassVar[frozenset[str]] = NOTHING
    """Those of the keys that are looked at for a cursor and nothing else."""
    JOINED: ClassVar[frozenset[str]] = NOTHING
    """Columns in which something else can be read, too; they are read only where they are wanted."""
    OPTIONAL: ClassVar[frozenset[str]] = NOTHING
    """Columns that are read only where they are wanted, if it is known what is."""

    def __init_subclass__(cls) -> None:
        """Note the columns.

        Refuse a class whose rows would have a `__dict__`: asyncpg leaves it uninitialized, and Python crashes.
        """
        if cls.__dictoffset__:
            raise TypeError(f"{cls.__name__} needs `__slots__ = ()`")
        if cls.KEYS:
            cls.OPTIONAL = (frozenset(cls.__annotations__) - cls.KEYS) | cls.JOINED

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


class JoinedRow(dict[str, Any]):
    """A row that came as a column of another one."""

    __slots__ = ()

    __getattr__ = Row.__getattr__


R = TypeVar("R", bound=Row)


class Reader:
    """One connection, for statements that change nothing."""

    __slots__ = ("_accepts", "_found", "_wanted", "connection", "info")

    def __init__(
        self,
        connection: "asyncpg.Connection[Any]",
        info: dict[Any, Any] | None = None,
        wanted: Wanted | None = None,
        found: Found | None = None,
        accepts: Accepts | None = None,
    ) -> None:
        """Read on a connection.

        Args:
            connection: which is nobody else's meanwhile.
            info: what is remembered of the transaction, if it is one's.
            wanted: what somebody will look at; by default everything but what is joined.
            found: told of what is joined.
            accepts: asked whether rows may be written by PostgreSQL; by default none are.
        """
        self.connection = connection
        self._wanted = wanted
        self._found = found
        self._accepts = accepts
        self.info = {} if info is None else info
        """What is remembered of the transaction, if it is one's."""

    async def rows(
        self, statement: Statement, values: Mapping[str, Any], record: type[R], *, are_many: bool = True
    ) -> list[R]:
        """Execute, and give the rows.

        Args:
            statement: what to execute.
            values: its parameters, by name; others may be among them.
            record: the class of the rows.
            are_many: whether there may be more than one: to have a single one written takes longer than to read it.
        """
        if not record.OPTIONAL:
            return await self._fetch(statement, values, record)
        if are_many and self._accepts is not None and self._wanted is not None:
            writing = self._wanted.writings.get(record)
            if writing is not None and self._accepts(writing):
                left_out = record.OPTIONAL if writing.has_cursors else record.OPTIONAL | record.SORTED_BY
                besides = writing.besides
                written = statement.writing(writing, lambda column: column not in left_out or column in besides)
                if written is not None:
                    return await self._fetch(written, values, record)
        wanted = NOTHING if self._wanted is None else self._wanted.of(record)
        read = statement.without(record.JOINED if self._wanted is None else record.OPTIONAL - wanted)
        rows = await self._fetch(read, values, record)
        if rows and record.JOINED and self._found is not None:
            for column in record.JOINED & wanted:
                if column in rows[0]:
                    self._found(column, rows)
        return rows

    async def _fetch(self, statement: Statement, values: Mapping[str, Any], record: type[R]) -> list[R]:
        return await self.connection.fetch(statement.sql, *statement.arguments(values), record_class=record)

    async def value(self, statement: Statement, values: Mapping[str, Any]) -> Any:
        """Execute, and give the one value of the one row."""
        return await self.connection.fetchval(statement.sql, *statement.arguments(values))
