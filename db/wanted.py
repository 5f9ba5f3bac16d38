"""What is read of rows: no more than somebody will look at.

Decoding a value that nobody shows takes as long as decoding one that somebody does, and a document says what it shows.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from db.written import Writing

NOTHING: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which columns somebody will look at."""

    columns: Mapping[type, frozenset[str]]
    """By the class of the rows. The class's `KEYS` are read besides."""
    writings: Mapping[type, Writing] = field(default_factory=dict)
    """By the class of the rows of which nothing else is looked at."""

    def of(self, record: type) -> frozenset[str]:
        """Those of rows of a class."""
        return self.columns.get(record, NOTHING)


@dataclass(frozen=True, slots=True)
class Joined:
    """A column that holds what belongs to a row, as a query function would give it: one statement less.

    It is read only where it is wanted.
    """

    key: str
    """The column that holds the key by which the query function would have been asked."""
    read: Callable[..., Any]
    """The query function."""
    make: Callable[[Any], Any]
    """Makes what the query function would have given out of the column's value, a tuple or None."""


Found = Callable[[str, Sequence[Any]], None]
"""Told of a column in which something is joined, and of the rows."""
Accepts = Callable[[Writing], bool]
"""Asked whether rows may be written so."""
