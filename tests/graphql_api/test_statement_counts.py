"""How many SQL statements an answer takes: one for each level of the query, however many rows there are."""

import pytest

from tests.api_server import ApiServer
from tests.graphql_api.reports import log, run, running, steps, workflow
from tests.statements import counted_statements

RUN = """
query ($id: UUID!) {
    workflowExecution(id: $id) {
        logCounts { total } nodeStatusCounts { total }
        workflow { name }
        definition { nodes { key } dependencies { sourceNodeId } }
        nodeExecutions(first: 1000) {
            totalCount
            nodes {
                node { key } attempts { attempt } logCounts { total }
                logs(first: 10) { totalCount nodes { message } }
                childExecutions { totalCount nodes { id } }
            }
        }
    }
}
"""


@pytest.mark.parametrize("number", [5, 100])
def test_a_run_with_any_number_of_steps_and_the_first_logs_of_each_takes_13_statements(
    api: ApiServer, number: int
) -> None:
    workflow_id, (node_id,) = workflow(api, "load")
    run_id = running(api, workflow_id)
    made = steps(api, run_id, *({"name": f"step {place}", "nodeId": node_id} for place in range(number)))
    for step_id in made[:3]:
        log(api, run_id, *(f"entry {place}" for place in range(12)), nodeExecutionId=step_id)
        run(api, workflow_id, parentNodeExecutionId=step_id)

    with counted_statements() as statements:
        found = api.ask(RUN, id=run_id)

    read = found["nodeExecutions"]["nodes"]
    assert [len(step["logs"]["nodes"]) for step in read] == [10, 10, 10] + [0] * (number - 3)
    assert [len(step["childExecutions"]["nodes"]) for step in read] == [1, 1, 1] + [0] * (number - 3)
    assert len(statements) == 13


@pytest.mark.parametrize("number", [2, 20])
def test_a_list_of_workflows_with_their_runs_takes_5_statements(api: ApiServer, number: int) -> None:
    namespace = f"counted-{number}"
    for _ in range(number):
        workflow_id, _nodes = workflow(api, "load", namespace=namespace)
        run(api, workflow_id)
        run(api, workflow_id)

    with counted_statements() as statements:
        found = api.ask(
            """query ($namespace: String!) { workflows(namespaces: [$namespace]) { nodes {
                nodes { key }
                dependencies { sourceNodeId }
                executions(first: 1) { totalCount nodes { id logCounts { total } } }
            } } }""",
            namespace=namespace,
        )

    assert [len(each["executions"]["nodes"]) for each in found["nodes"]] == [1] * number
    assert len(statements) == 5


@pytest.mark.parametrize("number", [2, 50])
def test_entries_with_their_steps_and_runs_take_3_statements(api: ApiServer, number: int) -> None:
    run_id = running(api)
    for step_id in steps(api, run_id, *(f"step {place}" for place in range(number))):
        log(api, run_id, "working", nodeExecutionId=step_id)

    with counted_statements() as statements:
        found = api.ask(
            """query ($id: UUID!) { workflowExecution(id: $id) { logs(first: 1000) { nodes {
                workflowExecution { id }
                nodeExecution { name workflowExecution { workflow { name } } }
            } } } }""",
            id=run_id,
        )

    assert [entry["nodeExecution"]["name"] for entry in found["logs"]["nodes"]] == [f"step {n}" for n in range(number)]
    assert len(statements) == 3


def test_a_total_is_counted_only_where_it_is_selected(api: ApiServer) -> None:
    workflow_id, _nodes = workflow(api)
    run(api, workflow_id)

    with counted_statements() as without:
        api.ask(
            "query ($id: UUID!) { workflowExecutions(filter: { workflowIds: [$id] }) { nodes { id } } }", id=workflow_id
        )
    with counted_statements() as with_total:
        api.ask(
            "query ($id: UUID!) { workflowExecutions(filter: { workflowIds: [$id] }) { totalCount } }", id=workflow_id
        )

    assert (len(without), len(with_total)) == (1, 2)
