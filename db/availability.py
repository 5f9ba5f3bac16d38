"""Whether an error says that the database is away for a while."""

import asyncpg
from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from db.database import RETRYABLE, sqlstate

UNAVAILABLE_CLASSES = ("08", "53", "57")
"""SQLSTATE classes: connection exception, insufficient resources, operator intervention."""
UNAVAILABLE_STATES = ("3D000", "55000")
"""SQLSTATEs: the database is not there, it accepts no connections."""

_NO_CONNECTION = (PoolTimeoutError, InterfaceError, OSError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""The last is what asyncpg raises for a connection that was cut in the midst of a message."""


STATEMENT_TIMEOUT = "57014"
"""query_canceled: by `statement_timeout`, or by hand."""


def took_too_long(error: BaseException) -> bool:
    """Whether PostgreSQL gave up a statement because it took too long."""
    return sqlstate(error) == STATEMENT_TIMEOUT


def is_unavailable(error: BaseException) -> bool:
    """Whether the same may well succeed when it is tried again."""
    if isinstance(error, _NO_CONNECTION):
        return True
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    state = sqlstate(error) or getattr(error, "sqlstate", None) or ""
    return state[:2] in UNAVAILABLE_CLASSES or state in UNAVAILABLE_STATES or state in RETRYABLE
