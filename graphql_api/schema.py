"""The schema, and the two ways into it: `execute` for one answer, `stream` for any number."""

from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import aclosing
from typing import Any

import strawberry
from graphql import GraphQLError
from strawberry.extensions import SchemaExtension
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types.execution import ExecutionResult, PreExecutionError
from strawberry.types.graphql import OperationType

from graphql_api.bulk_inputs import Executor
from graphql_api.context import Context, Info
from graphql_api.document import DocumentError, Documents, Operation
from graphql_api.errors import public_errors
from graphql_api.mutations import Mutation
from graphql_api.observability.operations import Execution, count_errors, observed_stream
from graphql_api.queries import Query
from graphql_api.scalars import SCALARS
from graphql_api.security.roles import check_roles
from graphql_api.security.trusted import TrustedDocuments
from graphql_api.settings import Settings
from graphql_api.subscriptions import Subscription


class Schema(strawberry.Schema):
    """Strawberry's schema, with our errors, and what a document must be to be executed."""

    documents: Documents

    async def execute(  # type: ignore[override]
        self,
        query: str,
        variable_values: dict[str, Any] | None = None,
        context_value: Context | None = None,
        operation_name: str | None = None,
        allowed_operation_types: Iterable[OperationType] | None = None,
        **others: Any,
    ) -> ExecutionResult:
        """Execute a query or mutation and say of its errors what a client may know.

        Raises:
            CannotGetOperationTypeError: the document has no operation of this name.
            InvalidOperationTypeError: the operation is of another type.
        """
        assert context_value is not None
        with Execution(query, operation_name) as execution:
            try:
                operation = self._admitted(
                    query, operation_name, variable_values, context_value, allowed_operation_types
                )
            except DocumentError as error:
                execution.result = refused = _told(PreExecutionError(data=None, errors=error.errors))
                return refused
            execution.result = result = _told(
                await super().execute(
                    query,
                    variable_values=variable_values,
                    context_value=context_value.for_operation(operation),
                    operation_name=operation.name,
                    allowed_operation_types=[operation.kind],
                    **others,
                )
            )
        return result

    async def stream(  # type: ignore[override]
        self,
        query: str,
        variable_values: dict[str, Any] | None = None,
        context_value: Context | None = None,
        operation_name: str | None = None,
        allowed_operation_types: Iterable[OperationType] | None = None,
        **others: Any,
    ) -> Any:
        """Execute any operation as a stream of results, with the same errors."""
        assert context_value is not None
        try:
            operation = self._admitted(query, operation_name, variable_values, context_value, allowed_operation_types)
        except DocumentError as error:
            return _refusal(error.errors)
        except CannotGetOperationTypeError as error:
            return _refusal([GraphQLError(error.as_http_error_reason(), original_error=error)])
        except InvalidOperationTypeError as error:
            return _refusal([GraphQLError(error.as_http_error_reason("GET"), original_error=error)])
        results = await super().stream(
            query,
            variable_values=variable_values,
            context_value=context_value.for_operation(operation),
            operation_name=operation.name,
            allowed_operation_types=[operation.kind],
            **others,
        )
        return observed_stream(query, operation_name, _all_told(results))

    def _admitted(
        self,
        query: str,
        name: str | None,
        variables: dict[str, Any] | None,
        context: Context,
        allowed: Iterable[OperationType] | None,
    ) -> Operation:
        operation = self.documents.operation(query, name)
        if allowed is not None and operation.kind not in allowed:
            raise InvalidOperationTypeError(operation.kind)
        self.documents.admit(operation, variables, context.access)
        return operation

    def process_errors(self, errors: list[GraphQLError], execution_context: Any = None) -> None:
        """Leave the logging to `public_errors`, which knows what is a surprise."""


class _Validated(SchemaExtension):
    """Gives Strawberry the document that was parsed and validated already."""

    def on_parse(self) -> Iterator[None]:
        context = self.execution_context
        context.graphql_document = context.context.operation.document
        context.pre_execution_errors = []
        yield


async def _refusal(errors: list[GraphQLError]) -> AsyncGenerator[Any, None]:
    count_errors(errors)
    yield _told(PreExecutionError(data=None, errors=errors))


async def _all_told(results: AsyncGenerator[Any, None]) -> AsyncGenerator[Any, None]:
    async with aclosing(results):
        async for result in results:
            yield _told(result)


def _told(result: Any) -> Any:
    if getattr(result, "errors", None):
        result.errors = public_errors(result.errors)
    return result


def build_schema(settings: Settings | None = None) -> Schema:
    """Build the schema that `schema.graphql` shows, with the limits that are set.

    Raises:
        FieldWithoutRoleError: a field says nothing of who it is for.
        ValueError: the trusted documents cannot be read.
    """
    schema = Schema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        extensions=[_Validated],
        execution_context_class=Executor,
        config=StrawberryConfig(info_class=Info, scalar_map=SCALARS),
    )
    check_roles(schema._schema)
    settings = settings or Settings.model_construct()
    manifest = settings.trusted_documents
    schema.documents = Documents(
        schema._schema,
        settings.limits,
        introspection=settings.introspection,
        trusted=None if manifest is None else TrustedDocuments(manifest),
    )
    return schema
