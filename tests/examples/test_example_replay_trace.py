"""The command line of the replay: files that are no good, and servers that are not there."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from replay_trace import main


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda text: text[:-1], "the document: is not JSON"),
        (lambda text: text.replace('"wf": 0', '"wf": 0').replace("1.5", "1.4"), "schemaVersion: expected WfFormat 1.5"),
        (lambda text: text.replace("2021", "9021"), "workflow.execution: the last task ends in the future"),
        (lambda text: text.replace("2021", "9999").replace("1.0", "3e9"), "workflow.execution.tasks: the runtimes"),
    ],
    ids=["no JSON", "another version", "the future", "the end of time"],
)
def test_a_file_that_is_no_good_is_refused_in_one_line_without_a_request(
    change: Callable[[str], str],
    problem: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    document = {
        "name": "tiny",
        "schemaVersion": "1.5",
        "workflow": {
            "specification": {"tasks": [{"id": "a", "name": "A", "parents": [], "children": []}]},
            "execution": {
                "makespanInSeconds": 1,
                "executedAt": "2021-03-23T05:57:15Z",
                "tasks": [{"id": "a", "runtimeInSeconds": 1.0}],
            },
        },
    }
    file = tmp_path / "trace.json"
    file.write_text(change(json.dumps(document)))
    # Port 1 answers nobody: had it been asked, the exit code would be 1.
    monkeypatch.setattr("sys.argv", ["replay_trace.py", str(file), "--url", "http://127.0.0.1:1/graphql"])
    assert main() == 2
    error = capsys.readouterr().err
    assert error.startswith(f"replay_trace: {file}: {problem}")
    assert error.count("\n") == 1


def test_a_file_that_is_not_there_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["replay_trace.py", str(tmp_path / "none.json")])
    assert main() == 2
    assert "No such file" in capsys.readouterr().err


def test_a_server_that_does_not_answer_is_an_error(
    tmp_path: Path, trace_file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    url = ["--url", "http://127.0.0.1:1/graphql", "--wait", "0"]
    monkeypatch.setattr("sys.argv", ["replay_trace.py", str(trace_file), *url])
    assert main() == 1
    assert capsys.readouterr().err.splitlines()[-1].startswith("replay_trace: cannot reach http://127.0.0.1:1")
