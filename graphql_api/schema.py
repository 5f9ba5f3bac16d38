"""The schema, and the two ways into it: `execute` for one result, `answers` for any number, written."""

from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import strawberry
from graphql import ExecutionResult as StockExecutionResult
from graphql import GraphQLError
from strawberry.extensions import SchemaExtension
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types.execution import ExecutionContext, ExecutionResult, PreExecutionError
from strawberry.types.graphql import OperationType

from graphql_api.answer import Answer, answer, refusal
from graphql_api.bulk_inputs import Executor
from graphql_api.context import Context, Info
from graphql_api.document import DocumentError, Documents, Operation
from graphql_api.errors import public_errors
from graphql_api.mutations import Mutation
from graphql_api.observability.operations import Execution, observed_stream
from graphql_api.queries import Query
from graphql_api.scalars import SCALARS
from graphql_api.security.errors import SecurityError, TookTooLongError
from graphql_api.security.roles import check_roles
from graphql_api.security.time_limit import TimeLimit
from graphql_api.security.trusted import OF_DASHBOARD, TrustedDocuments
from graphql_api.settings import Settings
from graphql_api.subscriptions import Subscription
from graphql_api.subscriptions.operation import subscribe


class Schema(strawberry.Schema):
    """Strawberry's schema, with our errors, and what it takes for an operation to be executed."""

    documents: Documents

    async def execute(  # type: ignore[override]
        self,
        query: str,
        variable_values: dict[str, Any] | None = None,
        context_value: Context | None = None,
        operation_name: str | None = None,
        allowed_operation_types: Iterable[OperationType] = frozenset(OperationType),
    ) -> ExecutionResult:
        """Execute a query or mutation, when there is room for it, and say of its errors what a client may know.

        Raises:
            CannotGetOperationTypeError: the document has no operation of this name.
            InvalidOperationTypeError: the operation is of another type.
            TooManyRequestsError, OverloadedError: there is no room.
            TookTooLongError: it took longer than a request may.
        """
        assert context_value is not None
        caller, admission = context_value.access.caller, context_value.admission
        limit = context_value.settings.request_timeout_seconds
        with Execution(query, operation_name) as execution:
            await admission.enter(caller)
            try:
                with TimeLimit(limit):
                    operation = self._admitted(
                        query, variable_values, operation_name, context_value, allowed_operation_types
                    )
                    result = await self._executed(operation, query, variable_values, context_value)
            except DocumentError as error:
                result = PreExecutionError(data=None, errors=error.errors)
            except TimeoutError:
                raise TookTooLongError(limit) from None
            finally:
                admission.leave(caller)
            execution.result = _told(result)
        return result

    async def _executed(
        self, operation: Operation, query: str, variables: dict[str, Any] | None, context: Context
    ) -> Any:
        """Execute an operation, through Strawberry if it has extensions to ask: it takes as long as all the rest."""
        context = context.for_operation(operation)
        if list(self.extensions) != [_Validated]:
            return await super().execute(
                query,
                variable_values=variables,
                context_value=context,
                operation_name=operation.name,
                allowed_operation_types=(operation.kind,),
            )
        built = operation.repeated.executor(context, variables)
        return StockExecutionResult(None, built) if isinstance(built, list) else await built.executed()

    async def answers(
        self,
        query: str,
        variables: dict[str, Any] | None,
        operation_name: str | None,
        context: Context,
        allowed: Iterable[OperationType] = frozenset(OperationType),
    ) -> AsyncGenerator[Answer, None]:
        """Execute any operation; a query or mutation has one answer, a subscription one for each event."""
        prepared = self._prepare(query, variables, operation_name, context, allowed)
        if isinstance(prepared, ExecutionContext) and prepared.operation_type is not OperationType.SUBSCRIPTION:
            try:
                yield answer(await self.execute(query, variables, context, operation_name))
            except SecurityError as error:
                yield refusal([error])
            return
        answers = (
            _only(prepared)
            if isinstance(prepared, Answer)
            else subscribe(self._schema, Executor, prepared, prepared.context)
        )
        async with aclosing(observed_stream(query, operation_name, answers)) as observed:
            async for each in observed:
                yield each

    def _prepare(
        self,
        query: str,
        variables: dict[str, Any] | None,
        operation_name: str | None,
        context: Context,
        allowed: Iterable[OperationType],
    ) -> ExecutionContext | Answer:
        """Parse and validate; gives what is to be executed, or why it is not."""
        try:
            operation = self._admitted(query, variables, operation_name, context, allowed)
        except DocumentError as error:
            return _refused(error.errors)
        except CannotGetOperationTypeError as error:
            return _refused([GraphQLError(error.as_http_error_reason(), original_error=error)])
        except InvalidOperationTypeError as error:
            return _refused(
                [GraphQLError(f"{error.operation_type.name.lower()}s are not allowed here", original_error=error)]
            )
        prepared = self._create_execution_context(
            query=query,
            allowed_operation_types=allowed,
            variable_values=variables,
            context_value=context.for_operation(operation),
            operation_name=operation.name,
        )
        prepared.graphql_document = operation.document
        return prepared

    def _admitted(
        self,
        query: str,
        variables: dict[str, Any] | None,
        operation_name: str | None,
        context: Context,
        allowed: Iterable[OperationType],
    ) -> Operation:
        operation = self.documents.operation(query, operation_name)
        if operation.kind not in allowed:
            raise InvalidOperationTypeError(operation.kind)
        self.documents.admit(operation, variables, context.access)
        return operation

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


class _Validated(SchemaExtension):
    """Gives Strawberry the document that was parsed and validated already."""

    def on_parse(self) -> Iterator[None]:
        context = self.execution_context
        context.graphql_document = context.context.operation.document
        context.pre_execution_errors = []
        yield


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
    schema.documents = Documents(
        schema._schema,
        Executor,
        settings.limits,
        introspection=settings.introspection,
        trusted=_trusted(settings.trusted_documents),
    )
    return schema


def _trusted(manifest: Path | None) -> TrustedDocuments | None:
    """What is named, and what the dashboard asks: who closes the API to strangers still wants to see it."""
    if manifest is None:
        return None
    return TrustedDocuments(*([OF_DASHBOARD] if OF_DASHBOARD.is_file() else []), manifest)
