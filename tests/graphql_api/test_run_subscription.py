"""workflowExecutionChanged and workflowExecutionsChanged: what changed, coalesced, up to the final state."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

from tests.api_server import ApiServer
from tests.graphql_api.followers import Follower, following
from tests.graphql_api.reports import at, log, run, running, steps, transition, workflow

RUN = """
subscription ($id: UUID!, $after: Int! = 0) {
    workflowExecutionChanged(id: $id, after: $after) {
        revision
        workflowExecution { status logCounts { total } nodeStatusCounts { completed } }
        nodeExecutions { name status revision attempts { status } }
    }
}
"""
RUNS = """
subscription ($filter: WorkflowExecutionFilter) {
    workflowExecutionsChanged(filter: $filter) { changed { id status } removedIds }
}
"""


def change(
    revision: int, status: str, *changed: dict[str, Any], entries: int = 0, completed: int = 0
) -> dict[str, Any]:
    counts = {"logCounts": {"total": entries}, "nodeStatusCounts": {"completed": completed}}
    return {
        "revision": revision,
        "workflowExecution": {"status": status, **counts},
        "nodeExecutions": list(changed),
    }


def step(name: str, status: str, revision: int, *tries: str) -> dict[str, Any]:
    return {"name": name, "status": status, "revision": revision, "attempts": [{"status": each} for each in tries]}


async def test_the_run_as_it_is_comes_first_then_what_changes_then_the_final_state(api: ApiServer) -> None:
    run_id = running(api)
    load, _report = steps(api, run_id, "load", "report")
    async with following(api, RUN, id=run_id) as follower:
        pending = [step("load", "PENDING", 3), step("report", "PENDING", 4)]
        assert await follower.event() == change(4, "RUNNING", *pending)
        transition(api, "startNodeExecution", load, at=at(1))
        assert await follower.event() == change(5, "RUNNING", step("load", "RUNNING", 5, "RUNNING"))
        transition(api, "completeNodeExecution", load, at=at(2))
        done = step("load", "COMPLETED", 6, "COMPLETED")
        assert await follower.event() == change(6, "RUNNING", done, completed=1)
        transition(api, "completeWorkflowExecution", run_id)
        final = change(8, "COMPLETED", step("report", "SKIPPED", 7), completed=1)
        assert await follower.event() == final
        await follower.ends()


async def test_a_follower_resumes_after_a_revision(api: ApiServer) -> None:
    run_id = running(api)
    load, _report = steps(api, run_id, "load", "report")
    transition(api, "startNodeExecution", load)
    async with following(api, RUN, id=run_id, after=4) as follower:
        assert await follower.event() == change(5, "RUNNING", step("load", "RUNNING", 5, "RUNNING"))
    async with following(api, RUN, id=run_id, after=5) as follower:
        assert await follower.event() == change(5, "RUNNING")


async def test_a_run_that_has_ended_shows_its_final_state_and_nothing_more(api: ApiServer) -> None:
    run_id = running(api)
    transition(api, "failWorkflowExecution", run_id, errorMessage="broken")
    async with following(api, RUN, id=run_id) as follower:
        assert await follower.events() == [change(3, "FAILED")]


async def test_a_change_of_the_log_counts_is_a_change(api: ApiServer) -> None:
    run_id = running(api)
    async with following(api, RUN, id=run_id) as follower:
        assert await follower.event() == change(2, "RUNNING")
        log(api, run_id, "one", "two")
        assert await follower.event() == change(2, "RUNNING", entries=2)


async def test_many_changes_are_told_together_and_none_is_lost(api: ApiServer) -> None:
    run_id = running(api)
    made = steps(api, run_id, *(f"step {number}" for number in range(60)))
    seen: dict[str, str] = {}
    revisions: list[int] = []
    with ThreadPoolExecutor(4) as pool:
        async with following(api, RUN, id=run_id) as follower:
            await follower.event()
            started = [pool.submit(transition, api, "startNodeExecution", step_id) for step_id in made]
            while len(seen) < len(made):
                event = await follower.event()
                revisions.append(event["revision"])
                seen.update({changed["name"]: changed["status"] for changed in event["nodeExecutions"]})
            for each in started:
                each.result()
    assert set(seen.values()) == {"RUNNING"}
    assert revisions == sorted(set(revisions))
    assert revisions[-1] == 62 + 60
    assert len(revisions) < 30


async def test_the_steps_of_a_large_run_come_in_events_of_a_thousand(api: ApiServer) -> None:
    run_id = running(api)
    steps(api, run_id, *(f"step {number}" for number in range(2_500)))
    async with following(api, RUN, id=run_id) as follower:
        events = [await follower.event() for _ in range(3)]
    assert [len(event["nodeExecutions"]) for event in events] == [1_000, 1_000, 500]
    assert [event["revision"] for event in events] == [1_002, 2_002, 2_502]


async def test_an_unknown_run_and_one_that_is_deleted_meanwhile_are_not_found(api: ApiServer) -> None:
    nobody, run_id = str(uuid4()), running(api)
    message = "Workflow execution {} does not exist"
    async with following(api, RUN, id=nobody) as follower:
        assert await follower.error() == {"message": message.format(nobody), "code": "NOT_FOUND"}
    async with following(api, RUN, id=run_id) as follower:
        await follower.event()
        transition(api, "deleteWorkflowExecution", run_id)
        assert await follower.error() == {"message": message.format(run_id), "code": "NOT_FOUND"}


async def until(follower: Follower, *expected: tuple[str, str | None]) -> None:
    """Wait until the last that was told of each run is its status, or that it left the list (None)."""
    told: dict[str, str | None] = {}
    while any(told.get(run_id, "untold") != status for run_id, status in expected):
        event = await follower.event()
        told.update({changed["id"]: changed["status"] for changed in event["changed"]})
        told.update(dict.fromkeys(event["removedIds"]))


async def test_a_list_begins_empty_then_tells_what_changed_and_what_left_it(api: ApiServer) -> None:
    workflow_id, _nodes = workflow(api)
    before = run(api, workflow_id)
    filter_ = {"workflowIds": [workflow_id], "status": ["PENDING", "RUNNING"]}
    async with following(api, RUNS, filter=filter_) as follower:
        assert await follower.event() == {"changed": [], "removedIds": []}
        new = run(api, workflow_id)
        transition(api, "startWorkflowExecution", before)
        await until(follower, (new, "PENDING"), (before, "RUNNING"))
        transition(api, "completeWorkflowExecution", before)
        transition(api, "deleteWorkflowExecution", new)
        await until(follower, (new, None), (before, None))
