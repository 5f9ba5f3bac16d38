"""Resolving a field for the objects of a level: what its function gives, before any of it is completed."""

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from typing import Any

from graphql.execution.executor import CollectedErrors
from graphql.execution.values import get_argument_values
from graphql.pyutils import Path
from strawberry.types.arguments import convert_arguments

from graphql_api.executor.eager import awaited
from graphql_api.executor.leaves import Unusual
from graphql_api.executor.plans import Relation, ResolveInfo, Selection, Way, depends_on_variables

Paths = Callable[[], list[Any]]
"""Where the values of a level stand in the answer; asked for only by what has to know. The root has no path."""


class Resolvers:
    """Calls the functions behind fields, for one attempt to execute an operation."""

    def __init__(self, executor: Any) -> None:
        self._executor = executor
        self._stock: Any = None
        schema = executor.schema._strawberry_schema
        self._config = schema.config
        self._scalars = schema.schema_converter.scalar_registry

    def check_errors(self) -> None:
        """Any error of the stock executor makes the attempt fail."""
        if self._stock is not None and self._stock.collected_errors.errors:
            raise Unusual

    async def values(
        self, relation: Relation, sources: Sequence[Any], paths: Paths, info_of: Callable[[Path], ResolveInfo]
    ) -> Sequence[Any]:
        """What the resolver of a relation gives, for each source."""
        if relation.way is Way.ATTRIBUTE:
            values: Sequence[Any] = [getattr(source, relation.attribute) for source in sources]
        elif relation.way is Way.MANY:
            info = self._info(relation, info_of(paths()[0]))
            assert relation.many is not None
            values = await relation.many(sources, info, **self._arguments(relation, info))
            if len(values) != len(sources):
                raise Unusual
        elif relation.way is Way.CALL:
            values = await self._called(relation, sources, paths, info_of)
        else:
            arguments = self._raw_arguments(relation)
            resolve = relation.definition.resolve
            assert resolve is not None
            values = await awaited(
                resolve(source, info_of(path), **arguments) for source, path in zip(sources, paths(), strict=True)
            )
        return values

    async def _called(
        self, relation: Relation, sources: Sequence[Any], paths: Paths, info_of: Callable[[Path], ResolveInfo]
    ) -> Sequence[Any]:
        """Call the function behind a field for each source."""
        strawberry = relation.strawberry
        assert strawberry is not None
        resolver = strawberry.base_resolver
        assert resolver is not None
        function: Any = resolver.wrapped_func
        takes_self = resolver.self_parameter is not None
        named = [
            parameter.name
            for parameter in (resolver.parent_parameter, resolver.root_parameter)
            if parameter is not None
        ]
        if resolver.info_parameter is None and not strawberry.arguments and not named and takes_self:
            return await awaited(function(source) for source in sources)
        first = self._info(relation, info_of(paths()[0]))
        arguments = self._arguments(relation, first)

        def call(source: Any, path: Path) -> Any:
            keywords = {**arguments, **dict.fromkeys(named, source)}
            if resolver.info_parameter is not None:
                info = first if len(sources) == 1 else self._info(relation, info_of(path))
                keywords[resolver.info_parameter.name] = info
            return function(*([source] if takes_self else []), **keywords)

        return await awaited(map(call, sources, paths()))

    def _info(self, relation: Relation, raw: ResolveInfo) -> Any:
        return self._config.info_class(_raw_info=raw, _field=relation.strawberry)

    async def of_stock(
        self, selection: Selection, relation: Relation, sources: Sequence[Any], paths: Sequence[Path]
    ) -> Sequence[Any]:
        """Have the stock executor do a field, source by source."""
        if self._stock is None:
            self._stock = copy(self._executor)
            self._stock.stock = True
            self._stock.collected_errors = CollectedErrors()  # apart from those that are told
        return await awaited(
            self._stock.execute_field(selection.type, source, relation.details, path, None)
            for source, path in zip(sources, paths, strict=True)
        )

    def _raw_arguments(self, relation: Relation) -> dict[str, Any]:
        executor, first = self._executor, relation.details[0]
        if not relation.definition.args and not first.node.arguments:
            return {}
        return get_argument_values(
            relation.definition,
            first.node,
            executor.variable_values,
            first.fragment_variable_values,
            executor.hide_suggestions,
        )

    def _arguments(self, relation: Relation, info: Any) -> Mapping[str, Any]:
        """The arguments as the resolver takes them; made once where no variable is in them."""
        if relation.arguments is not None:
            return relation.arguments
        assert relation.strawberry is not None
        made = convert_arguments(
            self._raw_arguments(relation),
            relation.strawberry.arguments,
            scalar_registry=self._scalars,
            config=self._config,
            info=info,
        )
        if not depends_on_variables(relation.details[0].node):
            relation.arguments = made
        return made
