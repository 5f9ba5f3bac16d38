"""Being told of each statement when it has ended, on SQLAlchemy's connections and on the driver's own."""

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from db.transaction import Transaction

StatementEnded = Callable[[str, float, BaseException | None], None]
"""Takes the text of the statement, without values, the seconds that it took, and why it failed."""

STATEMENT_ENDED = "statement_ended"
"""Where a transaction keeps whom to tell."""


def trace_engine(engine: AsyncEngine, ended: StatementEnded) -> None:
    """Tell of the statements of an engine."""

    def begin(_connection: Any, _cursor: Any, _sql: str, _parameters: Any, context: Any, _many: bool) -> None:
        context.began = time.perf_counter()

    def end(_connection: Any, _cursor: Any, sql: str, _parameters: Any, context: Any, _many: bool) -> None:
        ended(sql, time.perf_counter() - context.began, None)

    def fail(context: Any) -> None:
        began = getattr(context.execution_context, "began", None)
        if began is not None:
            ended(context.statement, time.perf_counter() - began, context.original_exception)

    event.listen(engine.sync_engine, "before_cursor_execute", begin)
    event.listen(engine.sync_engine, "after_cursor_execute", end)
    event.listen(engine.sync_engine, "handle_error", fail)


def trace_connection(connection: Any, ended: StatementEnded) -> None:
    """Tell of the statements of a connection of the driver."""
    connection.add_query_logger(lambda record: ended(record.query, record.elapsed, record.exception))


async def copy_rows(
    transaction: Transaction, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    """Write many rows. The driver tells nobody of it, so it is done here.

    Raises:
        asyncpg.PostgresError: PostgreSQL refuses.
    """
    connection = (await transaction.reader()).connection
    began, failed = time.perf_counter(), None
    try:
        await connection.copy_records_to_table(table, columns=columns, records=rows)
    except BaseException as error:
        failed = error
        raise
    finally:
        ended: StatementEnded | None = transaction.info.get(STATEMENT_ENDED)
        if ended is not None:
            ended(f"COPY {table} ({', '.join(columns)}) FROM STDIN", time.perf_counter() - began, failed)
