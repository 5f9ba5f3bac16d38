"""Fast coercion of long lists of inputs: thousands of log entries, steps or transitions in one variable.

The stock coercion walks each value three times, field by field. Here a converter is compiled once for each input
type; it takes what is ordinary straight to the input's dataclass. What is not (a wrong type, a missing or unknown
field, a single value for a list) it leaves to the stock coercion, which accepts it or says what is wrong, so
messages and paths are always the stock ones.
"""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import MISSING
from typing import Any, cast

from graphql import (
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
from strawberry.types.arguments import InputContext
from strawberry.types.base import StrawberryObjectDefinition, get_object_definition
from strawberry.types.enum import StrawberryEnumDefinition

from db.reader import Row
from graphql_api.executor import BreadthFirstExecutor

Convert = Callable[[Any], Any]


class NotOrdinaryError(Exception):
    """The value is left to the stock coercion."""


def bulk_input(input_type: type) -> type:
    """Let lists of this Strawberry input be coerced fast. Use as a decorator outside `@strawberry.input`."""
    definition = get_object_definition(input_type, strict=True)
    definition.from_input = _from_input
    return input_type


def _from_input(cls: type, value: Mapping[str, Any], context: InputContext) -> Any:
    """Take an input that is converted already; convert one that came the stock way as Strawberry would."""
    if type(value) is cls:
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

    record_types = (Row,)

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
                converted[name] = [convert(item) for item in items or ()]
            except NotOrdinaryError:
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


def _compile_input(type_: GraphQLInputObjectType) -> Convert:
    definition = _definition(type_)
    fields = {
        name: (field.python_name, _compile(graphql_field.type))
        for (name, graphql_field), field in zip(type_.fields.items(), definition.fields, strict=True)
    }
    required = {name for name, field in type_.fields.items() if is_required_input_field(field)}
    defaults = {
        field.name: None if field.default is MISSING else field.default
        for field in dataclasses.fields(definition.origin)
    }
    make, one_of, cls = object.__new__, definition.is_one_of, definition.origin

    def convert(value: Any) -> Any:
        if type(value) is not dict:
            raise NotOrdinaryError
        if not required <= value.keys():
            raise NotOrdinaryError
        made = defaults.copy()
        for name, item in value.items():
            field = fields.get(name)
            if field is None:
                raise NotOrdinaryError
            made[field[0]] = field[1](item)
        if one_of and (len(value) != 1 or next(iter(value.values())) is None):
            raise NotOrdinaryError
        instance = make(cls)
        instance.__dict__ = made
        return instance

    return convert


def _compile(type_: GraphQLInputType) -> Convert:
    if isinstance(type_, GraphQLNonNull):
        return _compile_leaf(type_.of_type)
    convert = _compile_leaf(type_)
    return lambda value: None if value is None else convert(value)


def _compile_leaf(type_: GraphQLInputType) -> Convert:
    if isinstance(type_, GraphQLInputObjectType):
        return _compile_input(type_)
    if isinstance(type_, GraphQLEnumType):
        return _compile_enum(type_)
    if isinstance(type_, GraphQLScalarType):
        return _SCALARS.get(type_.name) or _compile_scalar(type_)
    assert isinstance(type_, GraphQLList)
    raise TypeError("lists inside bulk inputs are not supported")


def _compile_enum(type_: GraphQLEnumType) -> Convert:
    definition: StrawberryEnumDefinition = type_.extensions["strawberry-definition"]
    members: dict[str, Any] = {name: definition.wrapped_cls(value.value) for name, value in type_.values.items()}

    def convert(value: Any) -> Any:
        if type(value) is not str or value not in members:
            raise NotOrdinaryError
        return members[value]

    return convert


def _compile_scalar(type_: GraphQLScalarType) -> Convert:
    parse = type_.coerce_input_value

    def convert(value: Any) -> Any:
        if value is None:
            raise NotOrdinaryError
        try:
            return parse(value)
        except Exception as error:
            raise NotOrdinaryError from error

    return convert


def _string(value: Any) -> str:
    if type(value) is not str:
        raise NotOrdinaryError
    return value


def _boolean(value: Any) -> bool:
    if type(value) is not bool:
        raise NotOrdinaryError
    return value


def _int(value: Any) -> int:
    if type(value) is not int or not -(2**31) <= value < 2**31:
        raise NotOrdinaryError
    return value


_SCALARS: dict[str, Convert] = {"String": _string, "Boolean": _boolean, "Int": _int}
