"""Fast coercion of long lists of inputs: thousands of log entries, steps or transitions in one variable.

The stock coercion walks each value three times, field by field. Here a converter is compiled once for each input
type; it takes what is ordinary straight to the input's dataclass. What is not (a wrong type, a missing or unknown
field, a single value for a list) it leaves to the stock coercion, which accepts it or says what is wrong, so
messages and paths are always the stock ones.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass
from typing import Any, NamedTuple, cast

from graphql import (
    GRAPHQL_MAX_INT,
    GRAPHQL_MIN_INT,
    DocumentNode,
    GraphQLEnumType,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
    GraphQLSchema,
    ListTypeNode,
    NamedTypeNode,
    NonNullTypeNode,
    OperationDefinitionNode,
    TypeNode,
    is_required_input_field,
)
from strawberry.extensions import FieldExtension
from strawberry.types.arguments import InputContext
from strawberry.types.base import StrawberryObjectDefinition, get_object_definition
from strawberry.types.enum import StrawberryEnumDefinition

from db.reader import JoinedRow, Row
from db.written import WRITTEN
from graphql_api.executor import BreadthFirstExecutor

Convert = Callable[[Any], Any]


class NotOrdinaryError(Exception):
    """The value is left to the stock coercion."""


def bulk_input(input_type: type) -> type:
    """Let lists of this Strawberry input be coerced fast, for mutations with the extension `BulkArguments`.

    Use as a decorator outside `@strawberry.input`.
    """
    definition = get_object_definition(input_type, strict=True)
    definition.from_input = _from_input
    return input_type


@dataclass(frozen=True, slots=True)
class _Converted:
    """A list of inputs that are converted already, in the place of its only item: Strawberry walks over the rest."""

    items: list[Any]


class BulkArguments(FieldExtension):
    """Gives a mutation the lists of bulk inputs among its arguments as they were converted."""

    def map_arguments(self, kwargs: dict[str, Any]) -> dict[str, Any]:
        """Take the lists out of their wrapping."""
        return {
            name: value[0].items if type(value) is list and value and type(value[0]) is _Converted else value
            for name, value in kwargs.items()
        }


def _from_input(cls: type, value: Mapping[str, Any] | _Converted, context: InputContext) -> Any:
    """Leave what is converted already; convert what came the stock way as Strawberry would."""
    if isinstance(value, _Converted):
        return value
    definition = get_object_definition(cls, strict=True)
    names = context.config.name_converter
    return cls(
        **{
            field.python_name: context.convert(value[name], field.resolve_type(type_definition=definition), name)
            for field in definition.fields
            if (name := names.from_field(field)) in value
        }
    )


class Executor(BreadthFirstExecutor):
    """The breadth-first executor, with variables of bulk inputs coerced fast."""

    record_types = (Row, JoinedRow)
    written = WRITTEN

    def take_written(self) -> None:
        """Let rows come written."""
        self.context_value.take_written()

    def written_texts(self, sources: Sequence[Any]) -> list[str]:
        """What PostgreSQL wrote of rows, as it is shown to the caller."""
        texts: list[str] = self.context_value.written(sources)
        return texts

    def forget_written(self) -> bool:
        """From now on they have to be read."""
        return bool(self.context_value.forget_written())

    @classmethod
    def build(
        cls,
        schema: GraphQLSchema,
        document: DocumentNode,
        root_value: Any = None,
        context_value: Any = None,
        raw_variable_values: dict[str, Any] | None = None,
        operation_name: str | None = None,
        *arguments: Any,
        **named_arguments: Any,
    ) -> "list[GraphQLError] | Executor":
        """Build an executor, or say what is wrong with the request."""
        converted = _convert_variables(schema, document, operation_name, raw_variable_values or {})
        # The stock coercion sees an empty list, which is right for any list, and gets the true one afterwards.
        given = (
            {**(raw_variable_values or {}), **{name: [] for name in converted}} if converted else raw_variable_values
        )
        built = super().build(
            schema, document, root_value, context_value, given, operation_name, *arguments, **named_arguments
        )
        if not isinstance(built, list):
            built.variable_values.coerced.update(converted)
        return cast("list[GraphQLError] | Executor", built)


def _convert_variables(
    schema: GraphQLSchema, document: DocumentNode, operation_name: str | None, values: dict[str, Any]
) -> dict[str, list[Any]]:
    converted: dict[str, list[Any]] = {}
    for definition in _variables(document, operation_name):
        name = definition.variable.name.value
        items = values.get(name)
        convert = _converter_of_list(schema, definition.type) if type(items) is list else None
        if convert is not None:
            try:
                converted[name] = [_Converted([convert(item) for item in items])] if items else []
            except Exception:  # noqa: S112 - whatever it is, the stock coercion says what is wrong
                continue
    return converted


def _variables(document: DocumentNode, operation_name: str | None) -> Any:
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode) and (
            operation_name is None or (definition.name and definition.name.value == operation_name)
        ):
            return definition.variable_definitions or ()
    return ()


def _converter_of_list(schema: GraphQLSchema, node: TypeNode) -> Convert | None:
    """The converter of the items of `[BulkInput!]` or `[BulkInput!]!`; None for any other type."""
    if isinstance(node, NonNullTypeNode):
        node = node.type
    if not isinstance(node, ListTypeNode) or not isinstance(node.type, NonNullTypeNode):
        return None
    item = node.type.type
    named = schema.get_type(item.name.value) if isinstance(item, NamedTypeNode) else None
    if not isinstance(named, GraphQLInputObjectType) or _definition(named).from_input is not _from_input:
        return None
    convert: Convert | None = named.extensions.get(_CONVERTER)
    if convert is None:
        convert = named.extensions[_CONVERTER] = _compile_input(named)
    return convert


_CONVERTER = "execgraph-converter"


def _definition(type_: GraphQLInputObjectType) -> StrawberryObjectDefinition:
    definition: StrawberryObjectDefinition = type_.extensions["strawberry-definition"]
    return definition


class _Leaf(NamedTuple):
    """How values of a type are taken."""

    given: type | None
    """The type in JSON; None for any."""
    convert: Convert | None
    """Makes of a value what the resolver gets, or raises; None where that is the value itself."""


class _Field(NamedTuple):
    """How values of a field are taken."""

    name: str
    nullable: bool
    given: type | None
    convert: Convert | None


def _compile_input(type_: GraphQLInputObjectType) -> Convert:
    """Generate the function that converts values of a type: a loop over their fields takes three times as long."""
    definition = _definition(type_)
    fields = [
        _compile_field(field.python_name, graphql_field.type)
        for graphql_field, field in zip(type_.fields.values(), definition.fields, strict=True)
    ]
    defaults = {
        field.name: None if field.default is MISSING else field.default
        for field in dataclasses.fields(definition.origin)
    }
    names: dict[str, Any] = {
        "NotOrdinaryError": NotOrdinaryError,
        "absent": object(),
        "make": object.__new__,
        "cls": definition.origin,
    }
    lines = ["get, missing = value.get, 0"]
    for place, ((name, graphql_field), field) in enumerate(zip(type_.fields.items(), fields, strict=True)):
        names |= {f"convert{place}": field.convert, f"default{place}": defaults[field.name]}
        lines.append(f"value{place} = get({name!r}, absent)")
        lines += _conversion(field, place, required=is_required_input_field(graphql_field))
    lines.append(f"if len(value) + missing != {len(fields)}: raise NotOrdinaryError")  # there are unknown fields
    if definition.is_one_of:
        lines.append("if len(value) != 1 or next(iter(value.values())) is None: raise NotOrdinaryError")
    made = ", ".join(f"{field.name!r}: value{place}" for place, field in enumerate(fields))
    lines += ["instance = make(cls)", f"instance.__dict__ = {{{made}}}", "return instance"]
    # What is put into the text are names of GraphQL fields and attributes of Python classes, all of them identifiers.
    exec("\n    ".join(["def convert(value):", *lines]), names)  # noqa: S102 - our own text
    convert: Convert = names["convert"]
    return convert


def _conversion(field: "_Field", place: int, *, required: bool) -> list[str]:
    """The statements that convert a field's value in place."""
    value = f"value{place}"
    converted = "pass" if field.convert is None else f"{value} = convert{place}({value})"
    absent = "raise NotOrdinaryError" if required else f"{value}, missing = default{place}, missing + 1"
    null = "pass" if field.nullable else "raise NotOrdinaryError"
    exceptions = [f"if {value} is absent: {absent}", f"elif {value} is None: {null}"]
    if field.given is None:
        return [*exceptions, f"else: {converted}"]
    return [
        f"if {value}.__class__ is {field.given.__name__}: {converted}",
        f"el{exceptions[0]}",
        exceptions[1],
        "else: raise NotOrdinaryError",
    ]


def _compile_field(name: str, type_: GraphQLInputType) -> _Field:
    if isinstance(type_, GraphQLNonNull):
        return _Field(name, False, *_compile_leaf(type_.of_type))
    return _Field(name, True, *_compile_leaf(type_))


def _compile_leaf(type_: GraphQLInputType) -> _Leaf:
    if isinstance(type_, GraphQLInputObjectType):
        return _Leaf(dict, _compile_input(type_))
    if isinstance(type_, GraphQLEnumType):
        definition: StrawberryEnumDefinition = type_.extensions["strawberry-definition"]
        members: dict[str, Any] = {name: definition.wrapped_cls(value.value) for name, value in type_.values.items()}
        return _Leaf(str, members.__getitem__)
    if isinstance(type_, GraphQLScalarType):
        return _SCALARS.get(type_.name) or _Leaf(None, type_.coerce_input_value)
    assert isinstance(type_, GraphQLList)
    raise TypeError("lists inside bulk inputs are not supported")


def _int(value: int) -> int:
    if not GRAPHQL_MIN_INT <= value <= GRAPHQL_MAX_INT:
        raise NotOrdinaryError
    return value


_SCALARS = {
    "String": _Leaf(str, None),
    "Boolean": _Leaf(bool, None),
    "Int": _Leaf(int, _int),
    "JSON": _Leaf(None, None),
}
