"""transitionNodeExecutions: many transitions in order, each with an outcome of its own."""

from typing import Any

import pytest

from tests.api_server import ApiServer
from tests.graphql_api.reports import at, running, steps, workflow

TRANSITION = """
mutation ($transitions: [NodeTransitionInput!]!, $key: String) {
    transitionNodeExecutions(transitions: $transitions, idempotencyKey: $key) {
        __typename
        ... on TransitionNodeExecutionsPayload {
            results {
                __typename
                ... on NodeExecution { name status retryCount inputData outputData errorMessage }
                ... on NotFound { id }
                ... on InvalidTransition { id from attempted allowed }
                ... on InvalidInput { field message }
            }
        }
        ... on InvalidInput { field message }
    }
}
"""
NOBODY = "7a0b1c2d-0000-4000-8000-000000000000"


def three_steps(api: ApiServer) -> list[str]:
    workflow_id, (node_id,) = workflow(api, nodes=[{"key": "n", "retryConfig": {"max_retries": 1}}])
    names = ("one", "two", "three")
    return steps(api, running(api, workflow_id), *({"name": name, "nodeId": node_id} for name in names))


def step(name: str, status: str, **values: Any) -> dict[str, Any]:
    nothing = {"retryCount": 0, "inputData": None, "outputData": None, "errorMessage": None}
    return {"__typename": "NodeExecution", "name": name, "status": status, **nothing, **values}


def test_each_transition_is_done_or_refused_for_itself_and_steps_are_shown_as_they_are_at_the_end(
    api: ApiServer,
) -> None:
    one, two, three = three_steps(api)
    transitions = [
        {"start": {"id": one, "at": at(1), "inputData": [1]}},
        {"fail": {"id": one, "at": at(2), "errorMessage": "broken"}},
        {"complete": {"id": two}},
        {"retry": {"id": one}},
        {"start": {"id": one, "at": at(1)}},
        {"start": {"id": one, "at": at(3)}},
        {"complete": {"id": one, "at": at(4), "outputData": {"rows": 3}}},
        {"skip": {"id": two, "reason": "not today"}},
        {"cancel": {"id": three}},
        {"start": {"id": NOBODY}},
        {"complete": {"id": one, "outputData": 2**64}},
    ]
    done = step("one", "COMPLETED", retryCount=1, inputData=[1], outputData={"rows": 3})
    assert api.ask(TRANSITION, transitions=transitions) == {
        "__typename": "TransitionNodeExecutionsPayload",
        "results": [
            done,
            done,
            {
                "__typename": "InvalidTransition",
                "id": two,
                "from": "PENDING",
                "attempted": "complete",
                "allowed": ["RUNNING"],
            },
            done,
            {
                "__typename": "InvalidInput",
                "field": "transitions[4].start.at",
                "message": f"transitions[4].start.at {at(1)} is before the previous transition, {at(2)}",
            },
            done,
            done,
            step("two", "SKIPPED", errorMessage="not today"),
            step("three", "CANCELLED"),
            {"__typename": "NotFound", "id": NOBODY},
            {
                "__typename": "InvalidInput",
                "field": "transitions[10].complete.outputData",
                "message": "transitions[10].complete.outputData holds an integer that does not fit 64 bits",
            },
        ],
    }
    tries = (
        "query ($id: UUID!) { nodeExecution(id: $id) { attempts { attempt status startedAt endedAt errorMessage } } }"
    )
    assert api.ask(tries, id=one)["attempts"] == [
        {"attempt": 1, "status": "FAILED", "startedAt": at(1), "endedAt": at(2), "errorMessage": "broken"},
        {"attempt": 2, "status": "COMPLETED", "startedAt": at(3), "endedAt": at(4), "errorMessage": None},
    ]


@pytest.mark.parametrize(
    ("transitions", "message"),
    [
        ([], "transitions must not be empty"),
        ([{"start": {"id": NOBODY}}] * 10_001, "transitions has 10001 items; at most 10000 are allowed"),
    ],
)
def test_an_empty_list_and_one_that_is_too_long_are_refused(
    api: ApiServer, transitions: list[Any], message: str
) -> None:
    refused = {"__typename": "InvalidInput", "field": "transitions", "message": message}
    assert api.ask(TRANSITION, transitions=transitions) == refused


@pytest.mark.parametrize("given", [{}, {"start": {"id": NOBODY}, "skip": {"id": NOBODY}}, {"start": None}])
def test_a_transition_is_exactly_one_thing(api: ApiServer, given: dict[str, Any]) -> None:
    (error,) = api.post(TRANSITION, transitions=[given])["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"


def test_a_repeated_call_shows_the_steps_as_they_are_and_the_refusals_as_they_were(api: ApiServer) -> None:
    one, two, _ = three_steps(api)
    transitions = [{"start": {"id": one, "at": at(1)}}, {"complete": {"id": two}}]
    first = api.ask(TRANSITION, transitions=transitions, key="a batch")
    assert api.ask(TRANSITION, transitions=[{"start": {"id": two}}])["results"][0]["status"] == "RUNNING"
    assert api.ask(TRANSITION, transitions=transitions, key="a batch") == first
