"""JSON as it travels: read without rounding anything, written fast."""

import json
from typing import Any, NoReturn

import orjson

_ENOUGH_DIGITS = 100
"""An integer with more is beyond 64 bits, and so is one with these first ones only."""


def read_json(text: str | bytes) -> Any:
    """Read JSON, in UTF-8 and nothing else; integers beyond 64 bits stay beyond, for a later check to refuse them.

    Raises:
        ValueError: it is no JSON, or nested too deep to be read.
    """
    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8-sig")
        return _loads(text)
    except RecursionError as error:
        raise json.JSONDecodeError("nested too deep", "", 0) from error
    except UnicodeDecodeError as error:
        raise json.JSONDecodeError("not UTF-8", "", 0) from error


def _loads(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse)
    except json.JSONDecodeError:
        raise
    except ValueError:  # Python reads no integers of thousands of digits
        return json.loads(text, parse_constant=_refuse, parse_int=lambda digits: int(digits[:_ENOUGH_DIGITS]))


def _refuse(constant: str) -> NoReturn:
    raise json.JSONDecodeError(f"{constant} is no JSON", constant, 0)


def write_json(value: object) -> bytes:
    """Write JSON as UTF-8."""
    try:
        return orjson.dumps(value)
    except TypeError:  # nested deeper than orjson goes, or with a lone surrogate, which JSON can only escape
        return json.dumps(value, separators=(",", ":"), default=_parsed).encode()


def _parsed(value: object) -> Any:
    return json.loads(orjson.dumps(value))  # instants, and JSON that is text already
