"""A creation that names its own id, or a step its key, is repeated without harm."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
from uuid_utils.compat import uuid7

from tests.api_server import ApiServer
from tests.reliability.reports import a_run, a_workflow, report
from tests.reliability.store import everything

Arguments = dict[str, Any]
Two = tuple[ApiServer, ApiServer]


def _new_workflow(_: ApiServer, id_: str) -> Arguments:
    return {"input": {"id": id_, "name": "Flow", "nodes": [{"key": "one"}]}}


def _new_run(api: ApiServer, id_: str) -> Arguments:
    return {"input": {"id": id_, "workflowId": a_workflow(api), "triggerType": "MANUAL", "context": {"a": 1}}}


def _new_step(api: ApiServer, id_: str) -> Arguments:
    return {
        "workflowExecutionId": a_run(api),
        "nodeExecutions": [{"id": id_, "name": "Step", "executionOrder": 1, "inputData": [1]}],
    }


def _new_keyed_step(api: ApiServer, id_: str) -> Arguments:
    steps = [{"key": id_, "name": "Step", "executionOrder": 1, "inputData": [1]}]
    return {"workflowExecutionId": a_run(api), "nodeExecutions": steps}


creations = pytest.mark.parametrize(
    ("mutation", "creation", "field"),
    [
        ("createWorkflow", _new_workflow, "id"),
        ("createWorkflowExecution", _new_run, "id"),
        ("createNodeExecutions", _new_step, "id"),
        ("createNodeExecutions", _new_keyed_step, "key"),
    ],
    ids=["createWorkflow", "createWorkflowExecution", "createNodeExecutions", "createNodeExecutions-key"],
)


@creations
async def test_a_creation_repeated_with_its_own_id_gives_what_is_there(
    two: Two, mutation: str, creation: Callable[..., Arguments], field: str
) -> None:
    with ThreadPoolExecutor(4) as threads:
        for _ in range(5):
            call = creation(two[0], str(uuid7()))
            sent = [threads.submit(report, to, mutation, **call) for to in two * 2]
            one, *others = [result.result(30) for result in sent]
            assert "message" not in one
            assert others == [one] * 3


@creations
async def test_a_creation_with_an_id_that_is_taken_by_another_is_refused(
    api: ApiServer, mutation: str, creation: Callable[..., Arguments], field: str
) -> None:
    id_ = str(uuid7())
    call = creation(api, id_)
    created = report(api, mutation, **call)
    taken = created.get("id") or created["nodeExecutions"][0]["id"]
    before = await everything(api.database_url)
    (call.get("nodeExecutions") or [call.get("input")])[0].update(
        {"description": "other"} if mutation == "createWorkflow" else {"inputData": "other"}
    )
    kind = {"createWorkflow": "workflow", "createWorkflowExecution": "workflow execution"}.get(mutation)
    assert report(api, mutation, **call) == {
        "__typename": "InvalidInput",
        "message": f"{field} {kind or 'node execution'} {taken} exists, with other arguments",
        "field": field,
    }
    assert await everything(api.database_url) == before


def test_the_id_of_a_run_is_a_version_7_uuid(api: ApiServer) -> None:
    refused = {"__typename": "InvalidInput", "message": "id must be a version 7 UUID", "field": "id"}
    assert report(api, "createWorkflowExecution", **_new_run(api, str(uuid4()))) == refused
