"""`execgraph purge`, and the same by the server itself."""

import re
import time
from datetime import timedelta

import pytest

from db.commands.purge import PurgePolicy
from db.enums import ExecutionStatus
from graphql_api.retention import parse_policies
from tests.api_server import ApiServer
from tests.commands.old_runs import ended, runs
from tests.commands.running import printed, refusal
from tests.observability.metrics_page import value


def test_a_dry_run_says_what_would_go_and_removes_nothing(server: ApiServer) -> None:
    made = {ended(server, 100, entries=3), ended(server, 100, entries=4), ended(server, 5)}

    said = printed("purge", "--older-than", "90d", "--dry-run", DATABASE_URL=server.database_url)

    assert said == "Would remove 2 runs, 2 steps and 7 log entries.\n"
    assert runs(server) == made


def test_it_removes_what_it_says_and_shows_how_far_it_is(server: ApiServer) -> None:
    ended(server, 100)
    stays = ended(server, 5)

    said = printed("purge", "--older-than", "12w", "--status", "completed", DATABASE_URL=server.database_url)

    assert re.fullmatch(r"Removed 1 runs, 1 steps and 2 log entries in \d+ s\.\n", said)
    assert runs(server) == {stays}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "Missing option '--older-than'."),
        (
            ("--older-than", "90"),
            "Invalid value for '--older-than': '90' is no age; write a number and s, m, h, d or w, for instance 90d",
        ),
        (
            ("--older-than", "90d", "--status", "running"),
            "Invalid value for '--status': 'running' is not one of 'completed', 'failed', 'cancelled'.",
        ),
        (
            ("--older-than", "90d", "--work-share", "0"),
            "Invalid value for '--work-share': 0.0 is not in the range 0<x<=1.",
        ),
    ],
)
def test_it_says_what_is_wrong(arguments: tuple[str, ...], message: str) -> None:
    assert refusal("purge", *arguments) == message


def test_policies_are_written_as_the_command_is() -> None:
    text = "--older-than 30d --status completed --status cancelled; --older-than 90d --workflow 'a b' --namespace x ;"
    assert parse_policies(text) == (
        PurgePolicy(timedelta(days=30), (ExecutionStatus.COMPLETED, ExecutionStatus.CANCELLED)),
        PurgePolicy(timedelta(days=90), None, ("a b",), ("x",)),
    )
    assert parse_policies("") == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("--status completed", "--status completed: Missing option '--older-than'."),
        ("--older-than 1d --dry-run", "--older-than 1d --dry-run: No such option '--dry-run'."),
    ],
)
def test_a_policy_that_is_wrong_is_refused_as_the_server_starts(text: str, message: str) -> None:
    assert refusal("serve", EXECGRAPH_PURGE=text) == f"EXECGRAPH_PURGE: Value error, {message}"


def test_the_server_purges_by_itself_and_says_so(server: ApiServer) -> None:
    stays = {ended(server, 5), ended(server, 100)}
    ended(server, 400)
    before = value(server, "execgraph_purged_runs_total")
    policies = parse_policies("--older-than 52w")
    with ApiServer(server.database_url, purge=policies, purge_interval_seconds=0.2) as purging:
        until = time.monotonic() + 20
        while runs(purging) != stays and time.monotonic() < until:
            time.sleep(0.05)
        assert runs(purging) == stays
        late = ended(purging, 400)  # it looks again and again
        while late in runs(purging) and time.monotonic() < until:
            time.sleep(0.05)
        assert runs(purging) == stays
        while value(purging, "execgraph_purged_runs_total") < before + 2 and time.monotonic() < until:
            time.sleep(0.05)
        assert value(purging, "execgraph_purged_runs_total") == before + 2
