"""Exports and imports by the commands and over HTTP."""

import os
import subprocess
import sys
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from db import Database
from db.enums import Role
from tests.api_server import ApiServer
from tests.api_tokens import bearer, make_token
from tests.archive.conftest import done
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


def token_of(url: str, role: Role = Role.ADMIN, namespaces: list[str] | None = None) -> dict[str, str]:
    """The headers of a caller with a token of its own."""

    async def make() -> str:
        async with Database(url) as database:
            return await make_token(database, uuid4().hex, role, namespaces)

    return {**NDJSON, **bearer(done(make))}


def test_a_run_goes_over_http(server: ApiServer, other_url: str) -> None:
    run_id = running(server)
    log(server, run_id, *(f"message {place}" for place in range(1_200)))
    with (
        ApiServer(server.database_url, authentication="required") as one,
        ApiServer(other_url, authentication="required") as other,
    ):
        here, there = token_of(server.database_url), token_of(other_url)
        answer = one.http.get("/export", params={"run": run_id}, headers=here)
        assert answer.headers["content-type"] == "application/x-ndjson"
        imported = other.http.post("/import", content=answer.content, headers=there)
        assert (imported.status_code, imported.json()) == (200, {"runs": 1, "lostReferences": 0, "lostKeys": 0})
        assert other.http.get("/export", params={"run": run_id}, headers=there).content == answer.content
        again = other.http.post("/import", content=answer.content, headers=there)
        assert (again.status_code, again.json()) == (422, {"problem": f"Run {run_id} is here already"})
        half = other.http.post("/import", content=answer.content[:-1], headers=there)
        assert half.status_code == 422


def test_http_refusals_say_what_is_wrong(database_url: str) -> None:
    admin = token_of(database_url)
    with ApiServer(database_url, authentication="required", max_import_bytes=1_000) as server:

        def status(method: str, path: str, content: bytes = b"", **headers: str) -> int:
            return server.http.request(method, path, content=content, headers={**admin, **headers}).status_code

        assert status("GET", f"/export?run={uuid4()}") == 404
        assert status("GET", "/export?run=x") == 400
        assert status("GET", "/export") == 400
        assert status("GET", "/import") == 405
        assert status("POST", "/import", **{"content-type": "text/plain"}) == 415
        assert status("POST", "/import", b"x" * 1_001) == 413
        refused = server.http.post("/import", content=b"", headers=admin)
        assert (refused.status_code, refused.json()) == (422, {"problem": "This is no archive of execgraph"})


def test_only_an_admin_of_everything_exports_and_imports_and_nobody_without_authentication(server: ApiServer) -> None:
    run_id = running(server)
    url = server.database_url
    with ApiServer(url, authentication="required") as guarded:
        for headers, status in (
            ({}, 401),
            (token_of(url, Role.VIEWER), 403),
            (token_of(url, Role.ENGINE), 403),
            (token_of(url, Role.ADMIN, ["default"]), 403),
            (token_of(url, Role.ADMIN), 200),
        ):
            assert guarded.http.get("/export", params={"run": run_id}, headers=headers).status_code == status
            assert guarded.http.post("/import", headers=headers).status_code == (422 if status == 200 else status)
    assert server.http.get("/export", params={"run": run_id}).status_code == 403
    assert server.http.post("/import", headers=NDJSON).status_code == 403
