"""The files that ship the server say what there is: commands, settings, health checks, nobody as root."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from graphql_api.cli import main
from graphql_api.settings import Settings
from graphql_api.settings_reference import variable_of

DEPLOY = Path(__file__).parents[2] / "deploy"
ROOT = DEPLOY.parent
CONTAINERFILE = (DEPLOY / "Containerfile").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
UNIT = (DEPLOY / "execgraph.service").read_text()
VARIABLES = {variable_of(name, field) for name, field in Settings.model_fields.items()}


@pytest.mark.parametrize("file", ["Containerfile", "compose.yaml", "execgraph.env"])
def test_every_setting_that_is_named_exists(file: str) -> None:
    named = set(re.findall(r"\b(DATABASE_URL|EXECGRAPH_[A-Z_]+)\b", (DEPLOY / file).read_text()))
    assert named
    assert named <= VARIABLES


def test_the_settings_of_the_files_are_acceptable(monkeypatch: pytest.MonkeyPatch) -> None:
    given = dict(re.findall(r"\b(EXECGRAPH_[A-Z_]+)=([^\s\\]+)", CONTAINERFILE))
    given |= dict(re.findall(r"^#?([A-Z_]+)=(.+)$", (DEPLOY / "execgraph.env").read_text(), re.MULTILINE))
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    settings = Settings()
    assert settings.authenticates
    assert settings.log_format == "json"
    assert len(settings.purge) == 1


def test_the_container_runs_as_a_user_without_rights_and_is_asked_whether_it_is_ready() -> None:
    last = CONTAINERFILE.split("\nFROM ")[-1]
    users = re.findall(r"^USER (\S+)$", last, re.MULTILINE)
    assert users
    assert all(user.isdigit() and int(user) >= 10_000 for user in users)
    assert last.index("USER ") < last.index("ENTRYPOINT")
    assert "HEALTHCHECK" in last
    assert "/readyz" in last
    for copied in re.findall(r"^COPY (?!--from)(.+) \S+$", CONTAINERFILE, re.MULTILINE):
        for path in copied.split():
            assert (ROOT / path).exists(), path


def test_every_command_that_the_files_run_exists() -> None:
    services = COMPOSE["services"]
    run = [services["migrate"]["command"][0], services["execgraph"]["command"][0]]
    run += re.findall(r"/bin/execgraph (\w+)", UNIT)
    assert set(run) <= set(main.commands)
    assert "serve" in run
    serve = {option for parameter in main.commands["serve"].params for option in parameter.opts}
    assert {word for word in services["execgraph"]["command"] if word.startswith("--")} <= serve


def test_services_start_in_order_and_only_the_server_is_reached_and_only_from_here() -> None:
    services = COMPOSE["services"]
    assert services["postgres"]["healthcheck"]["test"][1] == "pg_isready"
    assert services["migrate"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    assert services["execgraph"]["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}
    assert [name for name, service in services.items() if "ports" in service] == ["execgraph"]
    assert all(port.startswith("127.0.0.1:") for port in services["execgraph"]["ports"])
    assert services["execgraph"]["read_only"] is True
    grace = int(services["execgraph"]["stop_grace_period"].removesuffix("s"))
    defaults = Settings.model_fields
    assert grace > defaults["drain_seconds"].default + defaults["linger_seconds"].default


def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("there is no systemd here")
    unit = tmp_path / "execgraph.service"
    unit.write_text(UNIT.replace("/opt/execgraph/bin/execgraph", "/bin/true"))
    done = subprocess.run([program, "verify", str(unit)], capture_output=True, text=True, check=False)
    assert "execgraph.service" not in done.stderr, done.stderr
