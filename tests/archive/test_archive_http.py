"""Exports and imports by the commands and over HTTP."""

import os
import subprocess
import sys
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from tests.api_server import ApiServer
from tests.commands.old_runs import ended
from tests.commands.running import execgraph, printed, refusal
from tests.graphql_api.reports import log, running

NDJSON = {"content-type": "application/x-ndjson"}
ROOT = Path(__file__).parents[2]


def test_a_run_is_exported_and_imported_by_the_commands(
    filled_url: str, other_url: str, all_runs: list[UUID], archive: bytes, tmp_path: Path
) -> None:
    file = tmp_path / "runs.ndjson"
    done = execgraph("export", *map(str, all_runs), "--output", str(file), DATABASE_URL=filled_url)
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "Exported 60 runs.\n")
    assert file.read_bytes() == archive
    assert printed("import", str(file), DATABASE_URL=other_url) == "Imported 60 runs.\n"
    again = execgraph("export", *map(str, all_runs), DATABASE_URL=other_url)
    assert again.stdout_bytes == archive
    assert refusal("import", str(file), DATABASE_URL=other_url) == f"Run {all_runs[0]} is here already"


def test_an_archive_comes_through_a_pipe(other_url: str, archive: bytes) -> None:
    command = [sys.executable, "-m", "graphql_api.cli", "import", "-"]
    environment = {**os.environ, "DATABASE_URL": other_url}
    done = subprocess.run(
        command, env=environment, cwd=ROOT, input=archive, capture_output=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (0, b"Imported 60 runs.\n"), done.stderr
    done = subprocess.run(
        command, env=environment, cwd=ROOT, input=archive[:-100], capture_output=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.startswith(b"Error: ")


def test_what_would_be_purged_is_exported_before(server: ApiServer, other_url: str, tmp_path: Path) -> None:
    old = {ended(server, 100), ended(server, 200)}
    ended(server, 5)
    file = tmp_path / "old.ndjson"
    execgraph("export", "--older-than", "90d", "--output", str(file), DATABASE_URL=server.database_url)
    printed("import", str(file), DATABASE_URL=other_url)
    with ApiServer(other_url) as other:
        nodes = other.ask("{ workflowExecutions { nodes { id } } }")["nodes"]
    assert {node["id"] for node in nodes} == old


@pytest.mark.parametrize("arguments", [(), (str(uuid4()), "--older-than", "1d")])
def test_an_export_is_of_named_runs_or_of_old_ones(arguments: tuple[str, ...]) -> None:
    assert refusal("export", *arguments) == "Name runs, or say with --older-than which."


def test_an_unknown_run_is_refused_in_one_line(database_url: str) -> None:
    unknown = str(uuid4())
    assert refusal("export", unknown, DATABASE_URL=database_url) == f"Workflow execution {unknown} does not exist"


def test_a_run_goes_over_http_and_whoever_looks_at_the_list_there_is_told(server: ApiServer, other_url: str) -> None:
    run_id = running(server)
    log(server, run_id, *(f"message {place}" for place in range(1_200)))
    answer = server.http.get("/export", params={"run": run_id})
    assert answer.headers["content-type"] == "application/x-ndjson"
    with ApiServer(other_url) as other:
        done = other.http.post("/import", content=answer.content, headers=NDJSON)
        assert (done.status_code, done.json()) == (200, {"runs": 1, "lostReferences": 0, "lostKeys": 0})
        assert other.http.get("/export", params={"run": run_id}).content == answer.content
        again = other.http.post("/import", content=answer.content, headers=NDJSON)
        assert (again.status_code, again.json()) == (422, {"problem": f"Run {run_id} is here already"})
        half = other.http.post("/import", content=answer.content[:-1], headers=NDJSON)
        assert half.status_code == 422


def test_http_refusals_say_what_is_wrong(server: ApiServer) -> None:
    unknown = str(uuid4())
    assert server.http.get("/export", params={"run": unknown}).status_code == 404
    assert server.http.get("/export", params={"run": "x"}).status_code == 400
    assert server.http.get("/export").status_code == 400
    assert server.http.get("/import").status_code == 405
    assert server.http.post("/import", content=b"", headers=NDJSON).json() == {
        "problem": "This is no archive of execgraph"
    }
    assert server.http.post("/import", data={"a": "b"}).status_code == 415
    with ApiServer(server.database_url, max_import_bytes=10) as small:
        assert small.http.post("/import", content=b"x" * 11, headers=NDJSON).status_code == 413
