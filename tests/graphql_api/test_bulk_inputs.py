"""Lists of inputs are coerced fast, with exactly the results, messages and paths of the stock coercion."""

from typing import Any

import pytest
from graphql import parse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.types.arguments import convert_argument

from graphql_api import bulk_inputs
from graphql_api.bulk_inputs import Executor
from graphql_api.schema import build_schema

SCHEMA = build_schema()
ID = "01a208b3-ed10-7526-bba0-8f8f935bfded"
DOCUMENTS = {
    "LogEntryInput": parse(
        "mutation ($items: [LogEntryInput!]!, $id: UUID!)"
        " { appendLogs(workflowExecutionId: $id, entries: $items) { __typename } }"
    ),
    "CreateNodeExecutionInput": parse(
        "mutation ($items: [CreateNodeExecutionInput!]!, $id: UUID!)"
        " { createNodeExecutions(workflowExecutionId: $id, nodeExecutions: $items) { __typename } }"
    ),
    "NodeTransitionInput": parse(
        "mutation ($items: [NodeTransitionInput!]!) { transitionNodeExecutions(transitions: $items) { __typename } }"
    ),
}
ARGUMENTS = {
    "LogEntryInput": ("append_logs", "entries"),
    "CreateNodeExecutionInput": ("create_node_executions", "node_executions"),
    "NodeTransitionInput": ("transition_node_executions", "transitions"),
}

scalars = st.sampled_from(
    [
        None, True, False, 0, 1, -1, 2**31 - 1, 2**31, -(2**31) - 1, 10**30, 1.0, 1.5, "", "INFO", "info", "ERROR", "x",
        ID, ID.upper(), ID.replace("-", ""), "2026-01-31T12:00:00Z", "2026-01-31T12:00:00",
        "2026-01-31t12:00:00.5+02:00",
        "2026-13-31T12:00:00Z", [], {}, ["x"], {"id": ID}, {"a": [1, None]},
    ]
)  # fmt: skip
FIELDS = {
    "LogEntryInput": ["level", "message", "data", "timestamp", "nodeExecutionId", "attempt"],
    "CreateNodeExecutionInput": ["id", "nodeId", "name", "key", "parentId", "executionOrder", "inputData"],
    "NodeTransitionInput": ["start", "complete", "fail", "cancel", "skip", "retry"],
}
VALID = {
    "LogEntryInput": {"level": "INFO", "message": "m"},
    "CreateNodeExecutionInput": {"name": "n", "executionOrder": 1},
    "NodeTransitionInput": {},
}
details = st.dictionaries(
    st.sampled_from(["id", "at", "inputData", "outputData", "errorMessage", "reason", "force", "other"]),
    scalars,
    max_size=4,
).map(lambda given: {"id": ID, **given})


def items(kind: str) -> st.SearchStrategy[Any]:
    values = details | scalars if kind == "NodeTransitionInput" else scalars
    names = st.sampled_from([*FIELDS[kind], "other"])
    objects = st.dictionaries(names, values, max_size=3).map(lambda given: {**VALID[kind], **given})
    return st.lists(objects | scalars, max_size=3) | scalars | objects


def outcome(executor: Any, kind: str, value: Any) -> Any:
    """What comes of a variable: the arguments that the resolver would get, or the errors."""
    built = executor.build(SCHEMA._schema, DOCUMENTS[kind], raw_variable_values={"items": value, "id": ID})
    if isinstance(built, list):
        return [(error.message, error.locations, error.path) for error in built]
    mutation, name = ARGUMENTS[kind]
    field = SCHEMA.get_type_by_name("Mutation").get_field(mutation)  # type: ignore[union-attr]
    (argument,) = (argument for argument in field.arguments if argument.python_name == name)
    registry = SCHEMA.schema_converter.scalar_registry
    converted = convert_argument(built.variable_values.coerced["items"], argument.type, registry, SCHEMA.config)
    return field.extensions[0].map_arguments({name: converted})


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_any_value_gives_what_the_stock_coercion_gives(kind: str) -> None:
    @settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
    @given(items(kind))
    def compare(value: Any) -> None:
        assert outcome(Executor, kind, value) == outcome(StrawberryGraphQLCoreExecutionContext, kind, value)

    compare()


@pytest.mark.parametrize(
    ("kind", "item"),
    [
        ("LogEntryInput", {"level": "INFO", "message": "m", "data": {"a": 1}, "timestamp": "2026-01-31T12:00:00Z"}),
        ("CreateNodeExecutionInput", {"name": "n", "key": "k", "executionOrder": 1, "inputData": [1]}),
        ("NodeTransitionInput", {"fail": {"id": ID, "errorMessage": "e"}}),
        ("NodeTransitionInput", {"retry": {"id": ID}}),
    ],
)
def test_ordinary_items_take_the_fast_way(kind: str, item: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    stock = StrawberryGraphQLCoreExecutionContext
    seen: list[Any] = []

    def build(*arguments: Any, **named: Any) -> Any:
        seen.append(arguments[4]["items"])
        return stock.__mro__[1].build.__func__(Executor, *arguments, **named)

    monkeypatch.setattr(stock, "build", build, raising=False)
    (converted,) = outcome(bulk_inputs.Executor, kind, [item] * 3).values()
    assert len(converted) == 3
    assert seen == [[]]
