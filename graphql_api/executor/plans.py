"""What is to be done for a selection, worked out once for each document and kept."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, NamedTuple

from graphql import (
    GraphQLField,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLResolveInfo,
    GraphQLScalarType,
    GraphQLSchema,
    Node,
    OperationDefinitionNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
)
from graphql.execution.collect_fields import FieldDetailsList
from strawberry.types.field import StrawberryField

from graphql_api.executor.leaves import Constant, Leaf, Leaves, compile_leaves, completer
from graphql_api.executor.relations import Many

ResolveInfo = GraphQLResolveInfo[Any]

MAX_OPERATIONS = 256
"""Whose plans are kept; those of the one used longest ago are forgotten."""

MAX_CASES = 16
"""Sets of values of `@skip` and `@include` for which an operation's plans are kept."""

KNOWN_DIRECTIVES = {"skip", "include"}


class Way(Enum):
    """How the values of a field that is no leaf are had."""

    ATTRIBUTE = "read off the source"
    CALL = "a resolver without an extension is called for each source"
    MANY = "one call for all sources"
    RESOLVE = "the schema's resolver is called for each source"
    STOCK = "the stock executor does the field, source by source"


class Passed(NamedTuple):
    """A variable whose value is an argument as it is."""

    argument: str
    variable: str
    non_null: bool
    """Whether the argument may not be null, although the variable may."""


@dataclass(slots=True)
class Relation:
    """A field that is not read off as a leaf."""

    response_name: str
    way: Way
    details: FieldDetailsList
    definition: GraphQLField
    strawberry: StrawberryField | None
    attribute: str = ""
    many: Many | None = None
    arguments: Mapping[str, Any] | None = None
    """The converted arguments, where all that differ with the variables are `passed`."""
    passed: Sequence[Passed] = ()
    """The arguments that are not: variables, passed on as they are."""
    is_known: bool = False
    """Whether it was found out which arguments are the same."""


@dataclass(slots=True)
class Selection:
    """What is selected of an object type."""

    type: GraphQLObjectType
    leaves: list[Leaf]
    relations: list[Relation]
    columns: list[Leaf | Constant]
    """What the answers are made of, in their order."""
    completers: list[Callable[[Any], Any]]
    converted: list[int]
    """The places of the leaves whose values depend on the context."""
    selections: "Selections" = field(default_factory=dict)
    """What is selected of the relations."""
    functions: dict[tuple[bool, bool], Leaves] = field(default_factory=dict)

    def function(self, *, items: bool, converted: bool) -> Leaves:
        """What makes the answers of sources, generated when it is needed; for the arguments see `compile_leaves`."""
        found = self.functions.get((items, converted))
        if found is None:
            found = compile_leaves(self.columns, items=items, converted=converted)
            self.functions[items, converted] = found
        return found


Selections = dict[tuple[Any, str], Selection]
"""By the place of a relation, or the response name of a root field, and the name of the object type."""


def select(
    type_: GraphQLObjectType,
    grouped: Mapping[str, FieldDetailsList],
    get_field: Callable[[GraphQLObjectType, str], GraphQLField | None],
) -> Selection:
    """Work out what to do for the fields that were collected for a type."""
    columns: list[Leaf | Constant] = []
    leaves: list[Leaf] = []
    relations: list[Relation] = []
    for response_name, details in grouped.items():
        name = details[0].node.name.value
        definition = get_field(type_, name)
        if definition is None:
            continue  # as the stock executor does
        if name == "__typename" and not _has_other_directives(details):
            columns.append(Constant(response_name, type_.name))
            continue
        leaf = _leaf(response_name, details, definition)
        if leaf is not None:
            columns.append(leaf)
            leaves.append(leaf)
        else:
            columns.append(Constant(response_name, None))
            relations.append(_relation(response_name, details, definition))
    return Selection(
        type_,
        leaves,
        relations,
        columns,
        [completer(leaf.type) for leaf in leaves],
        [place for place, leaf in enumerate(leaves) if leaf.convert is not None],
    )


def _leaf(response_name: str, details: FieldDetailsList, definition: GraphQLField) -> Leaf | None:
    """A field whose value is an attribute, or made of one alone."""
    if not is_leaf_type(get_named_type(definition.type)) or definition.args or _has_other_directives(details):
        return None
    strawberry = _strawberry_field(definition)
    if strawberry is None:
        return None
    if strawberry.is_basic_field:
        return Leaf(response_name, strawberry.python_name, definition.type)
    resolver = _resolver(strawberry)
    if resolver is not None and hasattr(resolver, "column"):
        return Leaf(response_name, resolver.column, definition.type, resolver.convert)
    return None


def _relation(response_name: str, details: FieldDetailsList, definition: GraphQLField) -> Relation:
    strawberry = _strawberry_field(definition)
    relation = Relation(response_name, Way.STOCK, details, definition, strawberry)
    if strawberry is None or _has_other_directives(details):
        return relation
    if strawberry.is_basic_field:
        relation.way, relation.attribute = Way.ATTRIBUTE, strawberry.python_name
        return relation
    resolver = _resolver(strawberry)
    if resolver is None:
        relation.way = Way.RESOLVE
        return relation
    relation.many = getattr(resolver, "many", None)
    relation.way = Way.CALL if relation.many is None else Way.MANY
    return relation


def _strawberry_field(definition: GraphQLField) -> StrawberryField | None:
    """Strawberry's field behind a field of the schema, if it is one that resolves as Strawberry does."""
    found = (definition.extensions or {}).get("strawberry-definition")
    return found if isinstance(found, StrawberryField) else None


def _resolver(strawberry: StrawberryField) -> Any:
    """The function behind a field, unless there is something in between."""
    resolver = strawberry.base_resolver
    if resolver is None or strawberry.extensions or strawberry.permission_classes:
        return None
    return resolver.wrapped_func


def _has_other_directives(details: FieldDetailsList) -> bool:
    return any(
        directive.name.value not in KNOWN_DIRECTIVES for each in details for directive in each.node.directives or ()
    )


def has_variables(node: Node) -> bool:
    """Whether a value depends on a variable."""
    return isinstance(node, VariableNode) or any(
        has_variables(child) for key in node.keys if key != "loc" for child in _nodes(getattr(node, key, None))
    )


def _nodes(value: Any) -> Sequence[Node]:
    if isinstance(value, Node):
        return (value,)
    return tuple(item for item in value if isinstance(item, Node)) if isinstance(value, list | tuple) else ()


def passed_on(relation: Relation, names: Mapping[str, str]) -> list[Passed] | None:
    """The variables that are a field's arguments as they are; None if others have to be converted, too.

    Args:
        relation: the field.
        names: of the arguments, as the resolver takes them, by those in the schema.
    """
    passed = []
    for argument in relation.details[0].node.arguments or ():
        if isinstance(argument.value, VariableNode):
            type_ = relation.definition.args[argument.name.value].type
            if not isinstance(get_nullable_type(type_), GraphQLScalarType):
                return None
            name = names[argument.name.value]
            passed.append(Passed(name, argument.value.name.value, isinstance(type_, GraphQLNonNull)))
        elif has_variables(argument.value):
            return None
    return passed


class Plans:
    """The selections of the operations executed last.

    They are kept by operation, and by the values of the variables that `@skip` and `@include` ask for.
    """

    def __init__(self) -> None:
        self._operations: OrderedDict[tuple[int, int], _Operation] = OrderedDict()

    def of(
        self,
        schema: GraphQLSchema,
        operation: OperationDefinitionNode,
        fragments: Iterable[Node],
        variables: Mapping[str, Any],
    ) -> Selections:
        """The selections of an operation, by the name of the root field and that of the object type."""
        name = (id(schema), id(operation))
        kept = self._operations.get(name)
        if kept is None:
            names = sorted({each for node in (operation, *fragments) for each in _conditions(node)})
            kept = self._operations[name] = _Operation(schema, operation, tuple(names), {})
            while len(self._operations) > MAX_OPERATIONS:
                self._operations.popitem(last=False)
        else:
            self._operations.move_to_end(name)
        key = tuple([variables.get(name) for name in kept.conditions])
        if key not in kept.selections and len(kept.selections) >= MAX_CASES:
            kept.selections.clear()
        return kept.selections.setdefault(key, {})


@dataclass(slots=True)
class _Operation:
    schema: GraphQLSchema
    node: OperationDefinitionNode
    """Kept, both of them, so that their identities are their own."""
    conditions: tuple[str, ...]
    """The variables on which it depends what is selected."""
    selections: dict[tuple[Any, ...], Selections]


def _conditions(node: Node) -> set[str]:
    """The variables in `@skip(if:)` and `@include(if:)`."""
    found = {
        argument.value.name.value
        for directive in getattr(node, "directives", None) or ()
        if directive.name.value in KNOWN_DIRECTIVES
        for argument in directive.arguments or ()
        if isinstance(argument.value, VariableNode)
    }
    selection_set = getattr(node, "selection_set", None)
    for selection in selection_set.selections if selection_set is not None else ():
        found |= _conditions(selection)
    return found


def unwrapped(type_: GraphQLOutputType) -> tuple[GraphQLOutputType, bool]:
    """A type without its outer `!`, and whether it had one."""
    return (type_.of_type, True) if isinstance(type_, GraphQLNonNull) else (type_, False)
