"""Which rows of a document's answer PostgreSQL can write: those of which only values are shown."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import Enum
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLEnumType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    get_named_type,
    get_nullable_type,
    is_composite_type,
    is_object_type,
)

from db.queries.workflow_executions import JOINED
from db.reader import Row
from db.written import Constant, Field, Inner, Kind, Value, Writing

KINDS: Mapping[str, Kind] = {
    "UUID": Kind.UUID,
    "DateTime": Kind.INSTANT,
    "Int": Kind.INTEGER,
    "Float": Kind.FLOAT,
    "Boolean": Kind.BOOLEAN,
    "String": Kind.TEXT,
}
"""How values of a scalar are written."""

Fragments = dict[str, FragmentDefinitionNode]


class _NotWrittenError(Exception):
    """PostgreSQL cannot write this."""


def writings_of(
    schema: GraphQLSchema,
    document: DocumentNode,
    records: Mapping[str, type[Row]],
    besides: Mapping[type[Row], Iterable[str]],
) -> Mapping[type[Row], Writing]:
    """How rows can be written of which a valid document has one selection, of nothing but values.

    Args:
        schema: of the document.
        document: whose operations show the rows.
        records: the classes of the rows, by the names of the types of the objects that are resolved from them.
        besides: columns that something else than the objects shows.
    """
    fragments: Fragments = {}
    selections: dict[str, list[SelectionSetNode]] = {}
    for definition in document.definitions:
        parent: Any
        if isinstance(definition, OperationDefinitionNode):
            if definition.operation is not OperationType.QUERY:
                return {}
            parent = schema.query_type
        else:
            assert isinstance(definition, FragmentDefinitionNode)
            fragments[definition.name.value] = definition
            parent = schema.type_map[definition.type_condition.name.value]
        for type_, selected in _selections(schema, definition.selection_set, parent):
            if is_object_type(type_):
                selections.setdefault(type_.name, []).append(selected)
            else:
                # What is selected of a union is not what is selected of its types: none of them is written.
                for each in schema.get_possible_types(type_):
                    selections.setdefault(each.name, []).extend((selected, selected))
    has_cursors = any(name == "PageInfo" or name.endswith("Edge") for name in selections)
    found = {}
    for name, record in records.items():
        if len(selections.get(name, ())) == 1:
            type_ = schema.type_map[name]
            assert isinstance(type_, GraphQLObjectType)
            try:
                found[record] = _writing(
                    type_, selections[name][0], fragments, record, besides.get(record, ()), has_cursors=has_cursors
                )
            except _NotWrittenError:
                continue
    return found


def _selections(
    schema: GraphQLSchema, selected: SelectionSetNode, parent: Any
) -> Iterator[tuple[Any, SelectionSetNode]]:
    """What is selected of objects of which types, everywhere below."""
    for node in selected.selections:
        if isinstance(node, FieldNode) and node.selection_set is not None:
            field = schema.get_field(parent, node.name.value)
            assert field is not None
            type_ = get_named_type(field.type)
            assert is_composite_type(type_)
            yield type_, node.selection_set
            yield from _selections(schema, node.selection_set, type_)
        elif isinstance(node, InlineFragmentNode):
            condition = node.type_condition
            inner = parent if condition is None else schema.type_map[condition.name.value]
            yield from _selections(schema, node.selection_set, inner)


def _writing(
    type_: GraphQLObjectType,
    selected: SelectionSetNode,
    fragments: Fragments,
    record: type[Row],
    besides: Iterable[str],
    *,
    has_cursors: bool,
) -> Writing:
    masked: list[tuple[str, str]] = []

    def field(node: FieldNode, name: str) -> Field:
        definition = type_.fields[node.name.value]
        strawberry = definition.extensions["strawberry-definition"]
        if node.selection_set is not None:
            return _inner(strawberry, definition.type, node.selection_set, name, fragments)
        column = strawberry.python_name
        if not strawberry.is_basic_field:
            column = getattr(_function(strawberry), "column", "")
            masked.append((name, column))
        if column not in record.__annotations__:
            raise _NotWrittenError
        return _value(name, column, definition.type)

    return Writing(_object(type_, selected, fragments, field), masked, besides, has_cursors=has_cursors)


def _inner(strawberry: Any, type_: Any, selected: SelectionSetNode, name: str, fragments: Fragments) -> Inner:
    """What is joined to the row."""
    joined = [column for column in getattr(_function(strawberry), "reads", ()) if column in JOINED]
    inner = get_nullable_type(type_)
    if len(joined) != 1 or not isinstance(type_, GraphQLNonNull) or not isinstance(inner, GraphQLObjectType):
        raise _NotWrittenError

    def field(node: FieldNode, name: str) -> Field:
        definition = inner.fields[node.name.value]
        of_inner = definition.extensions["strawberry-definition"]
        if not of_inner.is_basic_field or node.selection_set is not None:
            raise _NotWrittenError
        return _value(name, of_inner.python_name, definition.type)

    return Inner(name, joined[0], _object(inner, selected, fragments, field))


def _function(strawberry: Any) -> Any:
    """The function behind a field, if it has one and nothing is in between."""
    if strawberry.is_basic_field or strawberry.extensions or strawberry.permission_classes:
        return None
    return strawberry.base_resolver.wrapped_func


def _object(
    type_: GraphQLObjectType, selected: SelectionSetNode, fragments: Fragments, field: Callable[[FieldNode, str], Field]
) -> tuple[Field, ...]:
    fields: dict[str, Field] = {}
    for node in _nodes(type_, selected, fragments):
        name = node.alias.value if node.alias else node.name.value
        if node.arguments:
            raise _NotWrittenError
        found = Constant(name, type_.name) if node.name.value == "__typename" else field(node, name)
        if fields.setdefault(name, found) != found:
            raise _NotWrittenError
    return tuple(fields.values())


def _nodes(type_: GraphQLObjectType, selected: SelectionSetNode, fragments: Fragments) -> Iterator[FieldNode]:
    """The fields in the order of the answer."""
    for node in selected.selections:
        if node.directives:
            raise _NotWrittenError
        if isinstance(node, FieldNode):
            yield node
            continue
        inner: Any = fragments[node.name.value] if isinstance(node, FragmentSpreadNode) else node
        if inner.directives or (inner.type_condition is not None and inner.type_condition.name.value != type_.name):
            raise _NotWrittenError
        yield from _nodes(type_, inner.selection_set, fragments)


def _value(name: str, column: str, type_: Any) -> Value:
    nullable = not isinstance(type_, GraphQLNonNull)
    bare = get_nullable_type(type_)
    if isinstance(bare, GraphQLEnumType):
        names = tuple((_stored(value.value), shown) for shown, value in bare.values.items())
        return Value(name, column, Kind.TEXT, nullable, names)
    kind = KINDS.get(getattr(bare, "name", ""))
    if kind is None:
        raise _NotWrittenError
    return Value(name, column, kind, nullable)


def _stored(value: Any) -> str:
    stored = value.value if isinstance(value, Enum) else value
    if not isinstance(stored, str):
        raise _NotWrittenError
    return stored
