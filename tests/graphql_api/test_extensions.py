"""Strawberry's extensions work on our schema: they see the operation, its execution, and each field resolved."""

from collections.abc import Iterator
from typing import Any, cast

from strawberry.extensions import SchemaExtension

from db.database import Database
from db.feeds import Feeds
from graphql_api.context import Context
from graphql_api.schema import build_schema
from graphql_api.settings import Settings
from graphql_api.subscribers import Subscribers

QUERY = "query Who { viewer { role } }"


def context() -> Context:
    """A context for what needs no database."""
    nothing: Any = None
    settings = Settings.model_construct()
    return Context(cast("Database", nothing), cast("Feeds", nothing), Subscribers(1, 1), settings)


async def test_an_extension_sees_what_is_executed_and_may_add_to_the_answer() -> None:
    seen: list[str] = []

    class Noting(SchemaExtension):
        def on_operation(self) -> Iterator[None]:
            seen.append("operation")
            yield
            seen.append("end")

        def on_execute(self) -> Iterator[None]:
            seen.append(f"execute {self.execution_context.operation_name}")
            yield

        def resolve(self, _next: Any, root: Any, info: Any, *args: Any, **kwargs: Any) -> Any:
            seen.append(info.field_name)
            return _next(root, info, *args, **kwargs)

        def get_results(self) -> dict[str, Any]:
            return {"noted": len(seen)}

    plain, extended = build_schema(), build_schema()
    extended.extensions = [*extended.extensions, Noting]

    without, with_it = [await schema.execute(QUERY, context_value=context()) for schema in (plain, extended)]

    assert without.data == with_it.data == {"viewer": {"role": "ADMIN"}}
    assert seen == ["operation", "execute Who", "viewer", "role", "end"]
    assert with_it.extensions == {"noted": 5}


async def test_errors_are_told_alike_with_and_without_extensions() -> None:
    class Nothing(SchemaExtension):
        pass

    plain, extended = build_schema(), build_schema()
    extended.extensions = [*extended.extensions, Nothing]
    document = "query ($first: Int!) { workflows(first: $first) { nodes { id } } }"
    for variables in ({}, {"first": "x"}, {"first": 100_000}):
        results = [
            await schema.execute(document, variable_values=variables, context_value=context())
            for schema in (plain, extended)
        ]
        told = [(result.data, [error.formatted for error in result.errors or ()]) for result in results]
        assert told[0] == told[1]
        assert told[0][1]
