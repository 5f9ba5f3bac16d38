"""Statements executed by the driver itself: what SQLAlchemy makes of a statement is made once and kept.

For a statement of a command, which takes the database 0.1 ms, a session takes 0.3 ms of Python around it. Here
statements are the same objects of SQLAlchemy with the same parameters and results, and it takes 0.05.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any
from weakref import WeakKeyDictionary

import asyncpg
import orjson
from sqlalchemy import Executable
from sqlalchemy.dialects.postgresql.asyncpg import dialect
from sqlalchemy.engine import IteratorResult
from sqlalchemy.engine.result import SimpleResultMetaData
from sqlalchemy.types import TypeEngine

from db.json import write_json
from db.pool import Pool, PoolUse
from db.reader import Reader
from db.transaction import Rows

DIALECT = dialect(json_serializer=write_json, json_deserializer=orjson.loads)  # type: ignore[no-untyped-call]

Process = Callable[[Any], Any] | None


class DriverPool:
    """Connections of the driver; one that was cut while it was idle is replaced, not handed out."""

    def __init__(self, connect: Callable[[], Awaitable[Any]], size: int, overflow: int) -> None:
        """Prepare; nothing connects before it is used.

        Args:
            connect: opens a connection.
            size: connections kept open.
            overflow: further ones under load.
        """

        async def connect_and_prepare() -> Any:
            connection = await connect()
            await _prepare(connection)
            return connection

        self._pool = Pool(connect_and_prepare, size, overflow)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator["DriverTransaction"]:
        """A transaction, committed at the end unless an exception leaves it.

        Raises:
            TimeoutError: no connection became free in time.
        """
        async with self._pool.lend() as connection, connection.transaction(isolation=_ISOLATION):
            yield DriverTransaction(connection)

    def use(self) -> PoolUse:
        """How it stands."""
        return self._pool.use()

    async def close(self) -> None:
        """Close all connections, those in use when they are given back."""
        await self._pool.close()


_ISOLATION = "read_committed"


async def _prepare(connection: Any) -> None:
    """Have a connection give JSON as SQLAlchemy's do: read already."""
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", format="binary", encoder=_write_jsonb, decoder=_read_jsonb
    )


def _write_jsonb(written: str) -> bytes:
    return b"\x01" + written.encode()  # the version of the format


def _read_jsonb(given: bytes) -> Any:
    return orjson.loads(given[1:])


class DriverTransaction:
    """A transaction on a connection of the driver; `db.transaction` says what it is for."""

    def __init__(self, connection: Any) -> None:
        self.info: dict[Any, Any] = {}
        self._connection = connection

    async def reader(self) -> Reader:
        """What queries read with, in this transaction."""
        return Reader(self._connection, self.info)

    async def execute(self, statement: Executable, parameters: Any = None, /) -> Rows:
        """Execute a statement.

        Raises:
            asyncpg.PostgresError: PostgreSQL refuses.
        """
        compiled = _COMPILED.get(statement)
        if compiled is None:
            compiled = _COMPILED[statement] = _Compiled(statement)
        records = await self._connection.fetch(compiled.sql, *compiled.arguments(parameters or {}))
        return compiled.result(records)


class _Compiled:
    """What SQLAlchemy makes of a statement."""

    def __init__(self, statement: Any) -> None:
        compiled = statement.compile(dialect=DIALECT)
        if compiled.insert_prefetch or compiled.update_prefetch:
            raise TypeError(f"a default that is made in Python is not supported: {compiled}")
        given = {name: bind for name, bind in compiled.binds.items() if bind.required}
        if any(bind in compiled.post_compile_params for bind in given.values()):
            raise TypeError(f"a list has to be one parameter, compared with any_(): {compiled}")
        expanded = compiled.construct_expanded_state(dict.fromkeys(given))
        self.sql: str = expanded.statement
        self._names: Sequence[str] = expanded.positiontup or ()
        self._values = {name: value for name, value in expanded.parameters.items() if name not in given}
        types = {name: bind.type for name, bind in compiled.binds.items()}
        for name, parts in expanded.parameter_expansion.items():
            types.update(dict.fromkeys(parts, types[name]))
        self._writers = [_of(types[name], "bind_processor") for name in self._names]
        self._columns = [
            (column.name, _of(column.type, "result_processor", _DOUBLE_PRECISION))
            for column in getattr(statement, "exported_columns", ())
        ]
        self._readers = [(place, read) for place, (_, read) in enumerate(self._columns) if read is not None]
        self._metadata = SimpleResultMetaData([name for name, _ in self._columns])

    def arguments(self, parameters: Mapping[str, Any]) -> list[Any]:
        """The values of the parameters, in the order of the placeholders."""
        values = {**self._values, **parameters} if self._values else parameters
        return [
            values[name] if write is None else write(values[name])
            for name, write in zip(self._names, self._writers, strict=True)
        ]

    def result(self, records: Sequence[asyncpg.Record]) -> Rows:
        """The rows as SQLAlchemy gives them."""
        if not self._columns:  # plain text, which does not say what it gives
            metadata = SimpleResultMetaData(list(records[0].keys())) if records else _NO_ROWS
            return IteratorResult(metadata, iter(records))
        if not self._readers:
            return IteratorResult(self._metadata, iter(records))
        return IteratorResult(self._metadata, iter([self._read(record) for record in records]))

    def _read(self, record: asyncpg.Record) -> list[Any]:
        values = list(record)
        for place, read in self._readers:
            values[place] = read(values[place])
        return values


_DOUBLE_PRECISION = 701
"""PostgreSQL's number for the one type of which it matters; what is no floating-point number does not ask."""

_NO_ROWS = SimpleResultMetaData(["nothing"])

_COMPILED: WeakKeyDictionary[Any, _Compiled] = WeakKeyDictionary()


def _of(type_: TypeEngine[Any], processor: str, *arguments: Any) -> Process:
    process: Process = getattr(type_.dialect_impl(DIALECT), processor)(DIALECT, *arguments)
    return process
