"""Database: the engine, its sessions, and what every command and query goes through."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import TracebackType
from typing import Any, Self, TypeVar
from uuid import UUID

import asyncpg
import orjson
from sqlalchemy import text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, async_sessionmaker, create_async_engine
from sqlalchemy.pool import QueuePool

from db.driver import DriverPool
from db.json import write_json
from db.pool import Loan, Pool, PoolUse
from db.reader import Reader
from db.session import DatabaseSession
from db.statement_trace import STATEMENT_ENDED, StatementEnded, trace_connection, trace_engine
from db.transaction import Transaction, touched
from db.wanted import Accepts, Found, Wanted

T = TypeVar("T")

TRIES = 5
"""How often a transaction is tried when PostgreSQL reports a deadlock or a serialization failure."""

CONNECT_SECONDS = 10.0

RETRYABLE = {"40001", "40P01", "23505"}
"""serialization_failure, deadlock_detected, unique_violation: the second try sees what the other one made"""


class Database:
    """One PostgreSQL database: `async with Database(url) as database:`.

    Sessions are handed out one for each unit of work and never shared: resolvers run concurrently, an
    `AsyncSession` does not.
    """

    def __init__(
        self,
        url: str | URL,
        *,
        pool_size: int = 10,
        max_overflow: int = 10,
        statement_timeout_seconds: float | None = None,
    ) -> None:
        """Prepare; nothing connects before it is used.

        Args:
            url: a `postgresql+asyncpg://` URL (plain `postgresql://` is taken to mean the same). With
                `?prepared_statement_cache_size=0` it may lead through a pooler in transaction mode that keeps no
                prepared statements: then every statement is in a transaction, and none is prepared for later.
            pool_size: connections kept open, for reads, for sessions and for commands each.
            max_overflow: further ones under load, closed again, each.
            statement_timeout_seconds: how long PostgreSQL works on one statement of a query or a command. None: as
                it is set for the role, as always through a pooler in transaction mode. Sessions are not limited.

        Raises:
            ValueError: the URL names another kind of database.
        """
        self.url = asyncpg_url(url)
        self._pool_limit = pool_size + max_overflow
        self._statement_timeout_seconds = statement_timeout_seconds
        self._is_pooled = self.url.query.get("prepared_statement_cache_size") == "0"
        connect_args: dict[str, Any] = {"server_settings": {"application_name": "execgraph", "timezone": "UTC"}}
        engine_args = connect_args
        if self._is_pooled:
            connect_args["statement_cache_size"] = 0
            engine_args = {**connect_args, "prepared_statement_name_func": _nameless}
        options: dict[str, Any] = {
            "pool_size": pool_size,
            "max_overflow": max_overflow,
            "pool_pre_ping": False,
            "hide_parameters": True,  # they would be in errors, and errors are logged
            "json_serializer": write_json,
            "json_deserializer": orjson.loads,
            "connect_args": engine_args,
        }
        self.engine = create_async_engine(self.url, **options)
        self._connect_args = connect_args
        # Single statements, each a snapshot of its own: no BEGIN and no ROLLBACK around them.
        self._autocommit = (
            self.engine if self._is_pooled else self.engine.execution_options(isolation_level="AUTOCOMMIT")
        )
        # Queries and commands, nearly all that is done, go without the cost of SQLAlchemy's connections and sessions.
        self.readers = Pool(self._connect_reader, pool_size, max_overflow)
        self._driver_pool = DriverPool(self._connect, pool_size, max_overflow)
        self._sessions = async_sessionmaker(
            self.engine, class_=DatabaseSession, expire_on_commit=False, info={"on_change": self._changed}
        )
        self._ended: StatementEnded | None = None
        self.on_change: Callable[[set[UUID]], None] | None = None
        """Called after each commit with the runs that it changed; must not block."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.dispose()

    async def dispose(self) -> None:
        """Close all connections."""
        await self._driver_pool.close()
        await self.engine.dispose()
        await self.readers.close()

    def trace(self, ended: StatementEnded) -> None:
        """Have a function called after each statement, by the task that executed it; before any connection is open."""
        self._ended = ended
        trace_engine(self.engine, ended)

    def session(self) -> DatabaseSession:
        """A new session, to use as `async with database.session() as session:`."""
        return self._sessions()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A connection for single statements, each a transaction of its own."""
        async with self._autocommit.connect() as connection:
            yield connection

    def reader(
        self, wanted: Wanted | None = None, found: Found | None = None, accepts: Accepts | None = None
    ) -> AbstractAsyncContextManager[Reader]:
        """What queries read with: each statement is a snapshot of its own.

        Args:
            wanted: what somebody will look at; by default everything but what is joined.
            found: told of what is joined.
            accepts: asked whether rows may be written by PostgreSQL.
        """
        if self._is_pooled:
            return self._reading_in_transaction(wanted, found, accepts)
        return Reading(self.readers.lend(), wanted, found, accepts)

    @asynccontextmanager
    async def _reading_in_transaction(
        self, wanted: Wanted | None, found: Found | None, accepts: Accepts | None
    ) -> AsyncIterator[Reader]:
        """What keeps a pooler to one connection to PostgreSQL."""
        async with self.readers.lend() as connection, connection.transaction():
            yield Reader(connection, wanted=wanted, found=found, accepts=accepts)

    async def fetch(self, statement: str, *arguments: Any) -> list[Any]:
        """The rows that asyncpg gives for a single statement of its own.

        Raises:
            PostgresError, InterfaceError, OSError: asyncpg's own errors.
        """
        async with self.reader() as reader:
            rows: list[Any] = await reader.connection.fetch(statement, *arguments)
            return rows

    async def run(self, work: Callable[[DatabaseSession], Awaitable[T]]) -> T:
        """Do `work` in one transaction, again if PostgreSQL reports a deadlock or a serialization failure.

        Raises:
            DBAPIError: PostgreSQL refused, `TRIES` times where trying again could have helped.
        """

        async def once() -> T:
            async with self.session() as session, session.begin():
                return await work(session)

        return await _repeated(once)

    async def run_command(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Do `work`, which has no use for models, in one transaction, again as `run` does.

        Raises:
            asyncpg.PostgresError: PostgreSQL refused, `TRIES` times where trying again could have helped.
            TimeoutError: no connection became free in time.
        """

        async def once() -> T:
            async with self._driver_pool.transaction() as transaction:
                if self._ended is not None:
                    transaction.info[STATEMENT_ENDED] = self._ended
                result = await work(transaction)
            if runs := touched(transaction):
                self._changed(runs)
            return result

        return await _repeated(once)

    def connect_options(self, url: URL | None = None) -> dict[str, Any]:
        """What `asyncpg.connect` needs to reach the same database outside the pool, or another address of it."""
        _, options = self.engine.dialect.create_connect_args(url or self.url)
        return {name: value for name, value in options.items() if not name.startswith("prepared_statement")}

    async def ping(self) -> None:
        """Make a round trip; raises whatever keeps it from arriving."""
        async with self.read() as connection:
            await connection.execute(text("SELECT 1"))

    def pools(self) -> dict[str, PoolUse]:
        """How the pools stand, by what they are for."""
        sessions: Any = self.engine.pool
        assert isinstance(sessions, QueuePool)
        return {
            "read": self.readers.use(),
            "write": self._driver_pool.use(),
            "session": PoolUse(sessions.checkedout(), sessions.checkedin(), self._pool_limit),
        }

    async def _connect(self) -> Any:
        options: dict[str, Any] = {**self.connect_options(), **self._connect_args}
        if self._statement_timeout_seconds is not None and not self._is_pooled:
            timeout = {"statement_timeout": f"{self._statement_timeout_seconds * 1000:.0f}"}
            options["server_settings"] = {**options["server_settings"], **timeout}
        connection = await asyncpg.connect(**options, timeout=CONNECT_SECONDS)
        if self._ended is not None:
            trace_connection(connection, self._ended)
        return connection

    async def _connect_reader(self) -> Any:
        """Open a connection on which reads are planned for the values they are executed with.

        From the sixth time on PostgreSQL may take one plan for all values. A filter that nearly all rows match and
        one that hardly any does need different ones: 5 ms became 250 ms. It is set here and not as the connection is
        opened, because a pooler in between refuses what it does not know. (Where nothing is prepared for later, every
        execution is planned for its values as it is.)

        Not for writes: it would have the checks of foreign keys planned anew for every row, which triples the time
        that 1,000 entries take.
        """
        connection = await self._connect()
        if self._is_pooled:
            return connection
        try:
            await connection.execute("SET plan_cache_mode = force_custom_plan; SET jit = off")
        except BaseException:
            connection.terminate()
            raise
        return connection

    def _changed(self, runs: set[UUID]) -> None:
        if self.on_change is not None:
            self.on_change(runs)


class Reading:
    """A reader for a block: a class, because every read takes one."""

    __slots__ = ("_accepts", "_found", "_loan", "_wanted")

    def __init__(self, loan: Loan, wanted: Wanted | None, found: Found | None, accepts: Accepts | None) -> None:
        self._loan = loan
        self._wanted = wanted
        self._found = found
        self._accepts = accepts

    async def __aenter__(self) -> Reader:
        return Reader(await self._loan.__aenter__(), None, self._wanted, self._found, self._accepts)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._loan.__aexit__(kind, error, trace)


async def _repeated(transaction: Callable[[], Awaitable[T]]) -> T:
    """Try a transaction until it succeeds, or fails in another way than by a race with others."""
    for tried in range(1, TRIES + 1):
        try:
            return await transaction()
        except (DBAPIError, asyncpg.PostgresError) as error:
            if sqlstate(error) not in RETRYABLE or tried == TRIES:
                raise
        await asyncio.sleep(random.uniform(0, 0.01 * 2**tried))  # noqa: S311 - spreads the tries, no secret
    raise AssertionError("unreachable")


def _nameless() -> str:
    """The name of no prepared statement: it is there until the next one, and leaves nothing behind."""
    return ""


def asyncpg_url(url: str | URL) -> URL:
    """Give the URL with our driver's name in it.

    Raises:
        ValueError: the URL names another kind of database or another driver.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise ValueError("The database URL must begin with postgresql+asyncpg://; it is no URL at all") from error
    if parsed.drivername in ("postgresql", "postgres"):
        parsed = parsed.set(drivername="postgresql+asyncpg")
    if parsed.drivername != "postgresql+asyncpg":
        raise ValueError(f"The database URL must begin with postgresql+asyncpg://, not {parsed.drivername}://")
    return parsed


def sqlstate(error: BaseException) -> str | None:
    """The SQLSTATE that PostgreSQL gave, if `error` comes from it."""
    state: Any = getattr(getattr(error, "orig", error), "sqlstate", None)
    return state if isinstance(state, str) else None
