"""The questions: as execgraph is asked, as PostGraphile is, and as the hand-written endpoint is."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Answer = Any


@dataclass(frozen=True, slots=True)
class Question:
    """One question, about the run of that name where it is about one."""

    name: str
    run: str | None
    execgraph: str
    postgraphile: str
    path: str
    is_large: bool
    count: Callable[[Answer], int]
    """How much there is in execgraph's answer."""
    count_postgraphile: Callable[[Answer], int]
    count_by_hand: Callable[[Answer], int]


_STEP = "id status executionOrder key startedAt endedAt durationSeconds retryCount errorMessage"
_STEP_OF_PEER = "rowId status executionOrder key startedAt endedAt retryCount errorMessage"
_ENTRY = "sequence level message timestamp nodeExecutionId attempt"
_RUN = "id status createdAt startedAt endedAt"
_RUN_OF_PEER = "rowId status createdAt startedAt endedAt"

QUESTIONS = [
    Question(
        "a run with 100 steps x 10 entries",
        "tree",
        f"""query ($id: UUID!) {{ workflowExecution(id: $id) {{ {_RUN} nodeExecutions(first: 1000) {{ nodes {{
            {_STEP} logs(first: 10) {{ nodes {{ sequence level message timestamp }} }} }} }} }} }}""",
        f"""query ($id: UUID!) {{ workflowExecutionByRowId(rowId: $id) {{ {_RUN_OF_PEER}
            nodeExecutionsByWorkflowExecutionId(first: 1000, orderBy: [EXECUTION_ORDER_ASC, ROW_ID_ASC]) {{ nodes {{
            {_STEP_OF_PEER} executionLogsByWorkflowExecutionIdAndNodeExecutionId(first: 10, orderBy: SEQUENCE_ASC) {{
            nodes {{ sequence level message timestamp }} }} }} }} }} }}""",
        "/tree/{id}",
        True,
        lambda data: sum(len(step["logs"]["nodes"]) for step in data["workflowExecution"]["nodeExecutions"]["nodes"]),
        lambda data: sum(
            len(step["executionLogsByWorkflowExecutionIdAndNodeExecutionId"]["nodes"])
            for step in data["workflowExecutionByRowId"]["nodeExecutionsByWorkflowExecutionId"]["nodes"]
        ),
        lambda answer: sum(len(step["logs"]) for step in answer["steps"]),
    ),
    Question(
        "the newest 1,000 entries of a run",
        "long",
        f"query ($id: UUID!) {{ workflowExecution(id: $id) {{ logs(last: 1000) {{ nodes {{ {_ENTRY} }} }} }} }}",
        f"""query ($id: UUID!) {{ workflowExecutionByRowId(rowId: $id) {{
            executionLogsByWorkflowExecutionId(last: 1000, orderBy: SEQUENCE_ASC) {{ nodes {{ {_ENTRY} }} }} }} }}""",
        "/newest/{id}",
        True,
        lambda data: len(data["workflowExecution"]["logs"]["nodes"]),
        lambda data: len(data["workflowExecutionByRowId"]["executionLogsByWorkflowExecutionId"]["nodes"]),
        len,
    ),
    Question(
        "the newest error entries of a run",
        "long",
        f"""query ($id: UUID!) {{ workflowExecution(id: $id) {{
            logs(last: 1000, filter: {{ levels: [ERROR] }}) {{ nodes {{ {_ENTRY} }} }} }} }}""",
        f"""query ($id: UUID!) {{ workflowExecutionByRowId(rowId: $id) {{
            executionLogsByWorkflowExecutionId(last: 1000, orderBy: SEQUENCE_ASC, condition: {{ level: "error" }}) {{
            nodes {{ {_ENTRY} }} }} }} }}""",
        "/errors/{id}",
        False,
        lambda data: len(data["workflowExecution"]["logs"]["nodes"]),
        lambda data: len(data["workflowExecutionByRowId"]["executionLogsByWorkflowExecutionId"]["nodes"]),
        len,
    ),
    Question(
        "a run with 1,000 steps",
        "wide",
        f"""query ($id: UUID!) {{ workflowExecution(id: $id) {{ {_RUN}
            nodeExecutions(first: 1000) {{ nodes {{ {_STEP} }} }} }} }}""",
        f"""query ($id: UUID!) {{ workflowExecutionByRowId(rowId: $id) {{ {_RUN_OF_PEER}
            nodeExecutionsByWorkflowExecutionId(first: 1000, orderBy: [EXECUTION_ORDER_ASC, ROW_ID_ASC]) {{
            nodes {{ {_STEP_OF_PEER} }} }} }} }}""",
        "/steps/{id}",
        True,
        lambda data: len(data["workflowExecution"]["nodeExecutions"]["nodes"]),
        lambda data: len(data["workflowExecutionByRowId"]["nodeExecutionsByWorkflowExecutionId"]["nodes"]),
        lambda answer: len(answer["steps"]),
    ),
    Question(
        "the newest 50 runs",
        None,
        """{ workflowExecutions(first: 50) { nodes { id status triggerType createdAt startedAt endedAt durationSeconds
            workflow { id name } logCounts { error warning } } } }""",
        """{ allWorkflowExecutions(first: 50, orderBy: [CREATED_AT_DESC, ROW_ID_DESC]) { nodes {
            rowId status triggerType createdAt startedAt endedAt workflowByWorkflowId { rowId name }
            executionCounterByWorkflowExecutionId { errorCount warningCount } } } }""",
        "/runs",
        False,
        lambda data: len(data["workflowExecutions"]["nodes"]),
        lambda data: len(data["allWorkflowExecutions"]["nodes"]),
        len,
    ),
    Question(
        "a run by its id",
        "tree",
        f"query ($id: UUID!) {{ workflowExecution(id: $id) {{ {_RUN} }} }}",
        f"query ($id: UUID!) {{ workflowExecutionByRowId(rowId: $id) {{ {_RUN_OF_PEER} }} }}",
        "/one_run/{id}",
        False,
        lambda data: len([data["workflowExecution"]]),
        lambda data: len([data["workflowExecutionByRowId"]]),
        lambda answer: len([answer]),
    ),
]
