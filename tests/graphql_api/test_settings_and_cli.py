"""The `execgraph` command as a process: what it prints, how it refuses, how it serves and stops."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner, Result

from graphql_api.cli import main
from tests.api_server import ApiServer
from tests.conftest import url_of

ROOT = Path(__file__).parents[2]
LIMIT = 30.0
UNSET = {name: value for name, value in os.environ.items() if not name.startswith(("EXECGRAPH_", "DATABASE_URL"))}


def execgraph(*arguments: str, **environment: str) -> Result:
    """Run the command to its end, in this process: starting one takes seconds."""
    clean = {name: None for name in os.environ if name not in UNSET}
    return CliRunner().invoke(main, arguments, env={**clean, **environment}, catch_exceptions=False)


def refusal(*arguments: str, **environment: str) -> str:
    """The one line that the command says as it refuses."""
    done = execgraph(*arguments, **environment)
    assert (done.exit_code, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("Error: ")
    return line.removeprefix("Error: ")


@contextmanager
def serving(*arguments: str, **environment: str) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """Run `execgraph serve` on a free port; gives the process and the URL that it says."""
    command = [sys.executable, "-m", "graphql_api.cli", "serve", "--port", "0", *arguments]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=UNSET | environment, cwd=ROOT, stdout=pipe, stderr=pipe, text=True) as process:
        watchdog = threading.Timer(LIMIT, process.kill)
        watchdog.start()
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            found = re.search(r"http://127\.0\.0\.1:\d+/graphql", line)
            assert found is not None, f"{line}{process.communicate()}"
            yield process, found[0]
        finally:
            watchdog.cancel()
            process.kill()


def answers(url: str) -> bool:
    """Whether the server that said it serves answers rightly, at once."""
    answer = httpx.post(url, json={"query": "{ __typename }"}, timeout=LIMIT)
    return bool(answer.json() == {"data": {"__typename": "Query"}})


def test_help_shows_the_commands() -> None:
    done = execgraph("--help")
    assert (done.exit_code, done.stderr) == (0, "")
    for word in ("serve", "migrate", "schema", "DATABASE_URL", "EXECGRAPH_*"):
        assert word in done.stdout


def test_schema_prints_the_published_schema() -> None:
    assert execgraph("schema").stdout == (ROOT / "schema.graphql").read_text()


def test_migrate_makes_the_tables_and_is_done_when_they_are_there(new_database_url: str) -> None:
    for _ in range(2):
        done = execgraph("migrate", DATABASE_URL=new_database_url)
        assert (done.exit_code, done.stdout) == (0, "The database is at head.\n")
    with ApiServer(new_database_url) as server:
        assert server.http.get("/readyz").status_code == 200
    assert execgraph("migrate", "--revision", "base", DATABASE_URL=new_database_url).exit_code == 0
    with ApiServer(new_database_url) as server:
        assert server.http.get("/readyz").status_code == 503


def test_migrate_says_in_one_line_what_is_wrong_with_the_database() -> None:
    assert refusal("migrate", DATABASE_URL="postgresql://127.0.0.1:1/x") == (
        "The database cannot be used: [Errno 111] Connect call failed ('127.0.0.1', 1)"
    )
    name = "no_such_database"
    assert (
        refusal("migrate", DATABASE_URL=url_of(name))
        == f'The database cannot be used: database "{name}" does not exist'
    )


def test_an_unknown_revision_is_refused(database_url: str) -> None:
    message = "Can't locate revision identified by 'nowhere'"
    assert refusal("migrate", "--revision", "nowhere", DATABASE_URL=database_url) == message


@pytest.mark.parametrize("command", ["serve", "migrate"])
@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("mysql://me:secret@db/x", "The database URL must begin with postgresql+asyncpg://, not mysql://"),
        (
            "postgresql+psycopg://db/x",
            "The database URL must begin with postgresql+asyncpg://, not postgresql+psycopg://",
        ),
        ("secret", "The database URL must begin with postgresql+asyncpg://; it is no URL at all"),
    ],
)
def test_another_kind_of_database_is_refused(command: str, url: str, message: str) -> None:
    port = ["--port", "0"] if command == "serve" else []
    assert refusal(command, *port, DATABASE_URL=url) == message


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("EXECGRAPH_PORT", "http", "Input should be a valid integer, unable to parse string as an integer"),
        ("EXECGRAPH_PORT", "65536", "Input should be less than or equal to 65535"),
        ("EXECGRAPH_POOL_SIZE", "0", "Input should be greater than 0"),
        ("EXECGRAPH_LOG_GRACE_SECONDS", "-1", "Input should be greater than or equal to 0"),
        ("EXECGRAPH_LOG_GRACE_SECONDS", "nan", "Input should be greater than or equal to 0"),
        ("EXECGRAPH_MAX_BODY_BYTES", "16 MB", "Input should be a valid integer, unable to parse string as an integer"),
    ],
)
def test_a_setting_that_is_not_acceptable_is_named(variable: str, value: str, message: str) -> None:
    assert refusal("serve", **{variable: value}) == f"{variable}: {message}"


def test_a_port_in_use_is_refused_in_one_line(database_url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "graphql_api.cli", "serve", "--port", str(port)]
        environment = UNSET | {"DATABASE_URL": database_url}
        done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, timeout=LIMIT, check=False)
    said = f"Error: Cannot listen on 127.0.0.1:{port} (Address already in use); choose another with --port\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, b"", said.encode())


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])
def test_an_address_that_is_not_loopback_is_refused(database_url: str, host: str) -> None:
    said = (
        f"{host} is not a loopback address; without authentication the server listens on 127.0.0.1."
        " Set EXECGRAPH_AUTHENTICATION=required and make tokens with `execgraph token create`"
    )
    assert refusal("serve", "--host", host, DATABASE_URL=database_url) == said
    assert refusal("serve", DATABASE_URL=database_url, EXECGRAPH_HOST=host) == said


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_the_server_in_order(database_url: str, sent: signal.Signals) -> None:
    with serving(DATABASE_URL=database_url) as (process, url):
        assert answers(url)
        before = time.monotonic()
        process.send_signal(sent)
        _, log = process.communicate(timeout=LIMIT)
        assert process.returncode == 0, log
        assert time.monotonic() - before < 5
        assert "Traceback" not in log
        with pytest.raises(httpx.ConnectError):
            httpx.get(url)


def test_a_signal_sends_subscribers_away_and_stops_the_server(database_url: str) -> None:
    query = "subscription { workflowExecutionsChanged { removedIds } }"
    with serving(DATABASE_URL=database_url) as (process, url):
        assert answers(url)
        headers = {"accept": "text/event-stream"}
        with httpx.stream("POST", url, json={"query": query}, headers=headers, timeout=LIMIT) as response:
            lines = response.iter_lines()
            assert next(lines) == "event: next"
            process.send_signal(signal.SIGTERM)
            assert [line for line in lines if line.startswith(("event", "retry"))] == ["retry: 500"]
        _, log = process.communicate(timeout=LIMIT)
        assert process.returncode == 0, log


def test_without_a_database_url_the_server_runs_its_own_postgresql_and_leaves_no_process() -> None:
    folder = Path(tempfile.mkdtemp(prefix="execgraph-test-", dir="/tmp"))
    folder.chmod(0o755)
    with serving(EXECGRAPH_DATA_DIR=str(folder / "data")) as (process, url):
        assert answers(url)
        made = httpx.post(url, json={"query": 'mutation { createWorkflow(input: { name: "Flow" }) { __typename } }'})
        assert made.json() == {"data": {"createWorkflow": {"__typename": "Workflow"}}}
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=LIMIT)
        assert process.returncode == 0, log
    commands = [
        path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.parent.name != str(os.getpid())
    ]
    assert [command for command in commands if str(folder).encode() in command] == []
    shutil.rmtree(folder)
