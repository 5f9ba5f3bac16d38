"""JSON as it travels: read without rounding anything, written fast."""

import json
from typing import Any, NoReturn

import orjson


def read_json(text: str | bytes) -> Any:
    """Read JSON with integers of any size kept whole, so that a later check can refuse them instead of rounding.

    Raises:
        ValueError: it is no JSON, or nested too deep to be read.
    """
    try:
        return json.loads(text, parse_constant=_refuse)
    except RecursionError as error:
        raise json.JSONDecodeError("nested too deep", "", 0) from error
    except UnicodeDecodeError as error:
        raise json.JSONDecodeError("not UTF-8", "", 0) from error


def _refuse(constant: str) -> NoReturn:
    raise json.JSONDecodeError(f"{constant} is no JSON", constant, 0)


def write_json(value: object) -> bytes:
    """Write JSON as UTF-8."""
    return orjson.dumps(value)
