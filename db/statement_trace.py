"""Being told of each statement when it has ended, on SQLAlchemy's connections and on the driver's own."""

import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

StatementEnded = Callable[[str, float, BaseException | None], None]
"""Takes the text of the statement, without values, the seconds that it took, and why it failed."""


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
