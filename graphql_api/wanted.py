"""What a document shows of each kind of rows, so that nothing else is read of them."""

from collections.abc import Iterator, Mapping
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
    is_composite_type,
)

from db.reader import Row
from db.records import ExecutionLogRecord, NodeExecutionRecord, WorkflowExecutionRecord, WorkflowRecord
from db.wanted import NOTHING, Wanted
from graphql_api.writings import writings_of

RECORDS: Mapping[str, type[Row]] = {
    "Workflow": WorkflowRecord,
    "WorkflowExecution": WorkflowExecutionRecord,
    "NodeExecution": NodeExecutionRecord,
    "ExecutionLog": ExecutionLogRecord,
}
"""The rows from which objects are resolved, by the type of the objects."""
LISTS: Mapping[str, type[Row]] = {"ExecutionLogConnection": ExecutionLogRecord}
"""The rows of lists that show columns of theirs, by the type of the lists."""


def wanted_by(schema: GraphQLSchema, document: DocumentNode) -> Wanted:
    """What the operations of a valid document show, all of them together."""
    columns: dict[type[Row], set[str]] = {}
    of_lists: dict[type[Row], set[str]] = {}
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            parent: Any = schema.get_root_type(definition.operation)
        else:
            assert isinstance(definition, FragmentDefinitionNode)
            parent = schema.type_map[definition.type_condition.name.value]
        for type_, name in _fields(schema, definition.selection_set, parent):
            is_object = isinstance(type_, GraphQLObjectType)
            for object_type in (type_,) if is_object else schema.get_possible_types(type_):
                name_of = object_type.name
                record = RECORDS.get(name_of) or LISTS.get(name_of)
                if record is not None:
                    found = _columns(object_type.fields[name], record)
                    columns.setdefault(record, set()).update(found)
                    if name_of in LISTS:
                        of_lists.setdefault(record, set()).update(found)
    writings = writings_of(schema, document, RECORDS, of_lists)
    return Wanted({record: frozenset(names) for record, names in columns.items()}, writings)


def _fields(schema: GraphQLSchema, selected: SelectionSetNode, parent: Any) -> Iterator[tuple[Any, str]]:
    """The fields of a selection with the types they are of, whatever is below them included."""
    for node in selected.selections:
        if isinstance(node, FieldNode):
            field = schema.get_field(parent, node.name.value)
            assert field is not None
            if node.name.value.startswith("__"):
                continue
            yield parent, node.name.value
            type_ = get_named_type(field.type)
            if node.selection_set is not None and is_composite_type(type_):
                yield from _fields(schema, node.selection_set, type_)
        elif isinstance(node, InlineFragmentNode):
            condition = node.type_condition
            inner = parent if condition is None else schema.type_map[condition.name.value]
            yield from _fields(schema, node.selection_set, inner)


def _columns(field: Any, record: type[Row]) -> frozenset[str]:
    """The columns of which the value of a field is made."""
    strawberry = field.extensions["strawberry-definition"]
    if strawberry.is_basic_field:
        return frozenset({strawberry.python_name}) & record.OPTIONAL
    resolver = strawberry.base_resolver.wrapped_func
    if hasattr(resolver, "column"):
        return frozenset({resolver.column}) & record.OPTIONAL
    return getattr(resolver, "reads", NOTHING)
