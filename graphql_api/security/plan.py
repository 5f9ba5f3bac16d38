"""What is known of an operation before it is executed: the role it needs, how deep it is, what it may cost."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLNamedType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
    get_nullable_type,
    is_composite_type,
    is_list_type,
)

from db.enums import Role
from graphql_api.security.cost import (
    COUNT_COST,
    FIELD_COSTS,
    ITEMS,
    NOTHING,
    Cost,
    Size,
    list_size,
    page_size,
)
from graphql_api.security.roles import INTROSPECTION, required_role


@dataclass(frozen=True, slots=True)
class Plan:
    """What a selection needs."""

    role: Role
    depth: int
    """How many fields are inside each other."""
    fields: int
    """How many fields there are at the top."""
    cost: Cost

    def and_also(self, other: "Plan") -> "Plan":
        """What both need, side by side."""
        role = max(self.role, other.role, key=lambda role: role.rank)
        return Plan(role, max(self.depth, other.depth), self.fields + other.fields, self.cost + other.cost)


_NOTHING = Plan(Role.VIEWER, 0, 0, NOTHING)


def plan_of(schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode) -> Plan:
    """Make the plan of an operation of a valid document."""
    root = schema.get_root_type(operation.operation)
    assert root is not None
    return _Planner(schema, document, operation).selections(operation.selection_set, root, None)


class _Planner:
    """Goes over an operation; each fragment once, however often it is used."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode) -> None:
        self._schema = schema
        self._fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        self._known: dict[tuple[str, Size | None], Plan] = {}
        self._defaults: Mapping[str, Any] = {
            variable.variable.name.value: int(variable.default_value.value[:10])
            for variable in operation.variable_definitions or ()
            if isinstance(variable.default_value, IntValueNode)
        }

    def selections(self, selected: SelectionSetNode, parent: GraphQLNamedType, page: Size | None) -> Plan:
        """What is selected of an object; `page` is the size of the page that it is, if it is a connection."""
        plan = _NOTHING
        for node in selected.selections:
            if isinstance(node, FieldNode):
                plan = plan.and_also(self._field(node, parent, page))
            elif isinstance(node, InlineFragmentNode):
                condition = node.type_condition
                inner = parent if condition is None else self._schema.type_map[condition.name.value]
                plan = plan.and_also(self.selections(node.selection_set, inner, page))
            elif isinstance(node, FragmentSpreadNode):
                plan = plan.and_also(self._fragment(node.name.value, page))
        return plan

    def _fragment(self, name: str, page: Size | None) -> Plan:
        known = self._known.get((name, page))
        if known is None:
            fragment = self._fragments[name]
            parent = self._schema.type_map[fragment.type_condition.name.value]
            known = self._known[name, page] = self.selections(fragment.selection_set, parent, page)
        return known

    def _field(self, node: FieldNode, parent: GraphQLNamedType, page: Size | None) -> Plan:
        name = node.name.value
        if name == "__typename":
            return Plan(INTROSPECTION, 1, 1, NOTHING)
        role = required_role(parent.name, name)
        field = self._schema.get_field(parent, name)  # type: ignore[arg-type]
        assert field is not None
        type_ = get_named_type(field.type)
        own = Cost(FIELD_COSTS.get(f"{parent.name}.{name}", 0))
        if name == "totalCount":
            own = Cost(COUNT_COST)
        if not is_composite_type(type_) or node.selection_set is None:
            return Plan(role, 1, 1, own)
        inner = self.selections(node.selection_set, type_, _page(node, field.args, self._defaults))
        cost = Cost(1) + inner.cost
        if is_list_type(get_nullable_type(field.type)):
            of_page = page is not None and name in ITEMS
            cost = cost.times(page if of_page and page is not None else Size(list_size(parent.name, node)))
        role = max(role, inner.role, key=lambda role: role.rank)
        return Plan(role, inner.depth + 1, 1, own + cost)


def _page(node: FieldNode, arguments: Mapping[str, Any], defaults: Mapping[str, Any]) -> Size | None:
    return page_size(node, defaults) if "first" in arguments else None
