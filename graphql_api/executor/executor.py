"""The executor: what a root field gave is completed breadth-first, as long as nothing unusual happens."""

import logging
from copy import copy
from typing import Any

from graphql import GraphQLOutputType, get_named_type, is_leaf_type
from graphql.execution.collect_fields import FieldDetailsList
from graphql.pyutils import Path
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from graphql_api.executor.eager import begin
from graphql_api.executor.levels import Levels
from graphql_api.executor.plans import Plans, ResolveInfo

logger = logging.getLogger("execgraph.executor")


class BreadthFirstExecutor(StrawberryGraphQLCoreExecutionContext):
    """Strawberry's executor, which completes the objects of a level together.

    Whenever something unusual happens (an error, a null where none may be, a value of an unexpected kind), what was
    made of that root field is forgotten, and the stock executor completes what the root resolver gave. So errors and
    their order, nulls and their propagation are the stock executor's own. Resolvers below the root may therefore be
    called twice: they must have no effects, which GraphQL asks of them anyway.
    """

    plans = Plans()
    """Of all operations in this process, whose schema is one."""
    record_types: tuple[type, ...] = ()
    """Classes whose attributes are read faster as items."""
    stock = False
    """Whether everything is left to the stock executor."""

    def complete_value(
        self,
        return_type: GraphQLOutputType,
        field_details_list: FieldDetailsList,
        info: ResolveInfo,
        path: Path,
        result: Any,
        position_context: Any,
    ) -> Any:
        """Complete what a root field gave breadth-first; all else as the stock executor does."""
        if path.prev is not None or self.stock or self._is_left_to_stock(return_type, info, result):
            return super().complete_value(return_type, field_details_list, info, path, result, position_context)
        return begin(self._complete(return_type, field_details_list, info, path, result, position_context))

    def _is_left_to_stock(self, return_type: GraphQLOutputType, info: ResolveInfo, result: Any) -> bool:
        return (
            result is None
            or isinstance(result, Exception)
            or is_leaf_type(get_named_type(return_type))
            or info.field_name.startswith("__")
            or bool(self.middleware_manager is not None and self.middleware_manager.middlewares)
        )

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
            logger.debug("left to the stock executor: %s", info.field_name, exc_info=True)
        stock = copy(self)  # shares the collected errors
        stock.stock = True
        completed = stock.complete_value(return_type, details, info, path, result, position_context)
        return await completed if self.is_awaitable(completed) else completed
