"""Rows that PostgreSQL writes: which they are, and that nobody can tell from the answer."""

from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import null

from db import Database
from db.enums import Role
from graphql_api.bulk_inputs import Executor
from tests.api_server import ApiServer
from tests.api_tokens import make_token
from tests.graphql_api.reports import at, log, run, running, steps, transition, workflow
from tests.statements import counted_statements

RUN = "id status triggerType createdAt startedAt endedAt durationSeconds errorMessage revision"
STEP = "id status executionOrder key name startedAt durationSeconds retryCount canRetry errorMessage"
ENTRY = "sequence level message timestamp nodeExecutionId attempt"
WRITTEN = " AS written"


@pytest.fixture(scope="module")
def ids(api: ApiServer) -> dict[str, str]:
    """Runs of both kinds: one that has everything, one that has nothing yet."""
    word = uuid4().hex
    workflow_id, (node_id,) = workflow(api, "load", name=f'The "nightly" \\ {word} run\n')
    full = running(api, workflow_id)
    step_ids = steps(api, full, {"nodeId": node_id, "key": "load"}, "made up", "silent")
    transition(api, "startNodeExecution", step_ids[0], at=at(1.0))
    log(api, full, "quotes: \" ' \\ \t\n", "퀀트 \u2028 \x7f", nodeExecutionId=step_ids[0], timestamp=at(2))
    log(api, full, "of the run", timestamp="2026-01-12T12:00:03.120000+00:00", level="ERROR")
    transition(api, "failNodeExecution", step_ids[0], errorMessage="It\nbroke", at="2026-01-12T12:00:03.500000+00:00")
    transition(api, "completeWorkflowExecution", full, at=at(60))
    return {"id": full, "empty": run(api, workflow_id), "step": step_ids[0], "workflow": workflow_id, "word": word}


def both(api: ApiServer, monkeypatch: pytest.MonkeyPatch, document: str, **variables: Any) -> tuple[Any, list[str]]:
    """The answer, which the stock executor gives as well, and the statements that gave it."""
    with counted_statements() as statements:
        ours = api.post(document, **variables)
    with monkeypatch.context() as patched:
        patched.setattr(Executor, "stock", True)
        with counted_statements() as others:
            stock = api.post(document, **variables)
    assert not any(WRITTEN in each for each in others)
    for error in [*ours.get("errors", ()), *stock.get("errors", ())]:
        error.get("extensions", {}).pop("errorId", None)
    assert ours == stock
    return ours, statements


DOCUMENTS = [
    "{ workflowExecutions { nodes { __typename a: id b: id id ...F ... on WorkflowExecution { c: id } } } }"
    " fragment F on WorkflowExecution { status ... { d: namespace } }",
    f"{{ workflowExecutions(first: 50) {{ nodes {{ {RUN} workflow {{ id name version createdAt description }}"
    " logCounts { __typename total debug info warning error } } pageInfo { endCursor hasNextPage } } }",
    "{ workflowExecutions { edges { cursor node { id workflow { ...W } } } } }"
    " fragment W on Workflow { name key __typename }",
    "{ workflowExecutions(orderBy: { field: DURATION }, filter: { status: [COMPLETED, PENDING] }) {"
    " nodes { status } pageInfo { startCursor } } }",
    f"query ($id: UUID!) {{ workflowExecution(id: $id) {{ nodeExecutions {{ nodes {{ {STEP} }} totalCount }} }} }}",
    f"query ($id: UUID!) {{ workflowExecution(id: $id) {{ logs(last: 3) {{ nodes {{ {ENTRY} }} lastSequence }} }} }}",
    f"query ($id: UUID!) {{ workflowExecution(id: $id) {{ {RUN} nodeExecutions {{ nodes {{ id"
    f" logs(first: 2) {{ nodes {{ {ENTRY} }} pageInfo {{ endCursor hasNextPage }} }} }} }} }} }}",
    "query ($empty: UUID!) { workflowExecution(id: $empty) { id startedAt logs { nodes { message } lastSequence } } }",
    "query ($workflow: UUID!) { workflow(id: $workflow) { id name executions { nodes { status durationSeconds } } } }",
    "{ workflows { nodes { id name description updatedAt } } }",
    "query ($id: UUID!) { workflowExecution(id: $id) { logs { nodes { level } } }"
    " workflowExecutionStats { summary { total } } }",
]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_rows_of_which_values_are_shown_are_written(
    api: ApiServer, ids: dict[str, str], monkeypatch: pytest.MonkeyPatch, document: str
) -> None:
    answer, statements = both(
        api, monkeypatch, document, **{name: id_ for name, id_ in ids.items() if f"${name}" in document}
    )
    assert "errors" not in answer
    assert any(WRITTEN in each for each in statements)


NOT_WRITTEN = [
    f"query ($id: UUID!) {{ workflowExecution(id: $id) {{ {RUN} }} }}",  # one row is read faster
    f"query ($step: UUID!) {{ nodeExecution(id: $step) {{ {STEP} }} }}",
    "query ($id: UUID!) { workflowExecution(id: $id) { id inputData } }",  # JSON is looked at on its way out
    "query ($id: UUID!) { workflowExecution(id: $id) { id nodeStatusCounts { total } } }",
    "query ($id: UUID!) { workflowExecution(id: $id) { id workflow { id nodes { key } } } }",
    "query ($id: UUID!) { workflowExecution(id: $id) { id definition { version } } }",
    "query ($id: UUID!, $x: Boolean = true) { workflowExecution(id: $id) { id status @include(if: $x) } }",
    "query ($id: UUID!, $x: Boolean = false) { workflowExecution(id: $id) { id ... @skip(if: $x) { status } } }",
    "query ($id: UUID!) { workflowExecution(id: $id) { id } b: workflowExecution(id: $id) { status } }",
    "query ($id: UUID!) { workflowExecution(id: $id) { logs { nodes { id message } } } }",
    "query ($workflow: UUID!) { workflow(id: $workflow) { executions { nodes { id logCounts { total } } } version"
    " updatedAt nodes { key } } }",
]


@pytest.mark.parametrize("document", NOT_WRITTEN)
def test_others_are_read(api: ApiServer, ids: dict[str, str], monkeypatch: pytest.MonkeyPatch, document: str) -> None:
    answer, statements = both(
        api, monkeypatch, document, **{name: id_ for name, id_ in ids.items() if f"${name}" in document}
    )
    assert "errors" not in answer
    assert not any(WRITTEN in each for each in statements)


def test_when_something_fails_beside_them_all_is_read_anew(
    api: ApiServer, ids: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    document = """query ($id: UUID!, $word: String!) {
        workflows(search: $word) { nodes { id name } }
        workflowExecution(id: $id) { id logs(after: "no cursor") { nodes { message } } }
    }"""
    answer, statements = both(api, monkeypatch, document, id=ids["id"], word=ids["word"])
    assert [error["path"] for error in answer["errors"]] == [["workflowExecution", "logs"]]
    assert [each["id"] for each in answer["data"]["workflows"]["nodes"]] == [ids["workflow"]]
    assert [WRITTEN in each for each in statements].count(True) == 1


def test_what_could_not_be_written_is_read(
    api: ApiServer, ids: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("db.written._bare", lambda *_: null())
    document = (
        "query ($id: UUID!) { workflowExecution(id: $id) { nodeExecutions { nodes { seen: status revision } } } }"
    )
    answer, statements = both(api, monkeypatch, document, id=ids["id"])
    assert len(answer["data"]["workflowExecution"]["nodeExecutions"]["nodes"]) == 3
    assert [WRITTEN in each for each in statements] == [False, True, False, False]


@pytest.mark.parametrize(("role", "shown"), [("viewer", "token=***"), ("admin", "token=abcdefgh")])
async def test_secrets_are_masked_for_whom_they_are_not(
    database_url: str, monkeypatch: pytest.MonkeyPatch, role: str, shown: str
) -> None:
    document = "query ($id: UUID!) { workflowExecution(id: $id) { logs { nodes { message again: message } } } }"
    with ApiServer(database_url, authentication="required") as server:
        async with Database(database_url) as database:
            tokens = {each: await make_token(database, each, Role(each)) for each in ("engine", role)}
        server.http.headers["authorization"] = f"Bearer {tokens['engine']}"
        run_id = running(server, workflow(server)[0])
        log(server, run_id, "nothing to hide")
        server.http.headers["authorization"] = f"Bearer {tokens[role]}"
        plain, statements = both(server, monkeypatch, document, id=run_id)
        assert any(WRITTEN in each for each in statements)
        assert plain["data"]["workflowExecution"]["logs"]["nodes"] == [
            {"message": "nothing to hide", "again": "nothing to hide"}
        ]
        server.http.headers["authorization"] = f"Bearer {tokens['engine']}"
        log(server, run_id, 'with token=abcdefgh, \\ "again":"token=abcdefgh"\x1f\x7f퀀트\u2028')
        server.http.headers["authorization"] = f"Bearer {tokens[role]}"
        secret, statements = both(server, monkeypatch, document, id=run_id)
        assert any(WRITTEN in each for each in statements)
        messages = [entry["message"] for entry in secret["data"]["workflowExecution"]["logs"]["nodes"]]
        assert messages == ["nothing to hide", f'with {shown}, \\ "again":"{shown}"\x1f\x7f퀀트\u2028']


async def test_who_sees_some_namespaces_sees_no_other_because_of_it(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = "{ workflowExecutions { nodes { id workflow { name } } } }"
    one = "query ($id: UUID!) { workflowExecution(id: $id) { id logs { nodes { message } } } }"
    with ApiServer(database_url, authentication="required") as server:
        async with Database(database_url) as database:
            engine = await make_token(database, "engine", Role.ENGINE)
            viewer = await make_token(database, "viewer", Role.VIEWER, namespaces=["here"])
        server.http.headers["authorization"] = f"Bearer {engine}"
        here, there = (run(server, workflow(server, namespace=namespace)[0]) for namespace in ("here", "there"))
        server.http.headers["authorization"] = f"Bearer {viewer}"
        answer, _ = both(server, monkeypatch, page)
        assert [each["id"] for each in answer["data"]["workflowExecutions"]["nodes"]] == [here]
        assert both(server, monkeypatch, one, id=there)[0] == {"data": {"workflowExecution": None}}
        found, statements = both(server, monkeypatch, one, id=here)
        assert found["data"]["workflowExecution"]["id"] == here
        assert any(WRITTEN in each for each in statements)
