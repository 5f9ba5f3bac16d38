"""Exceptions as they are logged: where and what, without the values that were at hand."""

import traceback
from collections.abc import Iterator

from graphql import GraphQLError
from sqlalchemy.exc import DBAPIError

_VALUES_FOLLOW = ("\nDETAIL:", "\nHINT:", "\nCONTEXT:", "\nWHERE:")
"""What PostgreSQL adds to a message shows rows and parameters."""


def told(error: BaseException) -> str:
    """An exception with its traceback and those that led to it; of a database's, only what it says of itself."""
    return "".join(_parts(error)).rstrip()


def _parts(error: BaseException) -> Iterator[str]:
    earlier = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if earlier is not None:
        yield from _parts(earlier)
        by = "The above exception was the direct cause of the following exception:"
        during = "During handling of the above exception, another exception occurred:"
        yield f"\n{by if error.__cause__ is earlier else during}\n\n"
    if error.__traceback__ is not None:
        yield "Traceback (most recent call last):\n"
        yield from traceback.format_tb(error.__traceback__)
    yield f"{type(error).__module__}.{type(error).__qualname__}: {message_of(error)}\n"
    for inner in getattr(error, "exceptions", ()):  # of a group
        yield from _parts(inner)


def message_of(error: BaseException) -> str:
    """What an exception says, without values that it was given."""
    if isinstance(error, GraphQLError):
        return error.message  # its text shows the document
    text = str(error.orig if isinstance(error, DBAPIError) and error.orig is not None else error)
    for mark in _VALUES_FOLLOW:
        text = text.split(mark, 1)[0]
    return text
