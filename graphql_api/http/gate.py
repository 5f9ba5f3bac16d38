"""The gate before everything else: when too much is under way, a request is refused before it costs anything.

To read a request, find out who asks and refuse it in order takes a third of the time of answering it: at five times of
what can be served a server would do nothing else. Here it takes a fiftieth. Callers are known here by what they show:
beside one who takes all places others are let in. Who is let in is dealt with by `graphql_api.security.admission`,
which knows more.
"""

from collections import Counter
from typing import Final

import orjson

from graphql_api.observability.metrics import HTTP_REQUESTS
from graphql_api.security.admission import Admission, overloaded
from graphql_api.security.errors import SecurityError

PATH: Final = "/graphql"
_REASONS: Final = {503: "Service Unavailable", 429: "Too Many Requests"}


class Gate:
    """Counts the requests of a process whose body has arrived and whose answer has not left."""

    def __init__(self, admission: Admission) -> None:
        """Open it.

        Args:
            admission: knows how many may be here, and how many of one caller; who shows no credentials is limited with
                all others.
        """
        self._admission = admission
        self._present: Counter[bytes] = Counter()
        self._all = 0
        self._overloaded = _written(overloaded())
        self._too_many = _written(admission.too_many())
        self._refused = {
            self._overloaded: HTTP_REQUESTS.labels(PATH, 503),
            self._too_many: HTTP_REQUESTS.labels(PATH, 429),
        }

    def refusal(self, credentials: bytes) -> bytes | None:
        """What to answer a new request with instead of dealing with it; None if it may come in."""
        if credentials and self._present[credentials] >= self._admission.per_caller:
            refusal = self._too_many
        elif self._all < self._admission.places() or (credentials and self._is_within_its_part(credentials)):
            return None
        else:
            self._admission.refused()
            refusal = self._overloaded
        self._refused[refusal].inc()
        return refusal

    def _is_within_its_part(self, credentials: bytes) -> bool:
        """Whether one more is not more than an equal part of all that may be here.

        Overload or not: callers take turns in being worked on, so who has many here waits behind himself.
        """
        present = self._present[credentials]
        callers = len(self._present) if present else len(self._present) + 1
        return (present + 1) * callers <= self._admission.most

    def enter(self, credentials: bytes) -> None:
        """Count a request that is whole."""
        self._all += 1
        self._present[credentials] += 1

    def leave(self, credentials: bytes) -> None:
        """Its answer has left, or nobody waits for it any more."""
        self._all -= 1
        self._present[credentials] -= 1
        if not self._present[credentials]:
            del self._present[credentials]


def _written(error: SecurityError) -> bytes:
    """A refusal as it goes over the connection."""
    body = orjson.dumps({"errors": [error.formatted]})
    headers = {"content-type": "application/json; charset=utf-8", "content-length": str(len(body)), **error.headers}
    lines = [
        f"HTTP/1.1 {error.status} {_REASONS[error.status]}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body
