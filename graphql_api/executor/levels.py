"""Completing values level by level: all objects of a level together, each relation of theirs by one call."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import attrgetter, itemgetter
from typing import Any

from graphql import (
    GraphQLAbstractType,
    GraphQLList,
    GraphQLObjectType,
    GraphQLOutputType,
    Undefined,
    is_leaf_type,
    is_object_type,
)
from graphql.execution.collect_fields import FieldDetailsList, collect_fields
from graphql.execution.executor import to_nodes
from graphql.pyutils import Path
from orjson import Fragment

from graphql_api.executor.eager import Waiting, abandon, begin, gather
from graphql_api.executor.leaves import MAX_SAFE, SAFE, Completer, Unusual, check, completer
from graphql_api.executor.plans import (
    Relation,
    ResolveInfo,
    Selection,
    Selections,
    Way,
    select,
    unwrapped,
)
from graphql_api.executor.resolving import Paths, Resolvers

NONE = type(None)

OF_TYPE: set[tuple[GraphQLObjectType, type]] = set()
"""Classes whose instances are all of a type, as far as they were met."""

ROOT = (None, "")
"""Where the selection of a query's root type is kept among those of the root fields."""


def _no_paths() -> list[Any]:
    return [None]


@dataclass(slots=True)
class Field:
    """A field whose values are completed."""

    details: FieldDetailsList
    info: Callable[[], ResolveInfo]
    selections: Selections
    """What is selected of its values, by its place and the name of their type."""
    place: Any


class Levels:
    """One attempt to execute a query, or to complete what a root field gave. Raises whatever is unusual."""

    def __init__(self, executor: Any) -> None:
        self._executor = executor
        self._resolvers = Resolvers(executor)
        self._record_types: tuple[type, ...] = executor.record_types
        self._written: str | None = executor.written
        self._completers: dict[int, list[Completer]] = {}
        self._converts: dict[int, dict[int, Any]] = {}
        self._root: Selection | None = None
        self.roots: dict[str, Any] = {}
        """What the root fields of a query gave, or raised."""

    async def query(self) -> dict[str, Any]:
        """Execute a query."""
        executor = self._executor
        selections = self._plans()
        selection = selections.get(ROOT)
        if selection is None:
            selection = selections[ROOT] = self._select_root()
        self._root = selection
        (data,) = await self._selected(selection, [executor.root_value], {type(executor.root_value)}, _no_paths)
        self._resolvers.check_errors()
        return data

    def _select_root(self) -> Selection:
        executor = self._executor
        type_ = executor.schema.query_type
        grouped, deferred, _ = collect_fields(
            executor.schema,
            executor.fragments,
            executor.variable_values,
            type_,
            executor.operation,
            executor.hide_suggestions,
        )
        if deferred:
            raise Unusual
        return select(type_, grouped, executor.schema.get_field)

    def _plans(self) -> Selections:
        executor = self._executor
        found: Selections = executor.plans.of(
            executor.schema,
            executor.operation,
            executor.fragment_definitions.values(),
            executor.variable_values.coerced,
        )
        return found

    async def root(self, type_: GraphQLOutputType, details: FieldDetailsList, info: ResolveInfo, value: Any) -> Any:
        """Complete the value of a root field."""
        field = Field(details, lambda: info, self._plans(), info.path.key)
        (completed,) = await self._values(type_, field, [value], lambda: [info.path])
        self._resolvers.check_errors()
        return completed

    async def _values(
        self, type_: GraphQLOutputType, field: Field, values: Sequence[Any], paths: Paths
    ) -> Sequence[Any]:
        """Complete values of a type, each of which may be None if the type allows it."""
        type_, non_null = unwrapped(type_)
        classes = set(map(type, values))
        if NONE not in classes:
            return await self._present(type_, field, values, classes, paths) if values else []
        if non_null:
            raise Unusual
        classes.discard(NONE)
        places = [place for place, value in enumerate(values) if value is not None]
        return await self._some(values, places, paths, lambda some, at: self._present(type_, field, some, classes, at))

    async def _some(
        self, values: Sequence[Any], places: Sequence[int], paths: Paths, complete: Callable[[list[Any], Paths], Any]
    ) -> list[Any]:
        """Complete the values in some places; the others are None."""
        completed: list[Any] = [None] * len(values)

        def their_paths() -> list[Path]:
            all_paths = paths()
            return [all_paths[place] for place in places]

        if places:
            found = await complete([values[place] for place in places], their_paths)
            for place, value in zip(places, found, strict=True):
                completed[place] = value
        return completed

    async def _present(
        self, type_: GraphQLOutputType, field: Field, values: Sequence[Any], classes: set[type], paths: Paths
    ) -> Sequence[Any]:
        """Complete values of a nullable type, none of which is None."""
        if not classes <= SAFE:
            for value in values:
                check(value)
        if isinstance(type_, GraphQLList):
            return await self._lists(type_.of_type, field, values, classes, paths)
        if is_leaf_type(type_):
            complete = completer(type_)
            completed = [complete(value) for value in values]
            if any(value is None or value is Undefined for value in completed):
                raise Unusual
            return completed
        if is_object_type(type_):
            return await self._objects(type_, field, values, classes, paths)
        assert isinstance(type_, GraphQLAbstractType)
        return await self._abstract(type_, field, values, paths)

    async def _lists(
        self, item_type: GraphQLOutputType, field: Field, lists: Sequence[Any], classes: set[type], paths: Paths
    ) -> Sequence[Any]:
        """Complete the items of all lists together."""
        if not classes <= {list, tuple}:
            raise Unusual
        items = lists[0] if len(lists) == 1 else list(chain.from_iterable(lists))

        def item_paths() -> list[Path]:
            owners = zip(paths(), lists, strict=True)
            return [path.add_key(place, None) for path, each in owners for place in range(len(each))]

        completed = list(await self._values(item_type, field, items, item_paths))
        if len(lists) == 1:
            return [completed]
        begin_, split = 0, []
        for each in lists:
            split.append(completed[begin_ : begin_ + len(each)])
            begin_ += len(each)
        return split

    async def _abstract(
        self, type_: GraphQLAbstractType, field: Field, values: Sequence[Any], paths: Paths
    ) -> Sequence[Any]:
        """Complete the values of each object type together."""
        executor, info = self._executor, field.info()
        resolve_type = type_.resolve_type or executor.type_resolver
        of_types: dict[Any, list[int]] = {}
        for place, value in enumerate(values):
            of_types.setdefault(resolve_type(value, info, type_), []).append(place)
        completed: list[Any] = [None] * len(values)
        for name, places in of_types.items():
            object_type = executor.ensure_valid_runtime_type(name, type_, field.details, info, values[places[0]])
            found = await self._some(
                values,
                places,
                paths,
                lambda some, at, object_type=object_type: self._objects(  # type: ignore[misc]
                    object_type, field, some, set(map(type, some)), at
                ),
            )
            for place in places:
                completed[place] = found[place]
        return completed

    async def _objects(
        self, type_: GraphQLObjectType, field: Field, sources: Sequence[Any], classes: set[type], paths: Paths
    ) -> Sequence[dict[str, Any]]:
        """Complete objects: their leaves by one function, then their relations side by side."""
        if type_.is_type_of is not None:
            self._check_types(type_, field, sources, classes)
        return await self._selected(self._selection(type_, field), sources, classes, paths)

    async def _selected(
        self, selection: Selection, sources: Sequence[Any], classes: set[type], paths: Paths
    ) -> Sequence[dict[str, Any]]:
        """Complete what is selected of objects of one type."""
        items = bool(self._record_types) and self._are_records(classes)
        if items and self._written in sources[0]:
            written: Any = list(map(Fragment, self._executor.written_texts(sources)))
            return written
        completers = self._completers_of(selection, sources, itemgetter if items else attrgetter)
        leaves = selection.function(items=items, converted=completers is not selection.completers)
        answers = leaves(sources, completers)
        if not selection.relations:
            return answers
        if len(selection.relations) == 1:
            (relation,) = selection.relations
            _fill(answers, relation, await self._relation(selection, 0, relation, sources, paths))
            return answers
        waiting: list[tuple[Relation, Waiting]] = []
        try:
            for place, relation in enumerate(selection.relations):
                found = begin(self._relation(selection, place, relation, sources, paths))
                if isinstance(found, Waiting):
                    waiting.append((relation, found))
                else:
                    _fill(answers, relation, found)
        except Exception:
            await abandon(begun for _, begun in waiting)
            raise
        if len(waiting) == 1:
            _fill(answers, waiting[0][0], await waiting[0][1])
        elif waiting:
            results = await gather(begun for _, begun in waiting)
            for (relation, _), values in zip(waiting, results, strict=True):
                _fill(answers, relation, values)
        return answers

    def _are_records(self, classes: set[type]) -> bool:
        for class_ in classes:  # noqa: SIM110 - mostly there is one, for which a generator takes twice as long
            if not issubclass(class_, self._record_types):
                return False
        return True

    def _check_types(self, type_: GraphQLObjectType, field: Field, sources: Sequence[Any], classes: set[type]) -> None:
        """Ask whether the sources are of the type, one of each class where that is enough."""
        is_type_of = type_.is_type_of
        assert is_type_of is not None
        asked = sources
        if len(classes) == 1 and getattr(is_type_of, "by_class", False):
            if (type_, sources[0].__class__) in OF_TYPE:
                return
            asked = sources[:1]
        info = field.info()
        for source in asked:
            if is_type_of(source, info) is not True:
                raise Unusual
        if asked is not sources and len(OF_TYPE) < MAX_SAFE:
            OF_TYPE.add((type_, sources[0].__class__))

    def _selection(self, type_: GraphQLObjectType, field: Field) -> Selection:
        found = field.selections.get((field.place, type_.name))
        if found is None:
            grouped, deferred, _ = self._executor.collect_subfields(type_, field.details)
            if deferred:
                raise Unusual
            found = field.selections[field.place, type_.name] = select(type_, grouped, self._executor.schema.get_field)
        return found

    def _completers_of(
        self, selection: Selection, sources: Sequence[Any], getter: Callable[[str], Callable[[Any], Any]]
    ) -> list[Completer]:
        """The completers of the leaves, for this context; a conversion that changes none of the values is left out."""
        if not selection.converted:
            return selection.completers
        found = self._completers.get(id(selection))
        if found is None:
            found = list(selection.completers)
            for place in selection.converted:
                convert = selection.leaves[place].convert
                made = None if convert is None else convert(self._executor.context_value)
                if made is not None:
                    found[place] = _composed(made, found[place])
                    self._converts.setdefault(id(selection), {})[place] = made
            self._completers[id(selection)] = found
        converts = self._converts.get(id(selection), {})
        changing = len(converts)
        for place, made in converts.items():
            attribute = selection.leaves[place].attribute
            changes_none = getattr(made, "changes_none", None)
            if len(sources) > 1 and changes_none and changes_none(list(map(getter(attribute), sources))):
                found = found.copy()
                found[place] = selection.completers[place]
                changing -= 1
        return found if changing else selection.completers

    async def _relation(
        self, selection: Selection, place: int, relation: Relation, sources: Sequence[Any], paths: Paths
    ) -> Sequence[Any]:
        """The completed values of a relation, one for each source."""
        executor, definition = self._executor, relation.definition
        nodes = to_nodes(relation.details)

        def info_of(path: Path) -> ResolveInfo:
            own = Path(path, relation.response_name, selection.type.name)
            return executor.build_resolve_info(definition, nodes, selection.type, own)

        def own_paths() -> list[Path]:
            return [Path(path, relation.response_name, selection.type.name) for path in paths()]

        if relation.way is Way.STOCK:
            return await self._resolvers.of_stock(selection, relation, sources, own_paths())
        try:
            values = await self._resolvers.values(relation, sources, paths, info_of)
        except Unusual:
            raise
        except Exception as error:
            if selection is self._root:
                self.roots[relation.response_name] = error
            raise
        if selection is self._root:
            self.roots[relation.response_name] = values[0]
        field = Field(relation.details, lambda: info_of(paths()[0]), selection.selections, place)
        return await self._values(definition.type, field, values, own_paths)


def _fill(answers: Sequence[dict[str, Any]], relation: Relation, values: Sequence[Any]) -> None:
    name = relation.response_name
    for answer, value in zip(answers, values, strict=True):
        answer[name] = value
    if relation.way is Way.STOCK:
        for answer in answers:
            if answer[name] is Undefined:
                del answer[name]


def _composed(convert: Callable[[Any], Any], complete: Completer) -> Completer:
    return lambda value: complete(convert(value))
