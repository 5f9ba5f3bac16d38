"""Completing all leaf fields of many objects by one function, which is generated for a selection."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from inspect import isawaitable
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLOutputType,
    Undefined,
    is_leaf_type,
)

from graphql_api.executor.relations import Convert

Completer = Callable[[Any], Any]
"""Completes a value that is not None."""
Leaves = Callable[[Sequence[Any], Sequence[Completer]], list[dict[str, Any]]]
"""Makes the answers of sources, with the completer of each leaf field."""


class Unusual(Exception):  # noqa: N818 - not an error: somebody else does it
    """Something that the stock executor is to deal with: an error, a null in a non-null place, an awaitable."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A leaf field, read from an attribute of the source."""

    response_name: str
    attribute: str
    type: GraphQLOutputType
    convert: Callable[[Any], Convert | None] | None = None
    """Given the context, what makes the field's value of the attribute."""


@dataclass(frozen=True, slots=True)
class Constant:
    """`__typename`, or a place to be filled later."""

    response_name: str
    value: Any


PLAIN = {"String": "str", "ID": "str", "Boolean": "bool"}
"""Built-in scalars whose values are answered as they are if they are of this very class."""

SAFE: set[type] = set()
"""Classes whose instances are values: neither errors nor awaitables."""


def check(value: object) -> None:
    """Note that the class of a value is safe. Raises Unusual if it is not."""
    class_ = value.__class__
    if value is Undefined or issubclass(class_, Exception) or isawaitable(value) or hasattr(class_, "__await__"):
        raise Unusual
    if len(SAFE) < MAX_SAFE:
        SAFE.add(class_)


MAX_SAFE = 1_000


def completer(type_: GraphQLOutputType) -> Completer:
    """What completes the values of a leaf type, or of a list of them, that are not None."""
    if isinstance(type_, GraphQLNonNull):
        type_ = type_.of_type
    if isinstance(type_, GraphQLList):
        return _list_completer(type_.of_type)
    assert is_leaf_type(type_)
    if isinstance(type_, GraphQLEnumType):
        return _enum_completer(type_)
    return type_.coerce_output_value


def _enum_completer(type_: GraphQLEnumType) -> Completer:
    """Enums of texts are looked up by them, members or not."""
    coerce = type_.coerce_output_value
    names: dict[Any, str] = {}
    for value in type_.values.values():
        text = value.value.value if isinstance(value.value, Enum) else value.value
        if isinstance(text, str):
            with suppress(Exception):  # some enums accept members only
                names[text] = coerce(text)

    def complete(value: Any) -> Any:
        if value.__class__ is str and value in names:
            return names[value]
        return coerce(value)

    return complete


def _list_completer(item_type: GraphQLOutputType) -> Completer:
    nullable = not isinstance(item_type, GraphQLNonNull)
    complete = completer(item_type)

    def complete_item(value: Any) -> Any:
        if value is None and nullable:
            return None
        check(value)
        completed = None if value is None else complete(value)
        if completed is None or completed is Undefined:
            raise Unusual
        return completed

    def complete_list(values: Any) -> list[Any]:
        if not isinstance(values, list | tuple):
            raise Unusual
        return [complete_item(value) for value in values]

    return complete_list


def compile_leaves(fields: Sequence[Leaf | Constant], *, items: bool) -> Leaves:
    """Generate the function that makes the answers of sources, with places for what is not a leaf.

    Args:
        fields: in the order of the answer.
        items: whether sources are read by `source["attribute"]` rather than `source.attribute`.
    """
    lines, entries = [], []
    constants: dict[str, Any] = {}
    coercions: list[str] = []
    for place, field in enumerate(fields):
        if isinstance(field, Constant):
            constants[f"constant{place}"] = field.value
            entries.append(f"{field.response_name!r}: constant{place}")
            continue
        lines.append(f"value{place} = " + (f"source[{field.attribute!r}]" if items else f"source.{field.attribute}"))
        lines.extend(_completion(field, f"value{place}", f"coerce{place}"))
        entries.append(f"{field.response_name!r}: value{place}")
        coercions.append(f"coerce{place}")
    body = "\n        ".join([*lines, f"append({{{', '.join(entries)}}})"])
    text = (
        "def leaves(sources, completers):\n"
        f"    [{', '.join(coercions)}] = completers\n"
        "    answers = []\n"
        "    append = answers.append\n"
        "    for source in sources:\n"
        f"        {body}\n"
        "    return answers\n"
    )
    namespace = {"Unusual": Unusual, "Undefined": Undefined, "safe": SAFE, "check": check, **constants}
    # What is put into the text are names of GraphQL fields and attributes of Python classes, all of them identifiers.
    exec(text, namespace)  # noqa: S102 - our own text
    made: Leaves = namespace["leaves"]
    return made


def _completion(field: Leaf, value: str, coerce: str) -> list[str]:
    """The statements that complete a value in place."""
    non_null = isinstance(field.type, GraphQLNonNull)
    type_ = field.type.of_type if isinstance(field.type, GraphQLNonNull) else field.type
    coercion = [
        f"if {value}.__class__ not in safe: check({value})",
        f"{value} = {coerce}({value})",
        f"if {value} is None or {value} is Undefined: raise Unusual",
    ]
    name = getattr(type_, "name", "")
    usual = f"{value} is None"
    if field.convert is None and name in PLAIN:
        usual = f"{value}.__class__ is {PLAIN[name]}"
    elif field.convert is None and name == "Int":
        usual = f"{value}.__class__ is int and -2147483648 <= {value} <= 2147483647"
    elif field.convert is None and name == "Float":
        usual = f"{value}.__class__ is float and {value} - {value} == 0.0"  # not of infinity or NaN
    if usual == f"{value} is None":
        if non_null:
            return [f"if {value} is None: raise Unusual", *coercion]
        return [f"if {value} is not None:", *(f"    {line}" for line in coercion)]
    null = f"if {value} is None: raise Unusual" if non_null else f"if {value} is not None:"
    rest = coercion if non_null else [f"    {line}" for line in coercion]
    return [f"if not ({usual}):", f"    {null}", *(f"    {line}" for line in rest)]
