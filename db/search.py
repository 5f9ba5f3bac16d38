"""Looking for text, and for ids by how they begin."""

import re
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Text, Uuid, and_, bindparam, case, collate, func, true

SEARCH_COLLATION = "execgraph_search"
"""Knows upper and lower case of every script, whatever the locale of the database is."""


PATTERN = bindparam("pattern", type_=Text())


def contains(column: Any) -> ColumnElement[bool]:
    """Whether the text that `pattern` was made of is in the column, in upper or lower case."""
    return _folded(column).like(_folded(PATTERN), escape="\\")


class Patterns(NamedTuple):
    """What looks like a secret: `db.secrets.Secrets.patterns`."""

    may_hold: str
    """Text in which this is not found holds none."""
    replaced: tuple[tuple[str, str], ...]
    """What is replaced, in this order, each with what is shown instead."""


def shown_contains(column: Any, patterns: Patterns | None) -> ColumnElement[bool]:
    """The same of what is shown of the column to whom secrets are not, so that nobody can guess them by searching."""
    found = contains(column)
    if patterns is None:
        return found
    shown = column
    for hidden, instead in patterns.replaced:
        shown = func.regexp_replace(shown, hidden, instead, "gi", type_=Text())
    # The first is what statistics know. The planner must not reckon with it twice, or it expects to find nothing.
    return and_(found, case((column.op("~*")(patterns.may_hold), contains(shown)), else_=true()))


def pattern(search: str) -> str:
    """What to compare with; `%` and `_` are themselves."""
    escaped = search.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def _folded(text: Any) -> ColumnElement[str]:
    """The text without regard to case: by way of upper case, in which both forms of a small sigma are one."""
    return func.lower(func.upper(collate(text, SEARCH_COLLATION)), type_=Text())


def has_prefix(column: Any) -> ColumnElement[bool]:
    """Whether the id lies between the two that `ids_with_prefix` gave."""
    return and_(
        column >= bindparam("first_id", type_=Uuid()),
        column <= bindparam("last_id", type_=Uuid()),
    )


def ids_with_prefix(search: str) -> tuple[UUID, UUID] | None:
    """The first and the last id that begins with the text; None if none can."""
    digits = search.lower().replace("-", "")
    if not re.fullmatch("[0-9a-f]{1,32}", digits) or not str(UUID(digits.ljust(32, "0"))).startswith(search.lower()):
        return None
    return UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f"))
