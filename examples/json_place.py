"""A JSON value that knows where it stands, so that a complaint about it can name the place.

place = Place({"tasks": [{"id": 7}]})
place["tasks"].items()[0]["id"].text()   # MalformedError: tasks[0].id: expected a string, found 7
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import Any

SHOWN = 80  # characters of an offending value that a message quotes
UNSTORABLE = re.compile("[\0\ud800-\udfff]")
INT64 = 2**63  # integers beyond 64 bits are refused by the API: JSON readers disagree about them


class MalformedError(ValueError):
    """{path}: {problem}."""

    def __init__(self, path: str, problem: str) -> None:
        self.path = path
        self.problem = problem
        super().__init__(f"{path}: {problem}")


@dataclass(frozen=True, slots=True)
class Place:
    """A value in a JSON document, and the path that leads to it."""

    value: Any
    path: str = ""

    def wrong(self, problem: str) -> MalformedError:
        """Make (not raise) the error that says what is wrong here."""
        return MalformedError(self.path or "the document", problem)

    def __getitem__(self, key: str) -> Place:
        """The member `key`, which must be there. Raises: MalformedError."""
        found = self.get(key)
        if found is None:
            raise Place(None, self._member(key)).wrong("is missing")
        return found

    def get(self, key: str) -> Place | None:
        """The member `key`, or None when absent or null. Raises: MalformedError if this is no object."""
        if not isinstance(self.value, dict):
            raise self.wrong(f"expected an object, found {shown(self.value)}")
        value = self.value.get(key)
        return None if value is None else Place(value, self._member(key))

    def items(self, *, at_least: int = 0) -> list[Place]:
        """The elements of this array. Raises: MalformedError if it is no array or too short."""
        if not isinstance(self.value, list):
            raise self.wrong(f"expected an array, found {shown(self.value)}")
        if len(self.value) < at_least:
            raise self.wrong(f"expected at least {at_least} element(s), found {len(self.value)}")
        return [Place(value, f"{self.path}[{index}]") for index, value in enumerate(self.value)]

    def text(self) -> str:
        """This string, not empty. Raises: MalformedError, also for what no database text can hold."""
        if not isinstance(self.value, str):
            raise self.wrong(f"expected a string, found {shown(self.value)}")
        if not self.value:
            raise self.wrong("expected a string that is not empty")
        if UNSTORABLE.search(self.value):
            raise self.wrong("holds a NUL or half a surrogate pair")
        return self.value

    def texts(self) -> tuple[str, ...]:
        """The strings of this array. Raises: MalformedError."""
        return tuple(item.text() for item in self.items())

    def number(self, *, minimum: float | None = None) -> float:
        """This number, finite; an int stays an int. Raises: MalformedError, also when below `minimum`."""
        value = self.value
        # bool is a subclass of int, but `true` is no number in JSON.
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.wrong(f"expected a number, found {shown(value)}")
        if not -INT64 <= value < INT64 or math.isnan(value):
            raise self.wrong(f"{shown(value)} is out of range")
        if minimum is not None and value < minimum:
            raise self.wrong(f"must not be less than {minimum}, is {shown(value)}")
        return value

    def integer(self, *, minimum: int) -> int:
        """This number, if whole. Raises: MalformedError."""
        value = self.number(minimum=minimum)
        if value != int(value):
            raise self.wrong(f"expected a whole number, found {shown(value)}")
        return int(value)

    def _member(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key


def shown(value: object) -> str:
    """Quote a value on one line, cut when long: in ASCII, so that nothing in it can disturb a terminal."""
    text = json.dumps(value)
    return text if len(text) <= SHOWN else text[: SHOWN - 3] + "..."
