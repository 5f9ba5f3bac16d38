"""No secret in any response, over any transport, or in a line of the log, for whom it is not."""

import asyncio
import io
import json
import logging
from typing import Any

import httpx
import pytest

from db import Database
from db.enums import Role
from graphql_api.observability.logs import JsonFormatter, TextFormatter
from tests.api_server import ApiServer
from tests.api_tokens import bearer, make_token
from tests.graphql_api import reports
from tests.security.conftest import Tokens
from tests.security.test_namespaces import Caller

SECRET = "hunter2"
DATA = {
    "secrets": {"any": [SECRET]},
    "nested": [{"dbPassword": SECRET, "url": f"postgres://me:{SECRET}@db/x"}],
    "plain": "shown",
}
SHOWN = {"secrets": "***", "nested": [{"dbPassword": "***", "url": "postgres://***@db/x"}], "plain": "shown"}
MESSAGE = f"cannot reach postgres://me:{SECRET}@db/x with password={SECRET}"
SHOWN_MESSAGE = "cannot reach postgres://***@db/x with password=***"

EVERYTHING = """
fragment Step on NodeExecution {
    inputData outputData errorMessage attempts { errorMessage } node { config retryConfig }
    logs { nodes { message data } }
}
fragment Run on WorkflowExecution {
    inputData outputData context metadata errorMessage
    workflow { nodes { config retryConfig } } definition { nodes { config retryConfig } }
    nodeExecutions { nodes { ...Step } }
    logs { nodes { message data } edges { node { message data workflowExecution { errorMessage context } } } }
}
"""
READ = "query ($id: UUID!) { workflowExecution(id: $id) { ...Run } }" + EVERYTHING
FOLLOW = {
    "logs": "subscription ($id: UUID!) { executionLogs(workflowExecutionId: $id) { entries { message data } } }",
    "run": "subscription ($id: UUID!) { workflowExecutionChanged(id: $id) {"
    " workflowExecution { ...Run } nodeExecutions { ...Step } } }" + EVERYTHING,
}


def report(api: Any) -> str:
    """A run that ended, with a secret everywhere where one can be."""
    node = {"key": "load", "config": DATA, "retryConfig": {"max_retries": 1, **DATA}}
    made = api.ask(
        """mutation ($input: CreateWorkflowInput!) {
            createWorkflow(input: $input) { ... on Workflow { id nodes { id } } }
        }""",
        input={"name": "Flow", "nodes": [node]},
    )
    run = reports.running(api, made["id"], inputData=DATA, context=DATA, metadata=DATA)
    (step,) = reports.steps(api, run, {"nodeId": made["nodes"][0]["id"], "inputData": DATA})
    for mutation, arguments in (
        ("startNodeExecution", {}),
        ("failNodeExecution", {"errorMessage": MESSAGE}),
        ("retryNodeExecution", {}),
        ("startNodeExecution", {}),
        ("completeNodeExecution", {"outputData": DATA}),
    ):
        reports.transition(api, mutation, step, **arguments)
    reports.log(api, run, MESSAGE, data=DATA, nodeExecutionId=step)
    reports.transition(api, "failWorkflowExecution", run, errorMessage=MESSAGE)
    return run


def without_secrets(answer: Any) -> None:
    """That nothing is left of the secret in an answer, and that all the rest is there."""
    text = json.dumps(answer)
    assert SECRET not in text
    assert "shown" in text
    assert SHOWN_MESSAGE in text


def test_without_authentication_secrets_are_masked_everywhere(api: ApiServer) -> None:
    run = report(api)
    answer = api.ask(READ, id=run)
    without_secrets(answer)
    assert answer["context"] == answer["inputData"] == answer["metadata"] == SHOWN
    (step,) = answer["nodeExecutions"]["nodes"]
    assert step["attempts"] == [{"errorMessage": SHOWN_MESSAGE}, {"errorMessage": None}]
    assert step["node"] == {"config": SHOWN, "retryConfig": {"max_retries": 1, **SHOWN}}
    assert answer["logs"]["nodes"] == [{"message": SHOWN_MESSAGE, "data": SHOWN}]


@pytest.mark.parametrize("followed", FOLLOW)
def test_events_are_masked_as_answers_are(api: ApiServer, followed: str) -> None:
    body = {"query": FOLLOW[followed], "variables": {"id": report(api)}}
    response = api.http.post("/graphql", json=body, headers={"accept": "text/event-stream"})
    without_secrets([json.loads(line[6:]) for line in response.text.splitlines() if line.startswith("data: {")])


def test_engines_and_admins_see_what_was_reported_and_viewers_do_not(guarded: ApiServer, tokens: Tokens) -> None:
    viewer, engine, admin = (Caller(guarded, token) for token in (tokens.viewer, tokens.engine, tokens.admin))
    run = report(engine)
    without_secrets(viewer.ask(READ, id=run))
    for caller in (engine, admin):
        answer = caller.ask(READ, id=run)
        assert answer["context"] == DATA
        assert answer["errorMessage"] == answer["logs"]["nodes"][0]["message"] == MESSAGE
        assert "***" not in json.dumps(answer)


async def test_who_follow_the_same_get_each_what_is_for_them(guarded: ApiServer, tokens: Tokens) -> None:
    """Answers to events are shared, but not between those who may see secrets and those who may not."""
    run = report(Caller(guarded, tokens.engine))

    async def followed(client: httpx.AsyncClient, token: str) -> str:
        headers = {**bearer(token), "accept": "text/event-stream"}
        body = {"query": FOLLOW["logs"], "variables": {"id": run}}
        return (await client.post(guarded.url, json=body, headers=headers, timeout=20)).text

    async with httpx.AsyncClient() as client:
        given = [tokens.viewer, tokens.engine, tokens.viewer, tokens.admin]
        texts = await asyncio.gather(*(followed(client, token) for token in given))
    assert [SECRET in text for text in texts] == [False, True, False, True]


COUNT = "query ($filter: WorkflowExecutionFilter) { workflowExecutions(filter: $filter) { totalCount } }"
LOGS = "query ($id: UUID!, $s: String) { workflowExecution(id: $id) { logs(filter: { search: $s }) { totalCount } } }"


async def test_a_search_finds_nothing_in_what_is_masked(guarded: ApiServer, tokens: Tokens) -> None:
    viewer, engine = Caller(guarded, tokens.viewer), Caller(guarded, tokens.engine)
    run = report(engine)
    for text in (SECRET, "HUNTER", "me:", "unter2@db", "=hunt", "h"):
        expected = 1 if text == "h" else 0  # `h` is in `reach`
        assert viewer.ask(COUNT, filter={"search": text}) == {"totalCount": expected}, text
        assert viewer.ask(LOGS, id=run, s=text)["logs"] == {"totalCount": expected}, text
        assert engine.ask(COUNT, filter={"search": text}) == {"totalCount": 1}
        assert engine.ask(LOGS, id=run, s=text)["logs"] == {"totalCount": 1}
    for text in ("cannot REACH", "postgres://", "@db/x with"):
        assert viewer.ask(COUNT, filter={"search": text}) == {"totalCount": 1}, text
        assert viewer.ask(LOGS, id=run, s=text)["logs"] == {"totalCount": 1}
    follow = """subscription ($id: UUID!, $s: String) {
        executionLogs(workflowExecutionId: $id, filter: { search: $s }) { entries { message } complete }
    }"""
    for caller, found in ((viewer, False), (engine, True)):
        body = {"query": follow, "variables": {"id": run, "s": SECRET}}
        headers = {**bearer(caller.token), "accept": "text/event-stream"}
        response = guarded.http.post("/graphql", json=body, headers=headers)
        assert ("cannot reach" in response.text) is found


@pytest.mark.parametrize(
    ("metadata", "key"),
    [
        ({"secrets": {}}, "secrets"),
        ({"secrets": "***"}, "secrets"),
        ({"nested": [{"dbPassword": SECRET}]}, "dbPassword"),
        ({"nested": [{"url": f"postgres://me:{SECRET}@db/x"}]}, "url"),
        ([{"token": "a"}], "token"),
    ],
)
def test_a_filter_by_what_is_masked_is_refused(api: ApiServer, metadata: Any, key: str) -> None:
    (error,) = api.post(COUNT, filter={"metadata": metadata})["errors"]
    assert (error["message"], error["extensions"]) == (
        f"`metadata` cannot be filtered by {key!r}: what it holds is masked",
        {"code": "BAD_USER_INPUT"},
    )


async def test_an_engine_may_filter_by_everything_and_a_viewer_by_the_rest(guarded: ApiServer, tokens: Tokens) -> None:
    viewer, engine = Caller(guarded, tokens.viewer), Caller(guarded, tokens.engine)
    report(engine)
    assert engine.ask(COUNT, filter={"metadata": {"secrets": {"any": [SECRET]}}}) == {"totalCount": 1}
    assert viewer.ask(COUNT, filter={"metadata": {"plain": "shown"}}) == {"totalCount": 1}
    async with Database(guarded.database_url) as database:
        limited = Caller(guarded, await make_token(database, "limited", Role.VIEWER, ["other"]))
    assert limited.ask(COUNT, filter={"metadata": {"plain": "shown"}}) == {"totalCount": 0}


APPEND = """mutation ($id: UUID!, $e: [LogEntryInput!]!) {
    appendLogs(workflowExecutionId: $id, entries: $e) { __typename }
}"""


@pytest.mark.parametrize("formatter", [TextFormatter(), JsonFormatter()], ids=["text", "json"])
def test_no_secret_is_in_the_log(server: ApiServer, formatter: logging.Formatter) -> None:
    lines = io.StringIO()
    handler = logging.StreamHandler(lines)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.addHandler(handler)
    level = root.level
    root.setLevel(logging.DEBUG)
    try:
        run = report(server)
        asyncio.run(_break(server.database_url))
        for text in (MESSAGE, SECRET):
            entries = [{"level": "INFO", "message": text, "data": DATA}]
            server.post(APPEND, id=run, e=entries)
            server.post(f'mutation {{ failNodeExecution(id: "{run}", errorMessage: "{text}") {{ __typename }} }}')
        logging.getLogger("execgraph.x").error("%s", MESSAGE, extra={"url": MESSAGE})
    finally:
        root.setLevel(level)
        root.removeHandler(handler)
    log = lines.getvalue()
    assert "error" in log
    assert SHOWN_MESSAGE in log
    assert "IntegrityError" in log or "CheckViolationError" in log
    assert SECRET not in log


async def _break(url: str) -> None:
    """Let every append fail, with the row in what PostgreSQL says."""
    async with Database(url) as database, database.session() as session:
        from sqlalchemy import text

        await session.execute(text("ALTER TABLE execution_logs ADD CHECK (sequence < 2)"))
        await session.commit()
