"""Requests for any field of the schema, made from the schema itself."""

from collections.abc import Iterator
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLUnionType,
    get_named_type,
    is_required_argument,
    is_required_input_field,
)

from graphql_api.schema import build_schema

SCHEMA = build_schema()._schema
NOTHING = "018f0000-0000-7000-8000-000000000000"
"""An id of nothing."""


def bare(type_: Any) -> Any:
    """The type without the mark that null is refused."""
    return type_.of_type if isinstance(type_, GraphQLNonNull) else type_


def places(type_: Any, depth: int = 4) -> Iterator[tuple[Any, ...]]:
    """The ways to each text inside a value of this type."""
    type_ = bare(type_)
    if isinstance(type_, GraphQLScalarType) and type_.name in ("String", "JSON", "ID"):
        yield ()
    elif isinstance(type_, GraphQLList):
        yield from ((0, *way) for way in places(type_.of_type, depth))
    elif isinstance(type_, GraphQLInputObjectType) and depth:
        for name, field in type_.fields.items():
            yield from ((name, *way) for way in places(field.type, depth - 1))


FIELDS = {
    (name, called): field
    for name, type_ in SCHEMA.type_map.items()
    if isinstance(type_, GraphQLObjectType) and not name.startswith("__")
    for called, field in type_.fields.items()
}
ROOTS = ("Query", "Mutation", "Subscription")
PARENTS = {
    "WorkflowExecution": ("workflowExecution", "run"),
    "NodeExecution": ("nodeExecution", "step"),
    "Workflow": ("workflow", "workflow"),
}
"""How to come by an object of a type."""


class Request:
    """A request for one field: what it takes and no more, and one text of the caller's choice in it."""

    def __init__(self, parent: str, name: str, ids: dict[str, str]) -> None:
        """Prepare it.

        Args:
            parent: the type of the field.
            name: the field.
            ids: of a `workflow`, a `run` and a `step` that it is about.
        """
        self._parent = parent
        self._name = name
        self._field = FIELDS[parent, name]
        self._ids = ids

    def plain(self) -> tuple[str, dict[str, Any]]:
        """The document and its variables."""
        return self._written({name: self._fitting(at.type, name) for name, at in self._required()})

    def with_text(self, argument: str, way: tuple[Any, ...], text: str) -> tuple[str, dict[str, Any]]:
        """The same with the text in a place of one of its arguments."""
        type_ = self._field.args[argument].type
        given = {name: self._fitting(at.type, name) for name, at in self._required()}
        given[argument] = self._put(type_, given.get(argument, self._fitting(type_, argument)), way, text)
        return self._written(given)

    def _required(self) -> list[tuple[str, GraphQLArgument]]:
        return [(name, at) for name, at in self._field.args.items() if is_required_argument(at)]

    def _written(self, given: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        declared = "".join(f"${name}: {self._field.args[name].type} " for name in given)
        head = f"({declared})" if given else ""
        passed = "(" + " ".join(f"{name}: ${name}" for name in given) + ")" if given else ""
        asked = f"{self._name}{passed} {selection(self._field.type)}"
        if self._parent in PARENTS:
            root, kind = PARENTS[self._parent]
            asked = f'{root}(id: "{self._ids[kind]}") {{ {asked} }}'
        kind = self._parent.lower() if self._parent in ROOTS else "query"
        return f"{kind} {head} {{ {asked} }}", given

    def _fitting(self, type_: Any, name: str) -> Any:
        """A value that this type takes, as small as may be."""
        type_ = bare(type_)
        if isinstance(type_, GraphQLList):
            return [self._fitting(type_.of_type, name)]
        if isinstance(type_, GraphQLEnumType):
            return next(iter(type_.values))
        if isinstance(type_, GraphQLInputObjectType):
            fields = type_.fields.items()
            return {name: self._fitting(field.type, name) for name, field in fields if is_required_input_field(field)}
        if type_.name == "UUID":
            return self._id(name)
        known = {"DateTime": "2026-01-01T00:00:00Z", "Int": 1, "Float": 1.0, "Boolean": True, "String": "UTC"}
        return known.get(type_.name, {})

    def _id(self, name: str) -> str:
        if name == "workflowId":
            return self._ids["workflow"]
        is_step = "NodeExecution" in self._name and name == "id"
        return self._ids["step" if is_step else "run"]

    def _put(self, type_: Any, value: Any, way: tuple[Any, ...], text: str) -> Any:
        """The value with the text in that place of it."""
        type_ = bare(type_)
        if not way:
            return {text: text} if type_.name == "JSON" else text
        step, *rest = way
        if isinstance(type_, GraphQLList):
            return [self._put(type_.of_type, value[0], tuple(rest), text)]
        field = type_.fields[step]
        inner = value.get(step, self._fitting(field.type, step))
        return {**value, step: self._put(field.type, inner, tuple(rest), text)}


def selection(type_: Any) -> str:
    """The leaves of a type and of its nodes."""
    named = get_named_type(type_)
    if isinstance(named, GraphQLUnionType):
        return "{ __typename ... on Error { message } }"
    if not isinstance(named, GraphQLObjectType):
        return ""
    leaves = [
        name
        for name, field in named.fields.items()
        if not field.args and isinstance(get_named_type(field.type), (GraphQLScalarType, GraphQLEnumType))
    ]
    nodes = [f"nodes {selection(named.fields['nodes'].type)}"] if "nodes" in named.fields else []
    return "{ " + " ".join([*leaves, *nodes, "__typename"]) + " }"
