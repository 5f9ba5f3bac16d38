"""JSON as it travels: read without rounding anything, written fast."""

import json
from typing import Any, NoReturn

import orjson

_ENOUGH_DIGITS = 100
"""An integer with more is beyond 64 bits, and so is one with these first ones only."""
_DIGITS_AS_ZEROS = bytes(ord("0") if chr(byte) in "0123456789" else byte for byte in range(256))
_MANY_DIGITS = b"0" * 19
"""Any integer with fewer fits 64 bits."""


def read_json(text: str | bytes) -> Any:
    """Read JSON, in UTF-8 and nothing else; integers beyond 64 bits stay beyond, for a later check to refuse them.

    Raises:
        ValueError: it is no JSON, or nested too deep to be read.
    """
    try:
        written = text.encode() if isinstance(text, str) else text
        # orjson rounds integers beyond 64 bits, so it does not get what may hold one. What it refuses is looked at
        # again, because it refuses some JSON, too: half a surrogate pair, deep nesting, a byte order mark.
        if _MANY_DIGITS not in written.translate(_DIGITS_AS_ZEROS):
            return orjson.loads(written)
    except ValueError:
        pass
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
