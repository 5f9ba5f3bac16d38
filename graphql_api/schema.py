"""The schema, and the two ways into it: `execute` for one result, `answers` for any number, written."""

from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from typing import Any

import strawberry
from graphql import GraphQLError
from strawberry.exceptions import MissingQueryError
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types.execution import ExecutionContext, ExecutionResult
from strawberry.types.graphql import OperationType

from graphql_api.answer import Answer, answer, refusal
from graphql_api.bulk_inputs import Executor
from graphql_api.context import Context, Info
from graphql_api.document import DocumentChecks
from graphql_api.document_cache import DocumentCache
from graphql_api.errors import public_errors
from graphql_api.mutations import Mutation
from graphql_api.observability.operations import Execution, observed_stream
from graphql_api.queries import Query
from graphql_api.scalars import SCALARS
from graphql_api.subscriptions import Subscription
from graphql_api.subscriptions.operation import subscribe


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

    async def answers(
        self,
        query: str,
        variables: dict[str, Any] | None,
        operation_name: str | None,
        context: Context,
        allowed: Iterable[OperationType] = frozenset(OperationType),
    ) -> AsyncGenerator[Answer, None]:
        """Execute any operation; a query or mutation has one answer, a subscription one for each event."""
        context = context.for_operation()
        prepared = await self._prepare(query, variables, operation_name, context, allowed)
        if isinstance(prepared, ExecutionContext) and prepared.operation_type is not OperationType.SUBSCRIPTION:
            given: dict[str, Any] = {
                "variable_values": variables,
                "operation_name": operation_name,
                "context_value": context,
            }
            yield answer(await self.execute(query, **given))
            return
        answers = (
            _only(prepared) if isinstance(prepared, Answer) else subscribe(self._schema, Executor, prepared, context)
        )
        async with aclosing(observed_stream(query, operation_name, answers)) as observed:
            async for each in observed:
                yield each

    async def _prepare(
        self,
        query: str,
        variables: dict[str, Any] | None,
        operation_name: str | None,
        context: Context,
        allowed: Iterable[OperationType],
    ) -> ExecutionContext | Answer:
        """Parse and validate; gives what is to be executed, or why it is not."""
        prepared = self._create_execution_context(
            query=query,
            allowed_operation_types=allowed,
            variable_values=variables,
            context_value=context,
            operation_name=operation_name,
        )
        extensions = self.get_extensions()
        for extension in extensions:
            extension.execution_context = prepared
        runner = self.create_extensions_runner(prepared, extensions)
        try:
            async with runner.operation():
                refused = await self._prepare_operation_async(context=prepared, extensions_runner=runner)
        except CannotGetOperationTypeError as error:
            return _refused([GraphQLError(error.as_http_error_reason(), original_error=error)])
        except InvalidOperationTypeError as error:
            return _refused(
                [GraphQLError(f"{error.operation_type.name.lower()}s are not allowed here", original_error=error)]
            )
        except MissingQueryError as error:
            return _refused([GraphQLError(str(error), original_error=error)])
        return prepared if refused is None else _refused(refused.errors or [])

    def process_errors(self, errors: list[GraphQLError], execution_context: Any = None) -> None:
        """Leave the logging to `public_errors`, which knows what is a surprise."""


async def _only(answer: Answer) -> AsyncGenerator[Answer, None]:
    yield answer


def _refused(errors: list[GraphQLError]) -> Answer:
    return refusal(public_errors(errors))


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
