"""Every field of the schema says who it is for, and the schema is refused if one does not."""

import pytest
import strawberry
from graphql import GraphQLInterfaceType, GraphQLObjectType

from db.enums import Role
from graphql_api.schema import build_schema
from graphql_api.security.roles import FIELDS, TYPES, FieldWithoutRoleError, check_roles, required_role

SCHEMA = build_schema()._schema
OUTPUT = {
    name: type_
    for name, type_ in SCHEMA.type_map.items()
    if isinstance(type_, (GraphQLObjectType, GraphQLInterfaceType)) and not name.startswith("__")
}


def test_every_field_has_a_role_and_the_ways_in_have_one_each() -> None:
    roots = {"Query", "Mutation", "Subscription"}
    assert set(FIELDS) == {f"{root}.{name}" for root in roots for name in OUTPUT[root].fields}
    assert set(TYPES) == OUTPUT.keys() - roots


def test_reading_is_for_viewers_reporting_for_engines_and_deleting_for_admins() -> None:
    of_mutations = {name: required_role("Mutation", name) for name in OUTPUT["Mutation"].fields}
    assert of_mutations.pop("deleteWorkflowExecution") is Role.ADMIN
    assert set(of_mutations.values()) == {Role.ENGINE}
    reads = [required_role(root, name) for root in ("Query", "Subscription") for name in OUTPUT[root].fields]
    assert set(reads) == {Role.VIEWER}


def test_a_field_without_a_role_is_no_part_of_any_schema() -> None:
    @strawberry.type
    class Mutation:
        @strawberry.mutation
        def create_workflow(self) -> str:
            return "known"

        @strawberry.mutation
        def drop_everything(self) -> str:
            return "unheard of"

    @strawberry.type
    class Query:
        @strawberry.field
        def workflow(self) -> str:
            return "known"

    with pytest.raises(FieldWithoutRoleError, match=r"^Mutation\.dropEverything has no required role: "):
        check_roles(strawberry.Schema(query=Query, mutation=Mutation)._schema)


def test_roles_are_cumulative() -> None:
    assert [role.rank for role in (Role.VIEWER, Role.ENGINE, Role.ADMIN)] == [0, 1, 2]
