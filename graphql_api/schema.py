"""The schema, and the two ways into it: `execute` for one answer, `stream` for any number."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import strawberry
from graphql import GraphQLError
from strawberry.schema.config import StrawberryConfig
from strawberry.types.execution import ExecutionResult

from graphql_api.bulk_inputs import Executor
from graphql_api.context import Info
from graphql_api.document import DocumentChecks
from graphql_api.document_cache import DocumentCache
from graphql_api.errors import public_errors
from graphql_api.mutations import Mutation
from graphql_api.observability.operations import Execution, observed_stream
from graphql_api.queries import Query
from graphql_api.scalars import SCALARS
from graphql_api.subscriptions import Subscription


class Schema(strawberry.Schema):
    """Strawberry's schema, with our errors and a context of its own for each operation."""

    async def execute(
        self, query: str | None, *args: Any, context_value: Any = None, operation_name: str | None = None, **kwargs: Any
    ) -> ExecutionResult:
        """Execute a query or mutation and say of its errors what a client may know."""
        kwargs |= {"context_value": context_value.for_operation(), "operation_name": operation_name}
        with Execution(query, operation_name) as execution:
            execution.result = result = _told(await super().execute(query, *args, **kwargs))
        return result

    async def stream(
        self, query: str | None, *args: Any, context_value: Any = None, operation_name: str | None = None, **kwargs: Any
    ) -> Any:
        """Execute any operation as a stream of results, with the same errors."""
        kwargs |= {"context_value": context_value.for_operation(), "operation_name": operation_name}
        results = await super().stream(query, *args, **kwargs)
        return observed_stream(query, operation_name, _all_told(results))

    def process_errors(self, errors: list[GraphQLError], execution_context: Any = None) -> None:
        """Leave the logging to `public_errors`, which knows what is a surprise."""


async def _all_told(results: AsyncGenerator[Any, None]) -> AsyncGenerator[Any, None]:
    async with aclosing(results):
        async for result in results:
            yield _told(result)


def _told(result: Any) -> Any:
    if getattr(result, "errors", None):
        result.errors = public_errors(result.errors)
    return result


def build_schema() -> Schema:
    """Build the schema that `schema.graphql` shows."""
    return Schema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        extensions=[DocumentChecks, DocumentCache().extension()],
        execution_context_class=Executor,
        config=StrawberryConfig(info_class=Info, scalar_map=SCALARS),
    )
