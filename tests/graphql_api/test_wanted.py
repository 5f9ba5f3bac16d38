"""A row is read without what a document does not show, and what it does show is the same as ever."""

import logging
from typing import Any

import pytest
from graphql import GraphQLField, get_named_type, is_leaf_type, is_required_argument

from graphql_api.schema import build_schema
from graphql_api.wanted import RECORDS
from tests.api_server import ApiServer
from tests.graphql_api.reports import log, running, steps, transition, workflow
from tests.statements import counted_statements

SCHEMA = build_schema()._schema

ROOTS = {
    "Workflow": ("query ($id: UUID!) {{ workflow(id: $id) {{ {} }} }}", ()),
    "WorkflowExecution": ("query ($id: UUID!) {{ workflowExecution(id: $id) {{ {} }} }}", ()),
    "NodeExecution": ("query ($id: UUID!) {{ nodeExecution(id: $id) {{ {} }} }}", ()),
    "ExecutionLog": (
        "query ($id: UUID!) {{ workflowExecution(id: $id) {{ logs {{ nodes {{ {} }} }} }} }}",
        ("logs", "nodes"),
    ),
}
LISTS = {
    "Workflow": "query {{ workflows(first: 3) {{ nodes {{ {} }} }} }}",
    "WorkflowExecution": """query {{
        workflowExecutions(first: 3, orderBy: {{field: STARTED_AT}}) {{ nodes {{ {} }} pageInfo {{ endCursor }} }}
    }}""",
}


def selection(name: str, field: GraphQLField, depth: int = 3) -> str | None:
    """The field and the leaves below it; None if it cannot be asked for without an argument, or is too deep."""
    if any(is_required_argument(argument) for argument in field.args.values()):
        return None
    type_ = get_named_type(field.type)
    if is_leaf_type(type_):
        return name
    if depth == 0:
        return None
    inner = [selection(inner, each, depth - 1) for inner, each in type_.fields.items()]  # type: ignore[attr-defined]
    shown = " ".join(filter(None, inner))
    return f"{name} {{ {shown} }}" if shown else None


FIELDS = [
    (type_, name, shown)
    for type_ in ROOTS
    for name, field in SCHEMA.type_map[type_].fields.items()  # type: ignore[attr-defined]
    if (shown := selection(name, field, 2)) is not None
]


@pytest.fixture(scope="module")
def ids(api: ApiServer) -> dict[str, str]:
    """A run in which everything is set: it has a step that failed and started another run, of which it is a retry."""
    workflow_id, (node_id,) = workflow(api, "load", description="Loads")
    first = running(api, workflow_id, inputData={"a": 1}, context={"b": 2}, metadata={"c": 3})
    (outer,) = steps(api, first, {"name": "Outer", "key": "outer", "inputData": {"d": 4}, "nodeId": node_id})
    (inner,) = steps(api, first, {"name": "Inner", "parentId": outer})
    transition(api, "startNodeExecution", inner)
    log(api, first, "out of disk", nodeExecutionId=inner, level="ERROR", data={"e": 5})
    transition(api, "failNodeExecution", inner, errorMessage="out of disk")
    retry = running(api, workflow_id, retryOfId=first, parentNodeExecutionId=outer)
    log(api, retry, "again")
    transition(api, "failWorkflowExecution", retry, errorMessage="out of luck")
    return {"Workflow": workflow_id, "WorkflowExecution": retry, "NodeExecution": inner, "ExecutionLog": first}


def everything(type_: str) -> str:
    """All fields of a type."""
    return " ".join(shown for of, _, shown in FIELDS if of == type_)


def rows_in(answer: Any, path: tuple[str, ...]) -> list[Any]:
    """The objects that were asked about."""
    (found,) = answer["data"].values()
    for name in path:
        found = found[name]
    return found if isinstance(found, list) else [found]


@pytest.mark.parametrize("type_", ROOTS)
def test_each_field_alone_is_answered_as_among_all_others(api: ApiServer, ids: dict[str, str], type_: str) -> None:
    document, path = ROOTS[type_]
    whole = rows_in(api.post(document.format(everything(type_)), id=ids[type_]), path)
    for of, name, shown in FIELDS:
        if of == type_:
            alone = rows_in(api.post(document.format(shown), id=ids[type_]), path)
            assert alone == [{name: row[name]} for row in whole], name


@pytest.mark.parametrize("type_", LISTS)
def test_each_field_of_a_list_alone_is_answered_as_among_all_others(
    api: ApiServer, ids: dict[str, str], type_: str
) -> None:
    whole = rows_in(api.post(LISTS[type_].format(everything(type_))), ("nodes",))
    for of, name, shown in FIELDS:
        if of == type_:
            alone = rows_in(api.post(LISTS[type_].format(shown)), ("nodes",))
            assert alone == [{name: row[name]} for row in whole], name


def test_what_is_not_shown_is_not_read(api: ApiServer, ids: dict[str, str]) -> None:
    with counted_statements() as statements:
        api.ask("query ($id: UUID!) { workflowExecution(id: $id) { status } }", id=ids["WorkflowExecution"])
        api.ask(
            "query ($id: UUID!) { workflowExecution(id: $id) { logs { nodes { level } } } }", id=ids["ExecutionLog"]
        )

    run, _, entries = statements
    assert "status" in run
    left_out = ("error_message", "input_data", "execution_counters", "FROM workflows")
    assert not [name for name in left_out if name in run], run
    shown = entries.partition("FROM")[0]
    assert "level" in shown
    assert not any(name in shown for name in ("message", "data", "timestamp", "node_execution_id"))


def test_a_run_and_what_belongs_to_it_are_one_statement(api: ApiServer, ids: dict[str, str]) -> None:
    with counted_statements() as statements:
        found = api.ask(
            "query ($id: UUID!) { workflowExecution(id: $id) { workflow { name } logCounts { total } } }",
            id=ids["WorkflowExecution"],
        )

    assert found == {"workflow": {"name": "Flow"}, "logCounts": {"total": 1}}
    assert len(statements) == 1


def test_documents_in_which_nothing_is_unusual_are_not_left_to_the_stock_executor(
    api: ApiServer, ids: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "execgraph.executor"):
        for type_, (document, _) in ROOTS.items():
            assert "errors" not in api.post(document.format(everything(type_)), id=ids[type_])

    assert not [record for record in caplog.records if record.name == "execgraph.executor"]


def test_every_kind_of_rows_that_is_read_in_part_is_named() -> None:
    assert all(record.OPTIONAL for record in RECORDS.values())
    assert set(ROOTS) == set(RECORDS)
