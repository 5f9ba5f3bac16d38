"""Completing all leaf fields of many objects by one function, which is generated for a selection."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from inspect import isawaitable
from typing import Any, TypeVar

from graphql import (
    GraphQLEnumType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLOutputType,
    GraphQLScalarType,
    Undefined,
    get_nullable_type,
    is_leaf_type,
)

from graphql_api.executor.relations import Convert

F = TypeVar("F", bound=Callable[..., Any])

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


@dataclass(frozen=True, slots=True)
class Plain:
    """Which values of a type are answered as they are."""

    condition: str
    """An expression of Python in which `{0}` stands for the value; true of such values."""
    names: Mapping[str, Any] = field(default_factory=dict)
    """What the expression needs besides; the same name means the same for all types."""


PLAIN = {
    "String": Plain("{0}.__class__ is str"),
    "ID": Plain("{0}.__class__ is str"),
    "Boolean": Plain("{0}.__class__ is bool"),
    "Int": Plain("{0}.__class__ is int and -2147483648 <= {0} <= 2147483647"),
    "Float": Plain("{0}.__class__ is float and {0} - {0} == 0.0"),  # not infinity or NaN
}
"""Those of the built-in scalars."""


def plain_if(condition: str, **names: Any) -> Callable[[F], F]:
    """Say of the function that serializes a scalar which values it gives back as they are, as `Plain` says it."""

    def note(serialize: F) -> F:
        serialize.plain = Plain(condition, names)  # type: ignore[attr-defined]
        return serialize

    return note


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
    bare: Any = get_nullable_type(type_)
    if isinstance(bare, GraphQLList):
        return _list_completer(bare.of_type)
    assert is_leaf_type(bare)
    if isinstance(bare, GraphQLEnumType):
        return _enum_completer(bare)
    return bare.coerce_output_value


@lru_cache(maxsize=256)
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

    complete.names = names  # type: ignore[attr-defined]
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


def compile_leaves(fields: Sequence[Leaf | Constant], *, items: bool, converted: bool) -> Leaves:
    """Generate the function that makes the answers of sources, with places for what is not a leaf.

    Args:
        fields: in the order of the answer.
        items: whether sources are read by `source["attribute"]` rather than `source.attribute`.
        converted: whether the completers convert, too; or else values are completed as if nothing had to be converted.
    """
    lines, entries = [], []
    constants: dict[str, Any] = {}
    coercions: list[str] = []
    for place, leaf in enumerate(fields):
        if isinstance(leaf, Constant):
            constants[f"constant{place}"] = leaf.value
            entries.append(f"{leaf.response_name!r}: constant{place}")
            continue
        lines.append(f"value{place} = " + (f"source[{leaf.attribute!r}]" if items else f"source.{leaf.attribute}"))
        plain = None if converted and leaf.convert is not None else _plain(leaf.type)
        if plain is not None:
            constants.update(plain.names)
        names = None if plain is not None or (converted and leaf.convert is not None) else _names(leaf.type)
        if names is not None:
            constants[f"names{place}"] = names
        lines.extend(_completion(leaf, place, plain, names is not None))
        entries.append(f"{leaf.response_name!r}: value{place}")
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


def _plain(type_: GraphQLOutputType) -> Plain | None:
    """Which values of a type are answered as they are, if it is known."""
    bare = get_nullable_type(type_)
    if not isinstance(bare, GraphQLScalarType):
        return None
    return PLAIN.get(bare.name) or getattr(bare.coerce_output_value, "plain", None)


def _names(type_: GraphQLOutputType) -> Mapping[Any, str] | None:
    """What the texts that an enum is stored as are answered as."""
    bare = get_nullable_type(type_)
    return getattr(_enum_completer(bare), "names", None) if isinstance(bare, GraphQLEnumType) else None


def _completion(leaf: Leaf, place: int, plain: Plain | None, named: bool) -> list[str]:
    """The statements that complete a value in place: the usual ones inline, all others by its completer."""
    value, coerce = f"value{place}", f"coerce{place}"
    non_null = isinstance(leaf.type, GraphQLNonNull)
    coercion = [
        f"if {value}.__class__ not in safe: check({value})",
        f"{value} = {coerce}({value})",
        f"if {value} is None or {value} is Undefined: raise Unusual",
    ]
    null = f"if {value} is None: raise Unusual" if non_null else f"if {value} is not None:"
    rest = [null, *(coercion if non_null else [f"    {line}" for line in coercion])]
    if plain is not None:
        return [f"if not ({plain.condition.format(value)}):", *(f"    {line}" for line in rest)]
    if named:
        return [
            f"if {value}.__class__ is str and {value} in names{place}: {value} = names{place}[{value}]",
            "else:",
            *(f"    {line}" for line in rest),
        ]
    return rest
