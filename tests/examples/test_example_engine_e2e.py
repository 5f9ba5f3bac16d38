"""The engine as a process against a real server: its runs read back complete, and no signal leaves one running."""

import signal
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from client import Client

from tests.api_server import ApiServer
from tests.examples.example_scripts import LOGS, RUN, RUNS, STEPS, ended, pages, running, started


async def engine(server: ApiServer, cwd: Path, *arguments: str) -> str:
    """Run the engine to its end and return what it said."""
    async with started("engine.py", "--url", server.url, "--interval", "0", *arguments, cwd=cwd) as process:
        code, _, errors = await ended(process)
    assert code == 0, errors
    return errors


async def test_runs_read_back_complete_with_their_logs(server: ApiServer, tmp_path: Path) -> None:
    # Of these seeds the first's feed answers at the second try, the second's at once, the third's never.
    await engine(server, tmp_path, "--runs", "3", "--seed", "0", "--symbols", "ALFA,BRAVO", "--bars", "300")
    async with Client(server.url) as client:
        runs = sorted((await client.call(RUNS))["nodes"], key=lambda run: run["inputData"]["seed"])
        steps: list[dict[str, Any]] = []
        for run in runs:
            whole = await client.call(RUN, {"id": run["id"]})
            own = await pages(client, STEPS, run["id"], "nodeExecutions")
            log = await pages(client, LOGS, run["id"], "logs")
            assert len(own) == 11
            assert [entry["sequence"] for entry in log] == list(range(1, len(log) + 1))
            assert whole["logCounts"]["total"] == len(log)
            logged = {entry["nodeExecutionId"] for entry in log}
            assert {step["id"] for step in own if step["startedAt"]} <= logged
            steps.append({step["node"]["key"]: step for step in own})
            if run["status"] == "COMPLETED":
                assert len(whole["outputData"]["ranking"]) == 2
                assert {step["status"] for step in own} == {"COMPLETED"}
    assert [run["status"] for run in runs] == ["COMPLETED", "COMPLETED", "FAILED"]
    tries = [[attempt["status"] for attempt in own["riskless_rate"]["attempts"]] for own in steps]
    assert tries == [["FAILED", "COMPLETED"], ["COMPLETED"], ["FAILED"] * 3]
    assert runs[2]["errorMessage"] == "Riskless rate: the rate feed did not answer"
    assert steps[2]["ranking"]["status"] == "CANCELLED"
    assert not {"PENDING", "RUNNING"} & set(Counter(step["status"] for step in steps[2].values()))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_leaves_no_run_running(number: signal.Signals, server: ApiServer, tmp_path: Path) -> None:
    long = ["--url", server.url, "--symbols", "100", "--bars", "3000"]
    async with Client(server.url) as client, started("engine.py", *long, cwd=tmp_path) as process:
        run_id = await running(client)
        process.send_signal(number)
        code, _, errors = await ended(process)
        assert code == 0, errors
        (run,) = (await client.call(RUNS))["nodes"]
        steps = await pages(client, STEPS, run_id, "nodeExecutions")
    assert (run["id"], run["status"], run["errorMessage"]) == (run_id, "CANCELLED", "the engine was stopped")
    assert "Traceback" not in errors
    assert not {"PENDING", "RUNNING"} & {step["status"] for step in steps}
