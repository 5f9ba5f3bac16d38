"""workflowExecutionChanged and workflowExecutionsChanged: what changed, coalesced, up to the final state."""

import asyncio
import os
import random
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from db import Database
from tests.api_server import ApiServer
from tests.graphql_api.followers import Follower, following
from tests.graphql_api.reports import at, log, run, running, steps, transition, workflow

FULL = os.environ.get("EXECGRAPH_TORTURE") == "full"

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


async def test_events_of_a_busy_run_come_about_four_times_a_second_and_the_last_is_its_final_state(
    api: ApiServer,
) -> None:
    run_id = running(api)
    made = steps(api, run_id, *(f"step {number}" for number in range(40)))
    times: list[float] = []

    def work() -> None:
        until = time.monotonic() + 2
        for step_id in made:
            transition(api, "startNodeExecution", step_id)
            log(api, run_id, "working")
            transition(api, "completeNodeExecution", step_id)
            if time.monotonic() > until:
                break
        transition(api, "cancelWorkflowExecution", run_id)

    async with following(api, RUN, id=run_id) as follower:
        await follower.event()
        working = asyncio.create_task(asyncio.to_thread(work))
        began, event = time.monotonic(), {}
        while event.get("workflowExecution", {}).get("status") != "CANCELLED":
            event = await follower.event()
            times.append(time.monotonic())
        await working
        await follower.ends()
    assert len(times) <= 2 + (times[-1] - began) / 0.25
    fields = "status logCounts { total } nodeStatusCounts { completed }"
    query = f"query ($id: UUID!) {{ workflowExecution(id: $id) {{ {fields} }} }}"
    assert event["workflowExecution"] == api.ask(query, id=run_id)


@pytest.mark.parametrize("size", [pytest.param(5_000 if FULL else 1_200, marks=pytest.mark.torture)])
async def test_a_dashboard_stays_current_from_events_alone(api: ApiServer, size: int) -> None:
    """It is cut again and again, resumes after the last revision, and ends with what the database has."""
    run_id = running(api)
    names = [f"step {number}" for number in range(size)]
    made = [id_ for start in range(0, size, 1_000) for id_ in steps(api, run_id, *names[start : start + 1_000])]
    shown: dict[str, str] = {}
    chance = random.Random(3)

    def work() -> None:
        for start in range(0, size, 200):
            some = made[start : start + 200]
            for action in ("start", chance.choice(("complete", "cancel"))):
                moves = [{action: {"id": id_}} for id_ in some]
                api.ask(
                    "mutation ($moves: [NodeTransitionInput!]!)"
                    " { transitionNodeExecutions(transitions: $moves) { __typename } }",
                    moves=moves,
                )
        transition(api, "completeWorkflowExecution", run_id)

    revision, status, events = 0, "RUNNING", 0
    working = asyncio.create_task(asyncio.to_thread(work))
    while status == "RUNNING":
        async with following(api, RUN, id=run_id, after=revision) as follower:
            for _ in range(chance.randrange(1, 6)):
                event = await follower.event(60)
                events += 1
                assert event["revision"] >= revision
                assert len(event["nodeExecutions"]) <= 1_000
                revision, status = event["revision"], event["workflowExecution"]["status"]
                shown.update({changed["name"]: changed["status"] for changed in event["nodeExecutions"]})
                if status != "RUNNING":
                    break
    await working
    print(f"\n{size} steps, {events} events")
    async with Database(api.database_url) as database, database.read() as connection:
        rows = await connection.execute(
            text("SELECT name, upper(status) FROM node_executions WHERE workflow_execution_id = :run"), {"run": run_id}
        )
        assert shown == dict(list(rows))
    assert len(shown) == size
