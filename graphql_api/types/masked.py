"""Fields whose values are masked for whom secrets are not: one resolver for each kind, told apart by its column.

A resolver says which attribute of the record it shows (`column`) and what it makes of the value (`convert`), so that an
executor can take a whole column at once; called field by field it gives the same.
"""

from collections.abc import Callable
from typing import Any

import strawberry

from graphql_api.context import Context, Info
from graphql_api.scalars import JSON
from graphql_api.security.masking import Masking

Convert = Callable[[Any], Any]


def masked_json(column: str, **options: Any) -> Any:
    """A field of JSON."""
    return strawberry.field(resolver=_resolver(column, JSON | None, Masking.json), **options)


def masked_text(column: str, *, nullable: bool = True, **options: Any) -> Any:
    """A field of text that people or programs wrote freely: a message, an error, a reason."""
    return strawberry.field(resolver=_resolver(column, str | None if nullable else str, Masking.text), **options)


def _resolver(column: str, type_: Any, mask: Callable[[Masking, Any], Any]) -> Any:
    def convert(context: Context) -> Convert | None:
        masking = context.masking
        return None if masking is None else lambda value: None if value is None else mask(masking, value)

    def resolve(parent: Any, info: Info) -> Any:
        value = getattr(parent, column)
        made = convert(info.context)
        return value if made is None else made(value)

    resolve.__name__ = column
    resolve.__annotations__ = {"parent": strawberry.Parent[Any], "info": Info, "return": type_}  # type: ignore[misc]
    resolve.column = column  # type: ignore[attr-defined]
    resolve.convert = convert  # type: ignore[attr-defined]
    return resolve
