"""createWorkflow and registerWorkflow: what they make, and what they refuse."""

from typing import Any
from uuid import uuid4

import pytest

from tests.api_server import ApiServer

RESULT = """
    __typename
    ... on Workflow {
        namespace key version name description
        nodes { key name nodeType config retryConfig }
        dependencies { sourceNodeId targetNodeId }
    }
    ... on Error { message }
    ... on InvalidInput { field }
"""
CREATE = f"mutation ($input: CreateWorkflowInput!) {{ createWorkflow(input: $input) {{ {RESULT} }} }}"
REGISTER = f"mutation ($input: RegisterWorkflowInput!) {{ registerWorkflow(input: $input) {{ {RESULT} }} }}"
TWO = [{"key": "a"}, {"key": "b"}]


def test_a_workflow_needs_only_a_name(api: ApiServer) -> None:
    assert api.ask(CREATE, input={"name": "Empty"}) == {
        "__typename": "Workflow",
        "namespace": "default",
        "key": None,
        "version": 1,
        "name": "Empty",
        "description": None,
        "nodes": [],
        "dependencies": [],
    }


def test_nodes_keep_their_order_and_all_that_is_said_of_them(api: ApiServer) -> None:
    nodes = [
        {"key": "z", "name": "Last letter", "nodeType": "sql", "config": {"a": [1]}, "retryConfig": {"max_retries": 3}},
        {"key": "a"},
    ]
    made = api.ask(CREATE, input={"name": "Letters", "namespace": "n", "description": "", "nodes": nodes})
    assert made == {
        "__typename": "Workflow",
        "namespace": "n",
        "key": None,
        "version": 1,
        "name": "Letters",
        "description": "",
        "nodes": [nodes[0], {"key": "a", "name": "a", "nodeType": None, "config": None, "retryConfig": None}],
        "dependencies": [],
    }


@pytest.mark.parametrize(
    ("values", "field", "message"),
    [
        ({"name": ""}, "name", "name must not be empty"),
        ({"name": "x" * 1001}, "name", "name is 1001 characters long; at most 1000 are allowed"),
        ({"name": "a\0b"}, "name", "name holds a NUL character, which cannot be stored"),
        ({"namespace": ""}, "namespace", "namespace must not be empty"),
        ({"description": "\0"}, "description", "description holds a NUL character, which cannot be stored"),
        ({"nodes": [{"key": ""}]}, "nodes[0].key", "nodes[0].key must not be empty"),
        ({"nodes": [*TWO, {"key": "a"}]}, "nodes[2].key", "nodes[2].key the key 'a' is used twice"),
        ({"nodes": [{"key": "a", "name": ""}]}, "nodes[0].name", "nodes[0].name must not be empty"),
        ({"nodes": [{"key": "a", "nodeType": ""}]}, "nodes[0].nodeType", "nodes[0].nodeType must not be empty"),
        (
            {"nodes": [{"key": "a", "config": 2**64}]},
            "nodes[0].config",
            "nodes[0].config holds an integer that does not fit 64 bits",
        ),
        (
            {"nodes": [{"key": "a", "retryConfig": [3]}]},
            "nodes[0].retryConfig",
            "nodes[0].retryConfig must be an object",
        ),
        (
            {"nodes": [{"key": "a", "retryConfig": {"max_retries": -1}}]},
            "nodes[0].retryConfig",
            "nodes[0].retryConfig max_retries must be an integer from 0 to 2147483647",
        ),
        (
            {"nodes": TWO, "dependencies": [{"sourceKey": "a", "targetKey": "c"}]},
            "dependencies[0].targetKey",
            "dependencies[0].targetKey there is no node 'c'",
        ),
        (
            {"nodes": TWO, "dependencies": [{"sourceKey": "a", "targetKey": "b"}] * 2},
            "dependencies[1]",
            "dependencies[1] this dependency is listed twice",
        ),
        (
            {
                "nodes": TWO,
                "dependencies": [{"sourceKey": "a", "targetKey": "b"}, {"sourceKey": "b", "targetKey": "a"}],
            },
            "dependencies",
            "dependencies The dependencies form a cycle: a -> b -> a",
        ),
        (
            {"nodes": TWO, "dependencies": [{"sourceKey": "a", "targetKey": "a"}]},
            "dependencies",
            "dependencies The dependencies form a cycle: a -> a",
        ),
    ],
)
@pytest.mark.parametrize("mutation", [CREATE, REGISTER])
def test_what_is_no_definition_is_refused_with_the_path_of_what_is_wrong(
    api: ApiServer, mutation: str, values: dict[str, Any], field: str, message: str
) -> None:
    key = {"key": str(uuid4())} if mutation is REGISTER else {}
    refused = api.ask(mutation, input={"name": "Flow", **key, **values})
    assert refused == {"__typename": "InvalidInput", "field": field, "message": message}


def test_a_key_is_registered_once_until_its_definition_changes(api: ApiServer) -> None:
    register = """mutation ($input: RegisterWorkflowInput!) {
        registerWorkflow(input: $input) { ... on Workflow { id key version name nodes { key } } }
    }"""
    first = api.ask(register, input={"namespace": "r", "key": "k", "name": "One", "nodes": TWO})
    same = api.ask(register, input={"namespace": "r", "key": "k", "name": "One", "nodes": TWO[::-1]})
    changed = api.ask(register, input={"namespace": "r", "key": "k", "name": "One", "nodes": TWO[:1]})
    elsewhere = api.ask(register, input={"namespace": "s", "key": "k", "name": "One", "nodes": TWO})

    assert first == {"id": first["id"], "key": "k", "version": 1, "name": "One", "nodes": TWO}
    assert same == first
    assert changed == {**first, "version": 2, "nodes": TWO[:1]}
    assert elsewhere == {**first, "id": elsewhere["id"]}
    assert elsewhere["id"] != first["id"]


def test_a_key_must_not_be_empty(api: ApiServer) -> None:
    refused = api.ask(REGISTER, input={"key": "", "name": "Flow"})
    assert refused == {"__typename": "InvalidInput", "field": "key", "message": "key must not be empty"}


def test_an_id_that_the_client_made_is_good_for_one_definition(api: ApiServer) -> None:
    create = """mutation ($input: CreateWorkflowInput!) {
        createWorkflow(input: $input) { __typename ... on Workflow { id name } ... on InvalidInput { field message } }
    }"""
    given = {"id": str(uuid4()), "name": "Mine"}
    made = {"__typename": "Workflow", "id": given["id"], "name": "Mine"}
    assert [api.ask(create, input=given) for _ in range(2)] == [made, made]
    assert api.ask(create, input={**given, "name": "Yours"}) == {
        "__typename": "InvalidInput",
        "field": "id",
        "message": f"id workflow {given['id']} exists, with other arguments",
    }
