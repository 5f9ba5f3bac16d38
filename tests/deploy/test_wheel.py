"""The wheel is all it takes: installed elsewhere, it migrates and serves."""

import configparser
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[2]
BUILD = "import sys; from setuptools import build_meta; print(build_meta.build_wheel(sys.argv[1]))"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder where the wheel was unpacked."""
    source, wheels, target = (tmp_path_factory.mktemp(name) for name in ("source", "wheels", "target"))
    for name in ("db", "graphql_api", "migrations"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    subprocess.run([sys.executable, "-c", BUILD, str(wheels)], cwd=source, check=True, capture_output=True)
    (wheel,) = wheels.glob("execgraph-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(target)
    return target


def test_it_has_the_command_and_nothing_of_the_checkout_besides(installed: Path) -> None:
    packages = {path.name for path in installed.iterdir() if not path.name.endswith(".dist-info")}
    assert packages == {"db", "graphql_api", "migrations"}
    (information,) = installed.glob("*.dist-info")
    entries = configparser.ConfigParser()
    entries.read(information / "entry_points.txt")
    assert dict(entries["console_scripts"]) == {"execgraph": "graphql_api.cli:main"}
    assert "Provides-Extra: opentelemetry" in (information / "METADATA").read_text()
    assert sorted(path.name for path in (installed / "migrations/versions").glob("0*.py")) == sorted(
        path.name for path in (ROOT / "migrations/versions").glob("0*.py")
    )


def test_installed_it_migrates_and_serves(installed: Path, new_database_url: str, tmp_path: Path) -> None:
    # Another copy of the same code, that nobody measures.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    environment = {**inherited, "PYTHONPATH": str(installed), "DATABASE_URL": new_database_url}
    run = [sys.executable, "-m", "graphql_api.cli"]
    where = [sys.executable, "-c", "import graphql_api, db, migrations; print(graphql_api.__file__)"]
    found = subprocess.run(where, cwd=tmp_path, env=environment, check=True, capture_output=True, text=True)
    assert found.stdout.startswith(str(installed))
    subprocess.run([*run, "migrate"], cwd=tmp_path, env=environment, check=True, capture_output=True)
    command = [*run, "serve", "--port", "0"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, cwd=tmp_path, env=environment, text=True, **pipes) as process:  # type: ignore[call-overload]
        try:
            address = re.search(r"http://[0-9.:]+", process.stdout.readline())
            assert address is not None
            with httpx.Client(transport=httpx.HTTPTransport(retries=20), timeout=30) as client:
                assert client.get(f"{address[0]}/readyz").status_code == 200
        finally:
            process.terminate()
            process.wait(30)
