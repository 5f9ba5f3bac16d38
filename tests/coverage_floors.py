"""Hold the coverage floors of the acceptance document's table; run after the tests by `make test`."""

import sys
from pathlib import Path

from coverage import Coverage

FLOORS = {
    "WorkflowExecution model": (90, "db/models/workflow_execution.py"),
    "NodeExecution model": (90, "db/models/node_execution.py"),
    "ExecutionLog model": (85, "db/models/execution_log.py"),
    "State transitions": (100, "db/state_machine.py"),
    "Transitions of models": (100, "db/models/stateful.py"),
    "LogLevel enum": (100, "db/enums.py"),
    "Everything": (90, "*"),
}


def main() -> int:
    """Print each component's coverage; 1 if one is below its floor."""
    coverage = Coverage()
    coverage.load()
    failed = 0
    with Path("/dev/null").open("w") as nowhere:
        for component, (floor, files) in FLOORS.items():
            covered = coverage.report(file=nowhere, include=[files])
            print(f"{component:26} {covered:6.1f} %  (at least {floor} %)")
            failed |= covered < floor
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
