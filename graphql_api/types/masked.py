"""Fields whose values are masked for whom secrets are not: one resolver for each kind, which takes a whole column."""

from collections.abc import Callable
from typing import Any

import strawberry

from graphql_api.context import Context
from graphql_api.executor import column
from graphql_api.scalars import JSON
from graphql_api.security.masking import Masking


def masked_json(attribute: str, **options: Any) -> Any:
    """A field of JSON, which records hold as text."""
    return strawberry.field(resolver=column(attribute, JSON | None, _masking(Masking.json_text)), **options)


def masked_text(attribute: str, *, nullable: bool = True, **options: Any) -> Any:
    """A field of text that people or programs wrote freely: a message, an error, a reason."""
    type_ = str | None if nullable else str
    return strawberry.field(resolver=column(attribute, type_, _masking(Masking.text)), **options)


def _masking(mask: Callable[[Masking, str], str]) -> Callable[[Context], Callable[[Any], Any] | None]:
    def convert(context: Context) -> Callable[[Any], Any] | None:
        masking = context.masking
        return None if masking is None else lambda value: mask(masking, value)

    return convert
