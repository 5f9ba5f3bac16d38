"""A question, asked in two ways."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

Rows = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Question:
    """The same question to the API and to the database."""

    topic: str
    """The line of the checklist."""
    name: str
    document: str
    variables: dict[str, Any]
    answer: Callable[[Any], Rows]
    """The rows in the response's data, by the names that the SQL gives its columns."""
    sql: str
    arguments: Sequence[Any] = ()
    target_ms: float | None = None
    """What we ask of ourselves at the 95th percentile."""
    allowed_ms: float | None = None
    """What the customer allows."""
    notes: list[str] = field(default_factory=list)


def flat(node: dict[str, Any]) -> dict[str, Any]:
    """A node with the fields of its objects as `object.field`."""
    found: dict[str, Any] = {}
    for name, value in node.items():
        if isinstance(value, dict):
            found |= {f"{name}.{inner}": each for inner, each in value.items()}
        else:
            found[name] = value
    return found
