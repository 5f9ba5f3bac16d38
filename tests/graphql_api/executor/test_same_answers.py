"""Any document gets the same answer from the breadth-first executor and from the stock one, on the real schema."""

import os
from pathlib import Path
from typing import Any

import pytest
from graphql.language import StringValueNode, ValueNode
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis_graphql import queries

from graphql_api.bulk_inputs import Executor
from graphql_api.executor import BreadthFirstExecutor
from tests.api_server import ApiServer
from tests.graphql_api.reports import at, log, run, running, steps, transition, workflow

SCHEMA = (Path(__file__).parents[3] / "schema.graphql").read_text()
EXAMPLES = 6_000 if os.environ.get("EXECGRAPH_TORTURE") == "full" else 150
TRIES = 10
IDS: list[str] = []
"""Of what there is to be found."""


@pytest.fixture(scope="module")
def filled(api: ApiServer) -> ApiServer:
    """A little of everything."""
    workflow_id, nodes = workflow(api, "load", "report", dependencies=[{"sourceKey": "load", "targetKey": "report"}])
    run_id = running(api, workflow_id, inputData={"a": [1, None, "x"]}, metadata={"team": "퀀트"}, context={"b": 1.5})
    step_ids = steps(api, run_id, *({"nodeId": node, "key": f"{place}"} for place, node in enumerate(nodes)), "made up")
    for place, step_id in enumerate(step_ids[:2]):
        transition(api, "startNodeExecution", step_id, at=at(place))
        log(api, run_id, f"entry {place}", "of a step", nodeExecutionId=step_id, level="ERROR", data={"n": place})
    transition(api, "failNodeExecution", step_ids[0], errorMessage="It broke", at=at(9))
    log(api, run_id, "of the run", timestamp=at(3))
    again = run(api, workflow_id, retryOfId=run_id, parentNodeExecutionId=step_ids[1])
    IDS[:] = [workflow_id, run_id, again, *step_ids]
    return api


def text(value: str) -> ValueNode:
    """A literal."""
    return StringValueNode(value=value)


SCALARS: dict[str, st.SearchStrategy[ValueNode]] = {
    "UUID": st.deferred(lambda: st.sampled_from([*IDS, "00000000-0000-7000-8000-000000000000", "no id"])).map(text),
    "DateTime": st.sampled_from(["2026-01-12T12:00:05Z", "2030-01-01T00:00:00+09:00", "2020-01-01T00:00:00Z"]).map(
        text
    ),
    "JSON": st.sampled_from(["team", ""]).map(text),
}


def answer(api: ApiServer, document: str, *, stock: bool) -> Any:
    """What is answered, by the one executor or the other."""
    Executor.stock = stock
    try:
        body = api.post(document)
    finally:
        Executor.stock = False
    for error in body.get("errors", ()):
        error.get("extensions", {}).pop("errorId", None)
    body.get("errors", []).sort(key=repr)  # the order among fields that are executed side by side is nobody's
    return body


@pytest.mark.torture
@pytest.mark.timeout(120 if EXAMPLES < 1_000 else 3_600)
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
@given(document=queries(SCHEMA, custom_scalars=SCALARS))
def test_any_document_gets_the_same_answer(filled: ApiServer, document: str) -> None:
    ours, stock = (answer(filled, document, stock=stock) for stock in (False, True))
    tries = 0
    while ours != stock and ours.get("data") == stock.get("data") and tries < TRIES:
        # Of several errors that lead to the same null the stock executor tells the one that comes first, which is a
        # matter of time: ours has to be one that it tells as well.
        ours, stock = (answer(filled, document, stock=stock) for stock in (False, True))
        tries += 1
    assert ours == stock


RUN = """
query ($id: UUID!) { workflowExecution(id: $id) {
    ...Run
    nodeExecutions(first: 2) { totalCount pageInfo { hasNextPage endCursor } edges { cursor node {
        __typename name: key step: name node { key config } attempts { attempt status errorMessage }
        logs(last: 5, filter: { minLevel: INFO }) {
            totalCount lastSequence nodes { sequence message data nodeExecution { id } }
        }
        childExecutions { nodes { id retryOf { id } parent { id } } }
        workflowExecution { id workflow { executions(first: 1) { nodes { id } } stats { summary { total } } } }
    } } }
} }
fragment Run on WorkflowExecution {
    id status createdAt durationSeconds inputData context metadata
    definition { version nodes { key } dependencies { sourceNodeId } }
    logCounts { total error } nodeStatusCounts { running failed } ... on WorkflowExecution { revision }
}
"""


def test_what_dashboards_ask_for_is_completed_breadth_first_and_the_same(
    filled: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    left_to_stock: list[Any] = []
    monkeypatch.setattr(BreadthFirstExecutor, "_note_fallback", lambda _, what: left_to_stock.append(what))
    answers = []
    for stock in (False, True):
        monkeypatch.setattr(Executor, "stock", stock)
        answers.append(filled.post(RUN, id=IDS[1]))
    assert answers[0] == answers[1]
    assert "errors" not in answers[0]
    assert left_to_stock == []
