"""How many streams are open: they are many and idle, so they are counted apart from requests."""

from collections.abc import Iterator
from contextlib import contextmanager

from graphql_api.security.errors import OverloadedError, TooManyRequestsError


class Streams:
    """The streams of one process."""

    def __init__(self, *, most: int, per_caller: int) -> None:
        self._most = most
        self._per_caller = per_caller
        self._open = 0
        self._of_caller: dict[str, int] = {}

    @property
    def open(self) -> int:
        """How many there are."""
        return self._open

    def check(self, caller: str) -> None:
        """Refuse one more stream of this caller, if it were too many.

        Raises:
            TooManyRequestsError: the caller has too many.
            OverloadedError: everybody together has.
        """
        if caller and self._of_caller.get(caller, 0) >= self._per_caller:
            raise TooManyRequestsError(f"At most {self._per_caller} streams at a time of one caller")
        if self._open >= self._most:
            raise OverloadedError(f"At most {self._most} streams at a time on this server")

    @contextmanager
    def opened(self, caller: str) -> Iterator[None]:
        """Count a stream of this caller while it is open. Raises as `check`."""
        self.check(caller)
        self._of_caller[caller] = self._of_caller.get(caller, 0) + 1
        self._open += 1
        try:
            yield
        finally:
            self._open -= 1
            self._of_caller[caller] -= 1
            if not self._of_caller[caller]:
                del self._of_caller[caller]
