"""Counting the SQL statements of an answer."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine

from db.reader import Reader
from db.statement import Statement


@contextmanager
def counted_statements() -> Iterator[list[str]]:
    """The statements that are executed meanwhile in this process, without those of its background work."""
    statements: list[str] = []

    def note(sql: str) -> None:
        task = asyncio.current_task()
        doing = getattr(task.get_coro(), "__qualname__", "") if task is not None else ""
        if not doing.startswith(("Upkeep.", "Hints.")):
            statements.append(sql)

    def note_of_engine(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        note(statement)

    def noting(read: Callable[..., Any]) -> Callable[..., Any]:
        def noted(reader: Reader, statement: Statement, *arguments: Any) -> Any:
            note(statement.sql)
            return read(reader, statement, *arguments)

        return noted

    fetch, value = Reader._fetch, Reader.value
    event.listen(Engine, "after_cursor_execute", note_of_engine)
    Reader._fetch, Reader.value = noting(fetch), noting(value)  # type: ignore[method-assign]
    try:
        yield statements
    finally:
        Reader._fetch, Reader.value = fetch, value  # type: ignore[method-assign]
        event.remove(Engine, "after_cursor_execute", note_of_engine)
