"""What a value must be to be stored: each check names the path of what it refuses.

What is accepted comes back as it was sent, so whatever PostgreSQL or JSON would round, cut or refuse is
refused here, before anything is written.
"""

import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from db.errors import InvalidInputError
from db.state_machine import MAX_CLOCK_SKEW

MAX_NAME_LENGTH = 1_000
"""Characters of a name, key, namespace or type."""
MAX_MESSAGE_LENGTH = 262_144
"""Characters of a log message, an error message, a reason or a description."""
MAX_JSON_BYTES = 1_048_576
"""Bytes of one JSON value."""
MAX_JSON_DEPTH = 100
"""Objects and arrays inside each other."""
MAX_BATCH = 10_000
"""Log entries, steps or transitions in one call."""
MAX_BATCH_BYTES = 8_388_608
"""Bytes of messages and data in one call."""
MAX_INT32 = 2**31 - 1

_MIN_INTEGER, _MAX_INTEGER = -(2**63), 2**64 - 1
_BAD_CHARACTERS = re.compile("[\x00\ud800-\udfff]")


def check_text(value: str | None, path: str, *, limit: int, may_be_empty: bool = False) -> None:
    """Refuse text that is empty, longer than `limit` characters, or that PostgreSQL cannot hold."""
    if value is None:
        return
    if not value and not may_be_empty:
        raise InvalidInputError(path, "must not be empty")
    if len(value) > limit:
        raise InvalidInputError(path, f"is {len(value)} characters long; at most {limit} are allowed")
    _check_characters(value, path)


def _is_plain(text: str) -> bool:
    return text.isascii() and "\x00" not in text


def _check_characters(text: str, path: str) -> None:
    if _is_plain(text):
        return  # as nearly all text is: the search takes ten times as long
    if (bad := _BAD_CHARACTERS.search(text)) is not None:
        what = "a NUL character" if bad[0] == "\x00" else "a surrogate without its other half"
        raise InvalidInputError(path, f"holds {what}, which cannot be stored")


def check_name(value: str | None, path: str) -> None:
    """Refuse what cannot be a name or a key."""
    check_text(value, path, limit=MAX_NAME_LENGTH)


def check_message(value: str | None, path: str, *, may_be_empty: bool = False) -> None:
    """Refuse what cannot be a message."""
    check_text(value, path, limit=MAX_MESSAGE_LENGTH, may_be_empty=may_be_empty)


def is_plain_message(value: str) -> bool:
    """Whether it takes no further look: nearly all messages are so, and looking takes long for a thousand of them."""
    return 0 < len(value) <= MAX_MESSAGE_LENGTH and _is_plain(value)


def check_json(value: Any, path: str) -> int:
    """Refuse JSON that would not come back as it was sent; give its size in bytes."""
    return len(checked_json(value, path) or b"")


def checked_json(value: Any, path: str) -> bytes | None:
    """Refuse as `check_json` does; give the value as it is written, or None for nothing."""
    if value is None:
        return None
    try:
        written = orjson.dumps(value)
    except TypeError:
        written = b""  # there is a reason, which is found below
    # What is written shows for nearly all values that they are ordinary: the walk takes ten times as long.
    if not written or _NUL in written or _NO_NUMBER in written or _may_be_deep(written):
        _check_json(value, path, 0)
        written = orjson.dumps(value)
    if len(written) > MAX_JSON_BYTES:
        raise InvalidInputError(path, f"is {len(written)} bytes of JSON; at most {MAX_JSON_BYTES} are allowed")
    return written


_NUL = rb"\u0000"
_NO_NUMBER = b"null"
"""What orjson makes of a number that is none."""


def _may_be_deep(written: bytes) -> bool:
    return len(written) > 2 * MAX_JSON_DEPTH and written.count(b"{") + written.count(b"[") > MAX_JSON_DEPTH


def _check_json(value: Any, path: str, depth: int) -> None:
    if isinstance(value, str):
        _check_characters(value, path)
    elif isinstance(value, dict):
        if depth == MAX_JSON_DEPTH:
            raise InvalidInputError(path, f"is nested more than {MAX_JSON_DEPTH} deep")
        for key, item in value.items():
            _check_json(key, path, depth)
            _check_json(item, path, depth + 1)
    elif isinstance(value, list):
        if depth == MAX_JSON_DEPTH:
            raise InvalidInputError(path, f"is nested more than {MAX_JSON_DEPTH} deep")
        for item in value:
            _check_json(item, path, depth + 1)
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise InvalidInputError(path, "holds a number that JSON does not know")
    elif isinstance(value, int) and not _MIN_INTEGER <= value <= _MAX_INTEGER:
        raise InvalidInputError(path, "holds an integer that does not fit 64 bits")


def check_batch(items: Sequence[object], path: str, *, limit: int = MAX_BATCH) -> None:
    """Refuse an empty list, and one that is too long."""
    if not items:
        raise InvalidInputError(path, "must not be empty")
    if len(items) > limit:
        raise InvalidInputError(path, f"has {len(items)} items; at most {limit} are allowed")


def check_integer(value: int | None, path: str, *, at_least: int) -> None:
    """Refuse an integer below `at_least`, or one that its column cannot hold."""
    if value is not None and not at_least <= value <= MAX_INT32:
        raise InvalidInputError(path, f"must be from {at_least} to {MAX_INT32}")


def check_timestamp(value: datetime | None, path: str, *, now: datetime | None = None) -> None:
    """Refuse an instant more than five minutes ahead of the server's clock, which says `now`."""
    if value is not None and value > (now or datetime.now(UTC)) + MAX_CLOCK_SKEW:
        raise InvalidInputError(path, f"{value.isoformat()} is more than 5 minutes ahead of the server's clock")


def check_retry_config(value: Any, path: str) -> None:
    """Refuse a retry configuration that is not an object with a whole, non-negative `max_retries`."""
    if value is None:
        return
    if not isinstance(value, dict):
        raise InvalidInputError(path, "must be an object")
    retries = value.get("max_retries", 0)
    if isinstance(retries, bool) or not isinstance(retries, int) or not 0 <= retries <= MAX_INT32:
        raise InvalidInputError(path, f"max_retries must be an integer from 0 to {MAX_INT32}")
    check_json(value, path)
