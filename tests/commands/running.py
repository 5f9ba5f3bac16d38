"""Running an `execgraph` command to its end, in this process: starting one takes seconds."""

import os

from click.testing import CliRunner, Result

from graphql_api.cli import main


def execgraph(*arguments: str, stdin: bytes | None = None, **environment: str) -> Result:
    """Run a command with nothing set but what is given."""
    clean = {name: None for name in os.environ if name.startswith(("EXECGRAPH_", "DATABASE_URL"))}
    return CliRunner().invoke(main, arguments, input=stdin, env={**clean, **environment}, catch_exceptions=False)


def printed(*arguments: str, **environment: str) -> str:
    """What a command prints that has to succeed."""
    done = execgraph(*arguments, **environment)
    assert done.exit_code == 0, done.output
    return done.stdout


def refusal(*arguments: str, stdin: bytes | None = None, **environment: str) -> str:
    """The one line that a command says as it refuses, or the last one where it shows how it is used."""
    done = execgraph(*arguments, stdin=stdin, **environment)
    assert done.exit_code in (1, 2), done.output
    assert done.stdout == ""
    return done.stderr.splitlines()[-1].removeprefix("Error: ")
