"""UUID, DateTime and JSON: strict about what comes in, exact about what goes out."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NewType
from uuid import UUID

import orjson
import strawberry
from asyncpg.pgproto import pgproto
from graphql import (
    BooleanValueNode,
    FloatValueNode,
    GraphQLError,
    IntValueNode,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    StringValueNode,
    ValueNode,
    VariableNode,
)
from strawberry.types.scalar import ScalarDefinition

from graphql_api.executor import plain_if

JSON = NewType("JSON", object)
"""Any JSON value."""

_UUID = re.compile("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")
_ENDS_OF_TIME = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
"""asyncpg takes them for infinity, and what some languages have for no time at all is the first one."""
_FIRST_AND_LAST_YEAR = {instant.year for instant in _ENDS_OF_TIME}


def parse_uuid(value: object) -> UUID:
    """Read an RFC 9562 UUID in its canonical form, in upper or lower case."""
    if not isinstance(value, str) or not _UUID.fullmatch(value):
        raise GraphQLError(f"UUID cannot represent {value!r}: expected 8-4-4-4-12 hexadecimal digits")
    made: UUID = pgproto.UUID(value)  # the driver's, which is made and hashed in a third of the time
    return made


def parse_instant(value: object) -> datetime:
    """Read an RFC 3339 instant; one without an offset is refused, for it could mean anything."""
    if not isinstance(value, str) or not _INSTANT.fullmatch(value):
        raise GraphQLError(
            f"DateTime cannot represent {value!r}: expected RFC 3339 with an offset, as in 2026-01-31T12:00:00Z"
        )
    try:
        instant = datetime.fromisoformat(value if value[-1] != "z" else value.upper())
        if instant.tzinfo is not UTC:
            instant = instant.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise GraphQLError(f"DateTime cannot represent {value!r}: {error}") from error
    if instant.year in _FIRST_AND_LAST_YEAR and instant in _ENDS_OF_TIME:
        raise GraphQLError(f"DateTime cannot represent {value!r}: it is the first or the last instant that there is")
    return instant


@plain_if("{0}.__class__ is datetime and {0}.tzinfo is UTC", datetime=datetime, UTC=UTC)
def in_utc(value: datetime) -> datetime:
    """The instant in UTC; it is written where the whole answer is, which takes a tenth of the time."""
    return value if value.tzinfo is UTC else value.astimezone(UTC)


def pass_json(text: str) -> orjson.Fragment:
    """Pass on JSON text as PostgreSQL gives it, which writes a large double as an integer of up to 309 digits."""
    if len(text) >= _FIRST_BEYOND_64_BITS and _LONG_INTEGER.search(text):
        text = orjson.dumps(orjson.loads(text)).decode()
    return orjson.Fragment(text)


_FIRST_BEYOND_64_BITS = 20
_LONG_INTEGER = re.compile(rf"\d{{{_FIRST_BEYOND_64_BITS}}}")


def parse_json_literal(node: ValueNode, variables: dict[str, Any] | None = None) -> Any:
    """Read a JSON value that is written out in the document."""
    if isinstance(node, VariableNode):
        return (variables or {}).get(node.name.value)
    if isinstance(node, ObjectValueNode):
        return {field.name.value: parse_json_literal(field.value, variables) for field in node.fields}
    if isinstance(node, ListValueNode):
        return [parse_json_literal(item, variables) for item in node.values]
    read = _LITERALS.get(type(node))
    if read is None:
        raise GraphQLError("JSON cannot represent an enum value", node)
    return read(node)


_LITERALS: dict[type[ValueNode], Callable[[Any], Any]] = {
    StringValueNode: lambda node: node.value,
    BooleanValueNode: lambda node: node.value,
    IntValueNode: lambda node: int(node.value),
    FloatValueNode: lambda node: float(node.value),
    NullValueNode: lambda _: None,
}


SCALARS: dict[object, ScalarDefinition] = {
    UUID: strawberry.scalar(
        name="UUID",
        description="RFC 9562 UUID.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc9562",
        serialize=str,
        parse_value=parse_uuid,
    ),
    datetime: strawberry.scalar(
        name="DateTime",
        description="RFC 3339 instant; always answered in UTC with offset.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
        serialize=in_utc,
        parse_value=parse_instant,
    ),
    JSON: strawberry.scalar(
        name="JSON",
        description="Any JSON value.",
        serialize=pass_json,
        parse_value=lambda value: value,
        parse_literal=parse_json_literal,
    ),
}
