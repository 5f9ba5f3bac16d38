"""JSON as it goes into the database."""

from typing import Any
from uuid import UUID

import orjson


def write_json(value: Any, *, sort_keys: bool = False) -> str:
    """Write JSON; instants, enums, dataclasses and UUIDs (asyncpg's own, too) as strings and objects.

    Raises:
        TypeError: a value is none of these.
    """
    return orjson.dumps(value, default=_write_other, option=orjson.OPT_SORT_KEYS if sort_keys else None).decode()


def _write_other(value: object) -> str:
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(type(value).__name__)
