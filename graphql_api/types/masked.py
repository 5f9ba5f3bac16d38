"""Fields whose values are masked for whom secrets are not: one resolver for each kind, which takes a whole column."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import strawberry

from graphql_api.context import Context
from graphql_api.executor import column
from graphql_api.scalars import JSON


class Mask:
    """Makes of a value what is shown of it."""

    __slots__ = ("_mask", "_none_in")

    def __init__(self, mask: Callable[[str], str], none_in: Callable[[Iterable[str | None]], bool]) -> None:
        self._mask = mask
        self._none_in = none_in

    def __call__(self, value: str) -> str:
        """What is shown of one value."""
        return self._mask(value)

    def changes_none(self, values: Sequence[str | None]) -> bool:
        """Whether all of these values are shown as they are: one look at many tells, and mostly they are."""
        return self._none_in(values)


def masked_json(attribute: str, **options: Any) -> Any:
    """A field of JSON, which records hold as text."""

    def convert(context: Context) -> Mask | None:
        masking = context.masking
        return None if masking is None else Mask(masking.json_text, masking.none_in_json)

    return strawberry.field(resolver=column(attribute, JSON | None, convert), **options)


def masked_text(attribute: str, *, nullable: bool = True, **options: Any) -> Any:
    """A field of text that people or programs wrote freely: a message, an error, a reason."""

    def convert(context: Context) -> Mask | None:
        masking = context.masking
        return None if masking is None else Mask(masking.text, masking.none_in_text)

    return strawberry.field(resolver=column(attribute, str | None if nullable else str, convert), **options)
