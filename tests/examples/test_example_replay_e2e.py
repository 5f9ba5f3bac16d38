"""Real traces replayed through a real server, and read back: everything is there, and right."""

import asyncio
import json
import signal
from collections import defaultdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from client import Client
from gql import Client as GqlClient
from gql import gql
from gql.transport.websockets import WebsocketsTransport

from tests.api_server import ApiServer
from tests.examples.example_paths import TRACES
from tests.examples.example_scripts import LIMIT, LOGS, RUN, RUNS, STEPS, ended, pages, running, started

MEASURED = (
    "runtimeInSeconds",
    "coreCount",
    "avgCPU",
    "memoryInBytes",
    "readBytes",
    "writtenBytes",
    "energyInKWh",
    "avgPowerInW",
)

FOLLOW = gql("""
subscription Follow($id: UUID!) {
  executionLogs(workflowExecutionId: $id) { entries { sequence message } lastSequence complete }
}
""")


def run_id_of(output: str) -> str:
    return output.splitlines()[0].removeprefix("run ")


def document_of(file: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(file.read_bytes())
    return document


async def check_read_back(client: Client, run_id: str, document: dict[str, Any]) -> None:
    """What the API tells of the run is what the file tells of the execution."""
    specification, execution = document["workflow"]["specification"], document["workflow"]["execution"]
    specified = {task["id"]: task for task in specification["tasks"]}
    executed = {task["id"]: task for task in execution["tasks"]}
    sizes = {file["id"]: file["sizeInBytes"] for file in specification["files"]}
    run = await client.call(RUN, {"id": run_id})
    steps = await pages(client, STEPS, run_id, "nodeExecutions")
    log = await pages(client, LOGS, run_id, "logs")

    assert (run["status"], run["triggerType"], run["workflow"]["name"]) == ("COMPLETED", "MANUAL", document["name"])
    assert run["metadata"]["makespanInSeconds"] == execution["makespanInSeconds"]
    assert run["nodeStatusCounts"] == {"total": len(specified), "completed": len(specified)}
    keys = {node["id"]: node["key"] for node in run["workflow"]["nodes"]}
    edges = {(keys[e["sourceNodeId"]], keys[e["targetNodeId"]]) for e in run["workflow"]["dependencies"]}
    assert edges == {(parent, task["id"]) for task in specification["tasks"] for parent in task["parents"]}

    assert [step["executionOrder"] for step in steps] == list(range(1, len(specified) + 1))
    assert {step["key"] for step in steps} == set(specified) == {step["node"]["key"] for step in steps}
    assert [entry["sequence"] for entry in log] == list(range(1, len(log) + 1))
    assert run["logCounts"] == {"total": len(log), "error": 0}
    entries = defaultdict(list)
    for entry in log:
        entries[entry["nodeExecutionId"]].append(entry)
    assert entries.keys() == {step["id"] for step in steps}

    ends: dict[str, datetime] = {}
    for step in steps:
        task, measured, own = specified[step["key"]], executed[step["key"]], entries[step["id"]]
        begun, over = (datetime.fromisoformat(step[name]) for name in ("startedAt", "endedAt"))
        ends[step["key"]] = over
        assert (step["name"], step["status"]) == (task["name"], "COMPLETED")
        assert step["durationSeconds"] == measured["runtimeInSeconds"]
        assert over - begun == timedelta(seconds=measured["runtimeInSeconds"])
        parents = [ends[parent] for parent in task["parents"]]  # a KeyError: a parent comes later
        assert begun == max(parents, default=datetime.fromisoformat(run["startedAt"]))

        files = [{"file": file, "sizeInBytes": sizes[file]} for file in task["inputFiles"] + task["outputFiles"]]
        assert [entry["data"] for entry in own if entry["level"] == "DEBUG"] == files
        program, arguments = measured["command"].values()
        assert {"program": program, "arguments": arguments} in [entry["data"] for entry in own]
        figures = {name: measured[name] for name in MEASURED if name in measured}
        assert figures in [entry["data"] for entry in own]
        assert {file["id"] for file in step["inputData"]["files"]} == set(task["inputFiles"])
        assert {file["id"] for file in step["outputData"]["files"]} == set(task["outputFiles"])
        machines = [entry["data"]["machine"] for entry in own if "machine" in (entry["data"] or {})]
        assert machines == measured.get("machines", [])
        assert {datetime.fromisoformat(entry["timestamp"]) for entry in own} == {begun, over}
        assert {entry["attempt"] for entry in own} == {1}
        page = step["logs"]
        assert [entry["sequence"] for entry in page["nodes"]] == [entry["sequence"] for entry in own[:5]]
        assert page["pageInfo"]["hasNextPage"] == (len(own) > 5)
    assert datetime.fromisoformat(run["endedAt"]) == max(ends.values())


async def test_a_replayed_trace_reads_back_as_it_was(trace_file: Path, server: ApiServer, tmp_path: Path) -> None:
    async with started("replay_trace.py", str(trace_file), "--url", server.url, cwd=tmp_path) as process:
        code, output, errors = await ended(process)
    assert code == 0, errors
    assert "100%" in errors  # the progress bar got to its end
    run_id = run_id_of(output)
    async with Client(server.url) as client:
        await check_read_back(client, run_id, document_of(trace_file))
        pasted = await client.execute(output.partition("\n")[2])
    assert pasted["workflowExecution"]["status"] == "COMPLETED"


async def follow(url: str, run_id: str) -> list[int]:
    """The sequences that another vendor's client receives, until the end of the log."""
    transport = WebsocketsTransport(
        url=url.replace("http", "ws", 1), subprotocols=[WebsocketsTransport.GRAPHQLWS_SUBPROTOCOL]
    )
    received: list[int] = []
    async with GqlClient(transport=transport) as session:
        FOLLOW.variable_values = {"id": run_id}
        async for event in session.subscribe(FOLLOW):
            batch = event["executionLogs"]
            received += [entry["sequence"] for entry in batch["entries"]]
            assert batch["lastSequence"] == len(received)
            if batch["complete"]:
                break
    return received


@pytest.mark.parametrize(
    ("name", "speed"), [("blast-chameleon-small-002", "10"), ("montage-chameleon-2mass-01d-001", None)]
)
async def test_who_follows_a_replay_receives_every_entry_once(
    name: str, speed: str | None, server: ApiServer, tmp_path: Path
) -> None:
    file = TRACES / f"{name}.json"
    if not file.exists():
        pytest.skip(f"{file.name} is not there")
    pace = ["--speed", speed] if speed else []
    async with Client(server.url) as client:
        async with started("replay_trace.py", str(file), "--url", server.url, *pace, cwd=tmp_path) as process:
            run_id = await running(client)
            async with asyncio.timeout(LIMIT):
                received = await follow(server.url, run_id)
            code, _, errors = await ended(process)
        assert code == 0, errors
        total = (await client.call(RUN, {"id": run_id}))["logCounts"]["total"]
    assert received == list(range(1, total + 1))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_an_interrupted_replay_leaves_nothing_running(
    number: signal.Signals, server: ApiServer, tmp_path: Path
) -> None:
    file = TRACES / "blast-chameleon-small-002.json"
    if not file.exists():
        pytest.skip(f"{file.name} is not there")
    slowly = ["--url", server.url, "--speed", "0.01"]
    async with Client(server.url) as client, started("replay_trace.py", str(file), *slowly, cwd=tmp_path) as process:
        await running(client)
        process.send_signal(number)
        code, _, errors = await ended(process)
        (run,) = (await client.call(RUNS))["nodes"]
    assert code == 130, errors
    assert "Traceback" not in errors
    assert (run["status"], run["errorMessage"]) == ("CANCELLED", "the replay was interrupted")


async def test_a_run_cancelled_by_somebody_else_ends_the_replay(server: ApiServer, tmp_path: Path) -> None:
    file = TRACES / "blast-chameleon-small-002.json"
    if not file.exists():
        pytest.skip(f"{file.name} is not there")
    cancel = 'mutation M($id: UUID!) { cancelWorkflowExecution(id: $id, reason: "no") { __typename } }'
    pace = ["--url", server.url, "--speed", "1"]
    async with Client(server.url) as client, started("replay_trace.py", str(file), *pace, cwd=tmp_path) as process:
        run_id = await running(client)
        await client.call(cancel, {"id": run_id})
        code, _, errors = await ended(process)
        run = await client.call(RUN, {"id": run_id})
    assert code == 1
    assert errors.splitlines()[-1].startswith("replay_trace: InvalidTransition: ")
    assert (run["status"], run["errorMessage"]) == ("CANCELLED", "no")


async def test_a_malformed_trace_leaves_nothing_behind(server: ApiServer, tmp_path: Path) -> None:
    file = tmp_path / "trace.json"
    file.write_text('{"name": "x", "schemaVersion": "1.5", "workflow": {"specification": {"tasks": [{"id": "a"}]}}}')
    async with started("replay_trace.py", file.name, "--url", server.url, cwd=tmp_path) as process:
        code, output, errors = await ended(process)
    assert (code, output) == (2, "")
    assert errors == "replay_trace: trace.json: workflow.execution: is missing\n"
    async with Client(server.url) as client:
        workflows = await client.call("query W { workflows { totalCount } }")
        runs = await client.call(RUNS)
    assert (workflows["totalCount"], runs["totalCount"]) == (0, 0)
