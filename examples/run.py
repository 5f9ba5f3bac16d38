"""`make run`: the server, and beside it the example engine, so that there is always something to look at."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
EXECGRAPH = [sys.executable, "-m", "graphql_api.cli"]
STOP_SECONDS = 30

GREETING = """
Open http://{address}/ in a browser for the dashboard, or http://{address}/graphql for GraphiQL, and try

    {{ workflowExecutions(first: 5) {{ nodes {{ id status durationSeconds logCounts {{ total error }} }} }} }}

or follow the log of one of these runs:

    subscription {{ executionLogs(workflowExecutionId: "...") {{ entries {{ sequence level message }} complete }} }}

An example engine reports a run every few seconds. Ctrl-C stops both.
"""


def main() -> int:
    """Run both until Ctrl-C or until the server ends; gives the server's exit code."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job has it ignored
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    port = os.environ.get("EXECGRAPH_PORT", "8000")
    if "DATABASE_URL" in os.environ and subprocess.call([*EXECGRAPH, "migrate"]) != 0:
        return 1
    address = f"127.0.0.1:{port}"
    # Each in a session of its own: Ctrl-C reaches this process alone, which ends them in order.
    serve = [*EXECGRAPH, "serve", "--port", port]
    server = subprocess.Popen(serve, start_new_session=True, stdout=subprocess.PIPE, text=True)
    engine: subprocess.Popen[bytes] | None = None
    try:
        assert server.stdout is not None
        if not server.stdout.readline():  # it says one line when it serves, and why on stderr when it cannot
            return server.wait()
        print(GREETING.format(address=address), flush=True)
        arguments = ["--url", f"http://{address}/graphql"]
        engine = subprocess.Popen([sys.executable, str(HERE / "engine.py"), *arguments], start_new_session=True)
        return server.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        for process in (engine, server):
            if process is not None:
                end(process)


def end(process: "subprocess.Popen[Any]") -> None:
    """End a process in order, and wait until it has."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    sys.exit(main())
