"""Resolving a field for the objects of a level: what its function gives, before any of it is completed."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from graphql.execution.values import get_argument_values
from graphql.pyutils import Path
from strawberry.types.arguments import convert_arguments

from graphql_api.executor.eager import awaited
from graphql_api.executor.leaves import Unusual
from graphql_api.executor.plans import Relation, ResolveInfo, Selection, Way, passed_on

Paths = Callable[[], list[Any]]
"""Where the values of a level stand in the answer; asked for only by what has to know. The root has no path."""


class _LazyResolveInfo:
    """graphql-core's info of a field, made when more is asked of it than the context: hardly any resolver does."""

    __slots__ = ("_made", "_make", "context")

    def __init__(self, context: Any, make: Callable[[], ResolveInfo]) -> None:
        self.context = context
        self._make = make
        self._made: ResolveInfo | None = None

    def __getattr__(self, name: str) -> Any:
        if self._made is None:
            self._made = self._make()
        return getattr(self._made, name)


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
            info = self._info(relation, lambda: info_of(paths()[0]))
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
        first = self._info(relation, lambda: info_of(paths()[0]))
        arguments = self._arguments(relation, first)

        def call(place: int, source: Any) -> Any:
            keywords = {**arguments, **dict.fromkeys(named, source)}
            if resolver.info_parameter is not None:
                info = self._info(relation, lambda: info_of(paths()[place])) if place else first
                keywords[resolver.info_parameter.name] = info
            return function(*([source] if takes_self else []), **keywords)

        if len(sources) == 1:
            value = call(0, sources[0])
            return [await value if hasattr(value, "__await__") else value]
        return await awaited(map(call, range(len(sources)), sources))

    def _info(self, relation: Relation, make: Callable[[], ResolveInfo]) -> Any:
        raw = _LazyResolveInfo(self._executor.context_value, make)
        return self._config.info_class(_raw_info=raw, _field=relation.strawberry)

    async def of_stock(
        self, selection: Selection, relation: Relation, sources: Sequence[Any], paths: Sequence[Path]
    ) -> Sequence[Any]:
        """Have the stock executor do a field, source by source."""
        if self._stock is None:
            self._stock = self._executor.stock_executor()
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
        """The arguments as the resolver takes them; made once but for variables that are passed on as they are."""
        known = relation.arguments
        if known is not None and not relation.passed:
            return known
        values = self._executor.variable_values.coerced
        if known is not None and all(
            values.get(each.variable) is not None or (each.variable in values and not each.non_null)
            for each in relation.passed
        ):
            return {**known, **{argument: values[variable] for argument, variable, _ in relation.passed}}
        strawberry = relation.strawberry
        assert strawberry is not None
        made = convert_arguments(
            self._raw_arguments(relation),
            strawberry.arguments,
            scalar_registry=self._scalars,
            config=self._config,
            info=info,
        )
        if not relation.is_known and relation.details[0].fragment_variable_values is None:
            name_of = self._config.name_converter.from_argument
            passed = passed_on(relation, {name_of(each): str(each.python_name) for each in strawberry.arguments})
            relation.is_known = passed is None or all(each.argument in made for each in passed)
            if passed is not None and all(
                each.argument in made and made[each.argument] is values.get(each.variable) for each in passed
            ):
                names = {each.argument for each in passed}
                relation.arguments = {name: value for name, value in made.items() if name not in names}
                relation.passed = passed
        return made
