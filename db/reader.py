"""Reading: statements executed by the driver itself, and rows as it makes them."""

from collections.abc import Mapping
from typing import Any, TypeVar

import asyncpg

from db.statement import Statement


class Row(asyncpg.Record):
    """A row whose columns are attributes, too. JSON columns hold JSON text."""

    __slots__ = ()

    def __init_subclass__(cls) -> None:
        """Refuse a class whose rows would have a `__dict__`: asyncpg leaves it uninitialized, and Python crashes."""
        if cls.__dictoffset__:
            raise TypeError(f"{cls.__name__} needs `__slots__ = ()`")

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


R = TypeVar("R", bound=Row)


class Reader:
    """One connection, for statements that change nothing."""

    __slots__ = ("_connection", "_without", "info")

    def __init__(
        self,
        connection: "asyncpg.Connection[Any]",
        info: dict[Any, Any] | None = None,
        without: frozenset[str] = frozenset(),
    ) -> None:
        self._connection = connection
        self._without = without
        self.info = {} if info is None else info
        """What is remembered of the transaction, if it is one's."""

    async def rows(self, statement: Statement, values: Mapping[str, Any], record: type[R]) -> list[R]:
        """Execute, and give the rows.

        Args:
            statement: what to execute.
            values: its parameters, by name; others may be among them.
            record: the class of the rows.
        """
        if self._without:
            statement = statement.without(self._without)
        arguments = statement.arguments(values)
        return await self._connection.fetch(statement.sql, *arguments, record_class=record)

    async def value(self, statement: Statement, values: Mapping[str, Any]) -> Any:
        """Execute, and give the one value of the one row."""
        return await self._connection.fetchval(statement.sql, *statement.arguments(values))
