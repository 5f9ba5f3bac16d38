"""The audits of GraphQL over HTTP by npm's graphql-http: all of them, without an error or a warning."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.api_server import ApiServer
from tests.security.conftest import Tokens

FOLDER = Path(__file__).parents[1] / "clients"
AUDITS = 61

pytestmark = [
    pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed"),
    pytest.mark.skipif(not (FOLDER / "node_modules").is_dir(), reason="the clients are not installed: make clients"),
]


def audit(*arguments: str) -> list[dict[str, str]]:
    command = [str(shutil.which("node")), str(FOLDER / "audit.mjs"), *arguments]
    done = subprocess.run(command, capture_output=True, timeout=60, check=True, text=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_all_audits_pass_without_authentication(api: ApiServer) -> None:
    results = audit(api.url)
    assert len(results) == AUDITS
    assert [result for result in results if result["status"] != "ok"] == []


def test_all_audits_pass_with_a_token(guarded: ApiServer, tokens: Tokens) -> None:
    results = audit(guarded.url, tokens.viewer)
    assert len(results) == AUDITS
    assert [result for result in results if result["status"] != "ok"] == []
