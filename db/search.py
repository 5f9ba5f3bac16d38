"""Looking for text, and for ids by how they begin."""

import re
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Text, and_, collate, func, literal

SEARCH_COLLATION = "execgraph_search"
"""Knows upper and lower case of every script, whatever the locale of the database is."""


def contains(column: Any, search: str) -> ColumnElement[bool]:
    """Whether the text is in the column, in upper or lower case; `%` and `_` are themselves."""
    escaped = search.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return _folded(column).like(_folded(literal(f"%{escaped}%")), escape="\\")


def _folded(text: Any) -> ColumnElement[str]:
    """The text without regard to case: by way of upper case, in which both forms of a small sigma are one."""
    return func.lower(func.upper(collate(text, SEARCH_COLLATION)), type_=Text())


def id_prefix(column: Any, search: str) -> ColumnElement[bool] | None:
    """Whether the id begins with the text; None if none can."""
    digits = search.lower().replace("-", "")
    if not re.fullmatch("[0-9a-f]{1,32}", digits) or not str(UUID(digits.ljust(32, "0"))).startswith(search.lower()):
        return None
    return and_(column >= UUID(digits.ljust(32, "0")), column <= UUID(digits.ljust(32, "f")))
