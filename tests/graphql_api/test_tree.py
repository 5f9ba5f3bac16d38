"""Reading a run with all that belongs to it."""

from uuid import uuid4

from tests.api_server import ApiServer
from tests.graphql_api.reports import NOON, at, log, run, running, steps, transition, workflow


def test_a_run_is_read_with_its_steps_tries_logs_and_definition(api: ApiServer) -> None:
    load_and_report = {"dependencies": [{"sourceKey": "load", "targetKey": "report"}], "description": "Daily prices"}
    nodes = [
        {"key": "load", "nodeType": "sql", "config": {"table": "prices"}, "retryConfig": {"max_retries": 1}},
        {"key": "report", "name": "Report by mail"},
    ]
    workflow_id, (load, report) = workflow(api, name="Prices", namespace="market", nodes=nodes, **load_and_report)
    metadata = {"metadata": {"triggered_by": "cron"}, "context": {"day": 12}, "inputData": ["KOSPI"]}
    run_id = running(api, workflow_id, triggerType="SCHEDULE", createNodeExecutions=True, **metadata)
    first, second = api.ask(
        "query ($id: UUID!) { workflowExecution(id: $id) { nodeExecutions { nodes { id } } } }", id=run_id
    )["nodeExecutions"]["nodes"]
    transition(api, "startNodeExecution", first["id"], at=at(1), inputData={"rows": 3})
    log(api, run_id, "no connection", nodeExecutionId=first["id"], level="ERROR", timestamp=at(2), data={"port": 5432})
    transition(api, "failNodeExecution", first["id"], at=at(3), errorMessage="no connection")
    transition(api, "retryNodeExecution", first["id"])
    transition(api, "startNodeExecution", first["id"], at=at(4))
    log(api, run_id, "3 rows", nodeExecutionId=first["id"], timestamp=at(5))
    transition(api, "completeNodeExecution", first["id"], at=at(6), outputData=[1, 2, 3])
    log(api, run_id, "closing", level="DEBUG", timestamp=at(7))

    found = api.ask(
        """query ($id: UUID!) { workflowExecution(id: $id) {
            id namespace status triggerType workflowId workflowVersion revision inputData outputData context metadata
            errorMessage startedAt endedAt durationSeconds
            workflow { id namespace key version name description }
            definition {
                version
                nodes { id key name nodeType config retryConfig }
                dependencies { sourceNodeId targetNodeId }
            }
            nodeExecutions { totalCount nodes {
                id status executionOrder workflowExecutionId nodeId name key parentId revision inputData outputData
                errorMessage retryCount canRetry startedAt endedAt durationSeconds
                node { id key }
                attempts { attempt status startedAt endedAt durationSeconds errorMessage }
                logs { nodes { id sequence level message data timestamp attempt workflowExecutionId nodeExecutionId } }
                logCounts { total debug info warning error }
            } }
            logs { totalCount lastSequence nodes { sequence message nodeExecution { name } } }
            logCounts { total debug info warning error }
            nodeStatusCounts { total pending running completed failed cancelled skipped }
            parent { id }
            retryOf { id }
        } }""",
        id=run_id,
    )

    assert found == {
        "id": run_id,
        "namespace": "market",
        "status": "RUNNING",
        "triggerType": "SCHEDULE",
        "workflowId": workflow_id,
        "workflowVersion": 1,
        "revision": 4,
        "inputData": ["KOSPI"],
        "outputData": None,
        "context": {"day": 12},
        "metadata": {"triggered_by": "cron"},
        "errorMessage": None,
        "startedAt": NOON,
        "endedAt": None,
        "durationSeconds": None,
        "workflow": {
            "id": workflow_id,
            "namespace": "market",
            "key": None,
            "version": 1,
            "name": "Prices",
            "description": "Daily prices",
        },
        "definition": {
            "version": 1,
            "nodes": [
                {
                    "id": load,
                    "key": "load",
                    "name": "load",
                    "nodeType": "sql",
                    "config": {"table": "prices"},
                    "retryConfig": {"max_retries": 1},
                },
                {
                    "id": report,
                    "key": "report",
                    "name": "Report by mail",
                    "nodeType": None,
                    "config": None,
                    "retryConfig": None,
                },
            ],
            "dependencies": [{"sourceNodeId": load, "targetNodeId": report}],
        },
        "nodeExecutions": {
            "totalCount": 2,
            "nodes": [
                {
                    "id": first["id"],
                    "status": "COMPLETED",
                    "executionOrder": 1,
                    "workflowExecutionId": run_id,
                    "nodeId": load,
                    "name": "load",
                    "key": None,
                    "parentId": None,
                    "revision": 9,
                    "inputData": {"rows": 3},
                    "outputData": [1, 2, 3],
                    "errorMessage": None,
                    "retryCount": 1,
                    "canRetry": False,
                    "startedAt": at(4),
                    "endedAt": at(6),
                    "durationSeconds": 2,
                    "node": {"id": load, "key": "load"},
                    "attempts": [
                        {
                            "attempt": 1,
                            "status": "FAILED",
                            "startedAt": at(1),
                            "endedAt": at(3),
                            "durationSeconds": 2,
                            "errorMessage": "no connection",
                        },
                        {
                            "attempt": 2,
                            "status": "COMPLETED",
                            "startedAt": at(4),
                            "endedAt": at(6),
                            "durationSeconds": 2,
                            "errorMessage": None,
                        },
                    ],
                    "logs": {
                        "nodes": [
                            {
                                "id": f"{run_id}:1",
                                "sequence": 1,
                                "level": "ERROR",
                                "message": "no connection",
                                "data": {"port": 5432},
                                "timestamp": at(2),
                                "attempt": 1,
                                "workflowExecutionId": run_id,
                                "nodeExecutionId": first["id"],
                            },
                            {
                                "id": f"{run_id}:2",
                                "sequence": 2,
                                "level": "INFO",
                                "message": "3 rows",
                                "data": None,
                                "timestamp": at(5),
                                "attempt": 2,
                                "workflowExecutionId": run_id,
                                "nodeExecutionId": first["id"],
                            },
                        ]
                    },
                    "logCounts": {"total": 2, "debug": 0, "info": 1, "warning": 0, "error": 1},
                },
                {
                    "id": second["id"],
                    "status": "PENDING",
                    "executionOrder": 2,
                    "workflowExecutionId": run_id,
                    "nodeId": report,
                    "name": "Report by mail",
                    "key": None,
                    "parentId": None,
                    "revision": 3,
                    "inputData": None,
                    "outputData": None,
                    "errorMessage": None,
                    "retryCount": 0,
                    "canRetry": False,
                    "startedAt": None,
                    "endedAt": None,
                    "durationSeconds": None,
                    "node": {"id": report, "key": "report"},
                    "attempts": [],
                    "logs": {"nodes": []},
                    "logCounts": {"total": 0, "debug": 0, "info": 0, "warning": 0, "error": 0},
                },
            ],
        },
        "logs": {
            "totalCount": 3,
            "lastSequence": 3,
            "nodes": [
                {"sequence": 1, "message": "no connection", "nodeExecution": {"name": "load"}},
                {"sequence": 2, "message": "3 rows", "nodeExecution": {"name": "load"}},
                {"sequence": 3, "message": "closing", "nodeExecution": None},
            ],
        },
        "logCounts": {"total": 3, "debug": 1, "info": 1, "warning": 0, "error": 1},
        "nodeStatusCounts": {
            "total": 2,
            "pending": 1,
            "running": 0,
            "completed": 1,
            "failed": 0,
            "cancelled": 0,
            "skipped": 0,
        },
        "parent": None,
        "retryOf": None,
    }


def test_a_run_knows_the_step_that_started_it_and_the_run_that_it_runs_again(api: ApiServer) -> None:
    outer = running(api)
    (caller,) = steps(api, outer, "call")
    inner = workflow(api, name="Inner")[0]
    first = run(api, inner, parentNodeExecutionId=caller)
    again = run(api, inner, parentNodeExecutionId=caller, retryOfId=first)

    assert api.ask(
        """query ($id: UUID!) { workflowExecution(id: $id) {
            workflow { name }
            retryOf { id retryOf { id } }
            parent { name workflowExecution { id } childExecutions { totalCount nodes { id } } }
        } }""",
        id=again,
    ) == {
        "workflow": {"name": "Inner"},
        "retryOf": {"id": first, "retryOf": None},
        "parent": {
            "name": "call",
            "workflowExecution": {"id": outer},
            "childExecutions": {"totalCount": 2, "nodes": [{"id": again}, {"id": first}]},
        },
    }


def test_a_step_knows_the_step_that_it_is_part_of(api: ApiServer) -> None:
    run_id = running(api)
    (loop,) = steps(api, run_id, "loop")
    (turn,) = steps(api, run_id, {"name": "turn", "key": "turn-1", "parentId": loop})

    assert api.ask(
        "query ($id: UUID!) { nodeExecution(id: $id) { name key parentId nodeId node { id } } }", id=turn
    ) == {
        "name": "turn",
        "key": "turn-1",
        "parentId": loop,
        "nodeId": None,
        "node": None,
    }


def test_the_entries_of_a_run_and_of_its_step_are_told_apart_in_one_request(api: ApiServer) -> None:
    run_id = running(api)
    (step_id,) = steps(api, run_id, "load")
    log(api, run_id, "of the run")
    log(api, run_id, "of the step", nodeExecutionId=step_id)

    response = api.post(
        """query ($run: UUID!, $step: UUID!) {
            step: nodeExecution(id: $step) { logs(first: 5) { totalCount nodes { message } } }
            run: workflowExecution(id: $run) { logs(first: 5) { totalCount nodes { message } } }
        }""",
        run=run_id,
        step=step_id,
    )
    assert response == {
        "data": {
            "step": {"logs": {"totalCount": 1, "nodes": [{"message": "of the step"}]}},
            "run": {"logs": {"totalCount": 2, "nodes": [{"message": "of the run"}, {"message": "of the step"}]}},
        }
    }


def test_what_does_not_exist_is_null(api: ApiServer) -> None:
    response = api.post(
        """query ($id: UUID!) {
            workflow(id: $id) { id } workflowExecution(id: $id) { id } nodeExecution(id: $id) { id }
        }""",
        id=str(uuid4()),
    )
    assert response == {"data": {"workflow": None, "workflowExecution": None, "nodeExecution": None}}
