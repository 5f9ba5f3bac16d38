"""The executor: operations are completed breadth-first, as long as nothing unusual happens."""

import logging
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from typing import Any, Self

from graphql import ExecutionResult, GraphQLOutputType, OperationType, get_named_type, is_leaf_type
from graphql.execution.collect_fields import FieldDetailsList
from graphql.execution.executor import CollectedErrors
from graphql.execution.values import VariableValues
from graphql.pyutils import Path
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from graphql_api.executor.eager import begin
from graphql_api.executor.levels import Levels
from graphql_api.executor.plans import Plans, ResolveInfo

logger = logging.getLogger("execgraph.executor")


class BreadthFirstExecutor(StrawberryGraphQLCoreExecutionContext):
    """Strawberry's executor, which completes the objects of a level together.

    A query is done as a whole, and so is what the root field of a mutation or an event gave. Whenever something
    unusual happens (an error, a null where none may be, a value of an unexpected kind), what was made is forgotten, and
    the stock executor completes what the root resolvers gave. So errors and their order, nulls and their propagation
    are the stock executor's own. Resolvers below the root may therefore be called twice: they must have no effects,
    which GraphQL asks of them anyway.
    """

    plans = Plans()
    """Of all operations in this process, whose schema is one."""
    record_types: tuple[type, ...] = ()
    """Classes whose attributes are read faster as items."""
    written: str | None = None
    """The item of such a source that is its whole answer, as JSON, where it has that item."""
    stock = False
    """Whether everything is left to the stock executor."""

    def again(self, context_value: Any, variable_values: VariableValues) -> Self:
        """An executor of the same operation for another request."""
        if not self._is_breadth_first():
            return self.anew(context_value, variable_values)
        # Made anew it would take three times as long, and what the copy shares only the stock executor would change.
        executor = object.__new__(self.__class__)
        executor.__dict__.update(self.__dict__)
        executor.context_value = context_value
        executor.variable_values = variable_values
        executor.collected_errors = CollectedErrors()
        executor._relevant_sub_fields = {}
        return executor

    def anew(self, context_value: Any, variable_values: VariableValues) -> Self:
        """One that shares nothing with this one but what it was made of."""
        return self.__class__(
            self.schema,
            self.fragment_definitions,
            self.fragments,
            self.root_value,
            context_value,
            self.operation,
            variable_values,
            self.field_resolver,
            self.type_resolver,
            self.subscribe_field_resolver,
            self.enable_early_execution,
            self.middleware_manager,
            self.is_awaitable,
            self.is_async_iterable,
            hide_suggestions=self.hide_suggestions,
            abort_signal=self.abort_signal,
            hooks=self.hooks,
            operation_extensions=self.operation_extensions,
        )

    async def executed(self) -> Any:
        """Execute, for who can wait."""
        if self._is_breadth_first():
            return await self._query(None)
        result = self.execute_operation()
        return await result if hasattr(result, "__await__") else result

    def execute_operation(self, serially: bool | None = None) -> Any:
        """Execute a query breadth-first; all else as the stock executor does."""
        if not self._is_breadth_first():
            return super().execute_operation(serially)
        return begin(self._query(serially))

    def _is_breadth_first(self) -> bool:
        return self.operation.operation is OperationType.QUERY and not self.stock and not self._is_watched()

    async def _query(self, serially: bool | None) -> Any:
        levels = Levels(self)
        self.take_written()
        try:
            data = await levels.query()
        except Exception:  # whatever it is, the stock executor meets it again and tells of it
            self._note_fallback("the operation")
        else:
            return ExecutionResult(data, None) if self.hooks is None else self.build_response(data)
        stock = self.stock_executor()
        if not self.forget_written():
            stock.middleware_manager = _Known(levels.roots)  # type: ignore[assignment]
        response = stock.execute_operation(serially)
        return await response if self.is_awaitable(response) else response

    def take_written(self) -> None:
        """Told when sources may come written, for a subclass that has to know."""

    def written_texts(self, sources: Sequence[Any]) -> list[str]:
        """The whole answers of sources that came written, as JSON."""
        return [source[self.written] for source in sources]

    def forget_written(self) -> bool:
        """Told when they may not any more; gives whether some have come, so that all has to be resolved again."""
        return False

    def complete_value(
        self,
        return_type: GraphQLOutputType,
        field_details_list: FieldDetailsList,
        info: ResolveInfo,
        path: Path,
        result: Any,
        position_context: Any,
    ) -> Any:
        """Complete what the root field of a mutation or event gave breadth-first; all else the stock way."""
        if path.prev is not None or self.stock or self._is_left_to_stock(return_type, info, result):
            return super().complete_value(return_type, field_details_list, info, path, result, position_context)
        return begin(self._complete(return_type, field_details_list, info, path, result, position_context))

    def _is_left_to_stock(self, return_type: GraphQLOutputType, info: ResolveInfo, result: Any) -> bool:
        return (
            result is None
            or isinstance(result, Exception)
            or is_leaf_type(get_named_type(return_type))
            or info.field_name.startswith("__")
            or self._is_watched()
        )

    def _note_fallback(self, what: str) -> None:
        logger.debug("left to the stock executor: %s", what, exc_info=True)

    def stock_executor(self) -> Self:
        """One for the same request that does as the stock executor does, with collected errors of its own."""
        stock = self.anew(self.context_value, self.variable_values)
        stock.stock = True
        return stock

    def _is_watched(self) -> bool:
        """Whether something wants to see each field resolved, or the operation may be called off."""
        watched = self.middleware_manager is not None and self.middleware_manager.middlewares
        return bool(watched) or self.abort_signal is not None

    async def _complete(
        self,
        return_type: GraphQLOutputType,
        details: FieldDetailsList,
        info: ResolveInfo,
        path: Path,
        result: Any,
        position_context: Any,
    ) -> Any:
        try:
            return await Levels(self).root(return_type, details, info, result)
        except Exception:  # whatever it is, the stock executor meets it again and tells of it
            self._note_fallback(info.field_name)
        stock = copy(self)  # with the same collected errors
        stock.stock = True
        completed = stock.complete_value(return_type, details, info, path, result, position_context)
        return await completed if self.is_awaitable(completed) else completed


class _Known:
    """Gives the stock executor what root fields gave before, or raised. It asks this in the place of middleware."""

    middlewares = ()

    def __init__(self, roots: Mapping[Any, Any]) -> None:
        self._roots = roots

    def get_field_resolver(self, resolve: Callable[..., Any]) -> Callable[..., Any]:
        """A resolver that calls another one only for what is not known."""

        def resolve_unless_known(source: Any, info: ResolveInfo, **arguments: Any) -> Any:
            if info.path.prev is None and info.path.key in self._roots:
                return self._roots[info.path.key]
            return resolve(source, info, **arguments)

        return resolve_unless_known
