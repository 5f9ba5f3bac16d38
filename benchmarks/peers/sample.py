"""The runs that are asked about, reported through the API as an engine would."""

from typing import Any

import httpx

ENTRIES_PER_CALL = 1_000
SIZES = {"tree": (100, 1_000), "wide": (1_000, 0), "long": (10, 10_000)}
"""Steps and entries of each run, by its name."""

_MUTATIONS = {
    "createWorkflow": ("($input: CreateWorkflowInput!)", "(input: $input)", "... on Workflow { id }"),
    "createWorkflowExecution": (
        "($input: CreateWorkflowExecutionInput!)",
        "(input: $input)",
        "... on WorkflowExecution { id }",
    ),
    "startWorkflowExecution": ("($id: UUID!)", "(id: $id)", ""),
    "createNodeExecutions": (
        "($id: UUID!, $steps: [CreateNodeExecutionInput!]!)",
        "(workflowExecutionId: $id, nodeExecutions: $steps)",
        "... on CreateNodeExecutionsPayload { nodeExecutions { id } }",
    ),
    "appendLogs": (
        "($id: UUID!, $entries: [LogEntryInput!]!)",
        "(workflowExecutionId: $id, entries: $entries)",
        "... on AppendLogsPayload { count }",
    ),
}


class Reporter:
    """Reports to one server."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    def report(self, mutation: str, **variables: Any) -> Any:
        """Send one mutation that must succeed."""
        declared, passed, selected = _MUTATIONS[mutation]
        selection = f"{{ __typename ... on Error {{ message }} {selected} }}"
        query = f"mutation {declared} {{ {mutation}{passed} {selection} }}"
        answer = self._http.post("/graphql", json={"query": query, "variables": variables}).json()
        found = answer.get("data", {}).get(mutation)
        if found is None or "message" in found:
            raise RuntimeError(f"{mutation}: {answer}")
        return found

    def workflow(self) -> str:
        """Make a definition; gives its id."""
        made: str = self.report("createWorkflow", input={"name": "Sample"})["id"]
        return made

    def sample(self) -> dict[str, str]:
        """Make the runs; gives their ids by their names."""
        workflow = self.workflow()
        return {name: self.run(workflow, *size) for name, size in SIZES.items()}

    def run(self, workflow: str, steps: int = 0, entries: int = 0) -> str:
        """Make a run with so many steps and entries; gives its id."""
        run: str = self.report("createWorkflowExecution", input={"workflowId": workflow, "triggerType": "MANUAL"})["id"]
        self.report("startWorkflowExecution", id=run)
        given = [{"key": f"step-{place}", "name": f"Step {place}", "executionOrder": place} for place in range(steps)]
        made = self.report("createNodeExecutions", id=run, steps=given)["nodeExecutions"] if given else []
        for start in range(0, entries, ENTRIES_PER_CALL):
            self.report("appendLogs", id=run, entries=[_entry(place, made) for place in range(start, start + 1_000)])
        return run

    def last_sequence(self, run: str) -> int:
        """How many entries a run has."""
        query = "query ($id: UUID!) { workflowExecution(id: $id) { logs(last: 1) { nodes { sequence } } } }"
        answer = self._http.post("/graphql", json={"query": query, "variables": {"id": run}}).json()
        return sum(entry["sequence"] for entry in answer["data"]["workflowExecution"]["logs"]["nodes"])


def _entry(place: int, steps: list[dict[str, str]]) -> dict[str, Any]:
    return {
        "level": "ERROR" if place % 100 == 0 else "INFO",
        "message": f"Processed batch {place} of the warehouse table in {place % 977} ms",
        "data": {"batch": place, "rows": place * 31 % 10_007},
        "nodeExecutionId": steps[place % len(steps)]["id"],
    }
