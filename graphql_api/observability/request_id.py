"""The id of a request: the log's entries and the answer carry it, so that one can be found by the other."""

import re
from collections.abc import Iterable
from contextvars import ContextVar
from itertools import count
from secrets import token_hex

HEADER = b"x-request-id"

REQUEST_ID: ContextVar[str] = ContextVar("request_id", default="")
"""The id of the request that the present task serves; empty outside of one."""

_ACCEPTABLE = re.compile(rb"[A-Za-z0-9._:/+=@-]{1,128}")


class RequestIds:
    """The client's own id where it sends a plain one, else a new one that no other process gives."""

    def __init__(self) -> None:
        self._process = token_hex(6)
        self._numbers = count(1)

    def of(self, headers: Iterable[tuple[bytes, bytes]]) -> str:
        """Choose the id of a request with these headers."""
        for name, value in headers:
            if name == HEADER and _ACCEPTABLE.fullmatch(value):
                return value.decode()
        return f"{self._process}-{next(self._numbers):x}"
