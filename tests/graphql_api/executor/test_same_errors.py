"""What goes wrong, and how: the same from both executors, on a schema in which everything can go wrong."""

import asyncio
import os
from collections.abc import Sequence
from enum import Enum
from typing import Annotated, Any

import pytest
import strawberry
from graphql import ExecutionResult, execute, parse
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis_graphql import queries
from strawberry.dataloader import DataLoader
from strawberry.extensions import SchemaExtension
from strawberry.permission import BasePermission
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from graphql_api.executor import BreadthFirstExecutor, batched, by_class, column

EXAMPLES = 10_000 if os.environ.get("EXECGRAPH_TORTURE") == "full" else 400


class Never(BasePermission):
    """Refuses."""

    message = "not for you"

    def has_permission(self, source: Any, info: strawberry.Info, **_: Any) -> bool:
        return False


@strawberry.enum
class Colour(Enum):
    """Colours."""

    RED = "red"
    BLUE = "blue"


class Record:
    """What a `Thing` is resolved from."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.name = f"thing {number}" if number % 5 else None
        self.colour = [Colour.RED, "blue", "green", None][number % 4]
        self.huge = 2**40 if number % 3 == 0 else number
        self.secret = "hush"
        self.grid = [[1, None], [2]] if number % 2 else [[3], None]
        self.strict_grid = [[1, 2], [3, None]] if number % 7 == 0 else [[1], []]
        self.broken = ValueError("an error for a value") if number % 4 == 0 else "whole"

    @property
    def failing(self) -> str:
        """Fails for some."""
        if self.number % 3 == 1:
            raise RuntimeError(f"no value for {self.number}")
        return "fine"


@strawberry.type
class Other:
    """Another member of the union."""

    label: str | None


@strawberry.type
class Thing:
    """A thing; resolved from a Record."""

    number: int
    name: str
    colour: Colour | None
    huge: int | None
    grid: list[list[int | None] | None]
    strict_grid: list[list[int]] | None
    broken: str | None
    failing: str | None
    secret: str | None = strawberry.field(
        resolver=column("secret", str | None, lambda context: None if context.shown else lambda _: "***")
    )

    @classmethod
    @by_class
    def is_type_of(cls, value: object, _info: Any) -> bool:
        return isinstance(value, Record)

    @strawberry.field
    def shout(self, times: int = 1) -> str | None:
        number = self.number  # the source is a Record
        if times < 0:
            raise ValueError("too quiet")
        return None if number % 2 else "!" * min(times, 5)

    @strawberry.field
    async def later(self, info: strawberry.Info) -> str:
        await asyncio.sleep(0)
        if self.number % 5 == 2:
            raise RuntimeError(f"too late at {info.path.key}")
        return f"{info.path.key} of {self.number}"

    @strawberry.field(permission_classes=[Never])
    def forbidden(self) -> str | None:
        return "never"

    @strawberry.field
    @batched
    @staticmethod
    async def friends(
        parents: Sequence[Record], info: strawberry.Info, first: int = 2, seed: int = 1
    ) -> list[list[Annotated["Thing", strawberry.lazy("tests.graphql_api.executor.test_same_errors")]]]:
        if seed == 3:
            raise RuntimeError("all at once")
        await asyncio.sleep(0)
        made: list[Any] = [
            [Record(parent.number + seed + place) for place in range(min(first, 3))] for parent in parents
        ]
        refused = ValueError("no friends")
        return [refused if parent.number % 6 == 5 else each for parent, each in zip(parents, made, strict=True)]

    @strawberry.field
    @batched
    @staticmethod
    async def neighbour(
        parents: Sequence[Record], info: strawberry.Info
    ) -> list[Annotated["Thing", strawberry.lazy("tests.graphql_api.executor.test_same_errors")] | None]:
        return [Record(parent.number + 1) if parent.number % 2 else None for parent in parents]  # type: ignore[misc]

    @strawberry.field
    def anything(
        self,
    ) -> Annotated["Thing | Other", strawberry.union("Anything")] | None:
        return [Record(self.number + 1), Other(label="x"), None, "neither"][self.number % 4]  # type: ignore[return-value]

    @strawberry.field
    def strict(self) -> Annotated["Thing", strawberry.lazy("tests.graphql_api.executor.test_same_errors")]:
        return Record(self.number + 2) if self.number % 3 else None  # type: ignore[return-value]

    @strawberry.field
    def mixed(self) -> list[Annotated["Thing", strawberry.lazy("tests.graphql_api.executor.test_same_errors")] | None]:
        return [Record(1), None, KeyError("in a list")][: 1 + self.number % 3]  # type: ignore[return-value]


@strawberry.type
class Query:
    """Things."""

    @strawberry.field
    def thing(self, number: int = 1) -> Thing | None:
        return Record(number % 100) if number >= 0 else None  # type: ignore[return-value]

    @strawberry.field
    async def things(self, first: int = 3) -> list[Thing]:
        return [Record(number) for number in range(max(0, min(first, 8)))]  # type: ignore[misc]

    @strawberry.field
    def strict(self) -> Thing:
        return Record(3)  # type: ignore[return-value]

    @strawberry.field
    def failing(self) -> Thing | None:
        raise RuntimeError("at the root")


class Context:
    """What resolvers are given."""

    def __init__(self, *, shown: bool) -> None:
        self.shown = shown
        self.loaders: dict[Any, DataLoader[Any, Any]] = {}


BREADTH_FIRST = strawberry.Schema(Query, types=[Other], execution_context_class=BreadthFirstExecutor)
STOCK = strawberry.Schema(Query, types=[Other], execution_context_class=StrawberryGraphQLCoreExecutionContext)


def differ(ours: Any, stock: Any) -> list[Any]:
    """In what two answers differ.

    Of several errors that null the same place, one is told, whichever came first: which that is among fields that are
    executed side by side is nobody's to say. So an error counts as the same as another that nulled the same place.
    """
    if ours[0] != stock[0]:
        return [ours[0], stock[0]]
    places = [{_nulled(answer[0], error["path"]) for error in answer[1]} for answer in (ours, stock)]
    known = [{repr(error) for error in answer[1]} for answer in (ours, stock)]
    different = [
        error
        for errors, others, there in ((ours[1], known[1], places[1]), (stock[1], known[0], places[0]))
        for error in errors
        if repr(error) not in others and not (_is_nulled(ours[0], error) and _nulled(ours[0], error["path"]) in there)
    ]
    return [*different, *(places[0] ^ places[1])]


def _nulled(data: Any, path: list[Any]) -> tuple[Any, ...]:
    """The place that an error made null."""
    for depth, key in enumerate(path):
        if data is None:
            return tuple(path[:depth])
        data = data[key]
    return tuple(path)


def _is_nulled(data: Any, error: Any) -> bool:
    """Whether an error made more than its own field null."""
    return len(_nulled(data, error["path"])) < len(error["path"])


async def answer(schema: strawberry.Schema, document: str, **variables: Any) -> Any:
    """The data, and the errors with their paths and places."""
    result = await schema.execute(document, variable_values=variables, context_value=Context(shown=False))
    errors = sorted((error.formatted for error in getattr(result, "errors", None) or ()), key=repr)
    return result.data, errors


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Strawberry logs each error."""
    monkeypatch.setattr(strawberry.Schema, "process_errors", lambda *_: None)


@pytest.mark.torture
@pytest.mark.timeout(120 if EXAMPLES < 1_000 else 3_600)
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(document=queries(STOCK.as_str()))
def test_any_document_gets_the_same_data_and_errors(document: str) -> None:
    async def both() -> tuple[Any, Any]:
        return await answer(BREADTH_FIRST, document), await answer(STOCK, document)

    ours, stock = asyncio.run(both())
    assert differ(ours, stock) == []


DOCUMENTS = {
    "aliases, fragments and type names": """{
        a: thing(number: 7) { ...F name __typename } b: thing(number: 8) { ...F n: number }
    } fragment F on Thing { t: __typename friends(first: 1) { number colour } }""",
    "nulls in non-null places": "{ things(first: 6) { number name strictGrid } }",
    "a null that takes its parents along": """{
        thing(number: 4) { neighbour { number } friends { strict { strict { name } } } }
    }""",
    "lists of lists": "{ things(first: 5) { grid strictGrid } }",
    "an error as a value, and one in a list": "{ things(first: 5) { broken } thing(number: 2) { mixed { number } } }",
    "failing attributes": "{ thing(number: 4) { failing number } }",
    "an enum's unknown value": "{ thing(number: 2) { number colour } }",
    "an integer beyond 32 bits": "{ thing(number: 3) { huge } }",
    "a resolver that knows its path": "{ things(first: 2) { l: later neighbour { later } } }",
    "a resolver that fails later": "{ things(first: 5) { later } }",
    "a permission": "{ thing { forbidden number } }",
    "one parent's error from a batch": "{ thing(number: 4) { number friends { friends { number } } } }",
    "an error of the whole batch": "{ thing { friends(seed: 3) { number } } }",
    "abstract types": """{
        things(first: 8) { anything { __typename ... on Thing { number } ... on Other { label } } }
    }""",
    "conditions": """query ($yes: Boolean = true, $no: Boolean = false) { thing {
        number @include(if: $no) name: number @skip(if: $no)
        ... @include(if: $yes) { colour } friends @skip(if: $yes) { name }
    } }""",
    "an error at the root beside data": "{ failing { number } strict { number } }",
    "what is made of a column": "{ things(first: 2) { secret } }",
    "introspection": '{ __schema { queryType { name } } __type(name: "Thing") { fields { name } } thing { number } }',
}


@pytest.mark.parametrize("name", DOCUMENTS)
async def test_the_same_answer(name: str) -> None:
    for _ in range(2):  # the second time the plan is there
        assert await answer(BREADTH_FIRST, DOCUMENTS[name]) == await answer(STOCK, DOCUMENTS[name])


async def test_a_plan_is_for_the_values_of_the_conditions_it_was_made_for() -> None:
    document = parse("query ($with: Boolean!) { thing { number @include(if: $with) huge @skip(if: $with) } }")
    answers = []
    for value in (True, False, True):
        executed: Any = execute(
            BREADTH_FIRST._schema,
            document,
            variable_values={"with": value},
            context_value=Context(shown=True),
            executor_class=BreadthFirstExecutor,
        )
        answers.append(executed.data)
    assert answers == [{"thing": {"number": 1}}, {"thing": {"huge": 1}}, {"thing": {"number": 1}}]


async def test_extensions_that_resolve_see_every_field() -> None:
    seen: list[str] = []

    class Noting(SchemaExtension):
        def resolve(self, _next: Any, root: Any, info: Any, *args: Any, **kwargs: Any) -> Any:
            seen.append(info.field_name)
            return _next(root, info, *args, **kwargs)

    schema = strawberry.Schema(Query, extensions=[Noting], execution_context_class=BreadthFirstExecutor)
    data, errors = await answer(schema, "{ thing { number neighbour { number } } }")
    assert (data, errors) == ({"thing": {"number": 1, "neighbour": {"number": 2}}}, [])
    assert seen == ["thing", "number", "neighbour", "number"]


async def test_a_conversion_need_not_tell_of_whole_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    left_to_stock: list[Any] = []
    monkeypatch.setattr(BreadthFirstExecutor, "_note_fallback", lambda _, what: left_to_stock.append(what))
    assert await answer(BREADTH_FIRST, "{ things(first: 2) { secret } }") == (
        {"things": [{"secret": "***"}, {"secret": "***"}]},
        [],
    )
    assert left_to_stock == []


def test_without_an_event_loop_what_needs_none_is_executed() -> None:
    result = BREADTH_FIRST.execute_sync("{ thing { number name } }", context_value=Context(shown=True))
    assert isinstance(result.data, dict) or isinstance(result, ExecutionResult)
    assert result.data == {"thing": {"number": 1, "name": "thing 1"}}


async def test_what_waits_when_something_else_fails_has_ended_before_the_answer() -> None:
    ended: list[str] = []
    calls: list[str] = []
    waits: set[str] = set()

    async def wait(name: str) -> int:
        calls.append(name)
        try:
            if name in waits and calls.count(name) == 1:
                await asyncio.Event().wait()
            return 1
        finally:
            ended.append(name)

    @strawberry.type
    class Roots:
        @strawberry.field
        async def first(self) -> int | None:
            return await wait("first")

        @strawberry.field
        async def second(self) -> int | None:
            return await wait("second")

        @strawberry.field
        async def at_once(self) -> int | None:
            raise ValueError("at once")

        @strawberry.field
        async def later(self) -> int | None:
            calls.append("later")
            await asyncio.sleep(0)
            raise ValueError("later")

    schema = strawberry.Schema(Roots, execution_context_class=BreadthFirstExecutor)
    for failing, waiting in (("atOnce", {"first"}), ("later", {"first", "second"})):
        ended.clear()
        calls.clear()
        waits = waiting
        async with asyncio.timeout(10):
            data, errors = await answer(schema, f"{{ first {failing} second }}")
        assert data == {"first": 1, failing: None, "second": 1}
        assert len(errors) == 1
        assert sorted(ended) == sorted(name for name in calls if name != "later")
        assert calls.count("later") == (failing == "later")  # a root resolver that raised is not called again
