"""Operations that are executed again and again: what is the same each time is found out the first time."""

from collections.abc import Callable, Mapping
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLNonNull,
    GraphQLSchema,
    OperationDefinitionNode,
    Undefined,
    is_leaf_type,
)
from graphql.execution.get_variable_signature import get_variable_signature
from graphql.execution.values import VariableValues, VariableValueSource


class Repeated:
    """Builds the executors of one operation: the first one as graphql-core does, the others after that one."""

    __slots__ = ("_build", "_coerce", "_first")

    def __init__(
        self,
        executor: type[Any],
        schema: GraphQLSchema,
        document: DocumentNode,
        operation: OperationDefinitionNode,
        **options: Any,
    ) -> None:
        """Prepare.

        Args:
            executor: the class, a `BreadthFirstExecutor`.
            schema: of the document.
            document: a valid one.
            operation: the one to execute.
            options: what else `build` is to be given each time.
        """
        name = operation.name.value if operation.name else None

        def build(context: Any, variables: Mapping[str, Any] | None) -> Any:
            return executor.build(
                schema,
                document,
                context_value=context,
                raw_variable_values=variables,
                operation_name=name,
                **options,
            )

        self._build = build
        self._coerce = _coercion(schema, operation)
        self._first: Any = None

    def executor(self, context: Any, variables: Mapping[str, Any] | None) -> Any:
        """An executor for a request, or a list of errors: what is wrong with its variables."""
        if self._first is not None and self._coerce is not None:
            values = self._coerce(variables or {})
            if values is not None:
                return self._first.again(context, values)
        built: list[GraphQLError] | Any = self._build(context, variables)
        if self._first is None and not isinstance(built, list):
            self._first = built.anew(None, VariableValues({}, {}))  # which keeps nothing of this request
        return built


Coercion = Callable[[Mapping[str, Any]], VariableValues | None]
"""Coerces the values of variables; gives None for what is to be coerced or refused in graphql-core's way."""


def _coercion(schema: GraphQLSchema, operation: OperationDefinitionNode) -> Coercion | None:
    """How to coerce the values of an operation's variables, if they are all scalars or enums without defaults."""
    variables = []
    for node in operation.variable_definitions or ():
        signature = get_variable_signature(schema, node)
        if isinstance(signature, GraphQLError) or node.default_value is not None:
            return None
        non_null = isinstance(signature.type, GraphQLNonNull)
        type_: Any = signature.type.of_type if isinstance(signature.type, GraphQLNonNull) else signature.type
        if not is_leaf_type(type_):
            return None
        missing = None if non_null else VariableValueSource(signature)
        variables.append((signature.name, signature, type_.coerce_input_value, missing))

    def coerce(given: Mapping[str, Any]) -> VariableValues | None:
        sources: dict[str, VariableValueSource] = {}
        coerced: dict[str, Any] = {}
        for name, signature, coerce_value, missing in variables:
            value = given.get(name, Undefined)
            if value is not Undefined and value is not None:
                try:
                    coerced[name] = found = coerce_value(value)
                except Exception:  # whatever it is, graphql-core says what is wrong
                    return None
                if found is Undefined:
                    return None
                sources[name] = VariableValueSource(signature, value)
            elif missing is None:
                return None
            elif value is None:
                coerced[name] = None
                sources[name] = VariableValueSource(signature, None)
            else:
                sources[name] = missing
        return VariableValues(sources, coerced)

    return coerce
