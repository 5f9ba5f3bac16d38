"""Counting the SQL statements of an answer."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine


@contextmanager
def counted_statements() -> Iterator[list[str]]:
    """The statements that are executed meanwhile in this process, without those of its background work."""
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        task = asyncio.current_task()
        doing = getattr(task.get_coro(), "__qualname__", "") if task is not None else ""
        if not doing.startswith(("Upkeep.", "Hints.")):
            statements.append(statement)

    event.listen(Engine, "after_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(Engine, "after_cursor_execute", note)
