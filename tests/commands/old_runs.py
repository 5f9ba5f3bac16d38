"""Runs that ended long ago, made behind the API's back."""

import asyncio
from contextlib import closing

from tests.api_server import ApiServer
from tests.graphql_api.reports import log, running, steps, transition
from tests.reliability.store import fetch


def ended(api: ApiServer, days: float, *, entries: int = 2) -> str:
    """A run with a step and entries that ended so many days ago."""
    run_id = running(api)
    steps(api, run_id, "load")
    log(api, run_id, *(f"message {place}" for place in range(entries)))
    transition(api, "completeWorkflowExecution", run_id)
    statement = """UPDATE workflow_executions SET started_at = ended_at - $2 * interval '1 day',
        ended_at = ended_at - $2 * interval '1 day' WHERE id = $1"""
    with closing(asyncio.new_event_loop()) as loop:
        loop.run_until_complete(fetch(api.database_url, statement, run_id, days))
    return run_id


def runs(api: ApiServer) -> set[str]:
    """The ids of all runs."""
    nodes = api.ask("{ workflowExecutions(first: 200) { nodes { id } } }")["nodes"]
    return {node["id"] for node in nodes}
