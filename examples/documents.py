"""Every GraphQL document that the examples send."""

REFUSAL = """
fragment Refusal on Error {
  __typename
  message
  ... on InvalidTransition { from }
  ... on InvalidInput { field }
}
"""

PING = "query Ping { __typename }"

CREATE_WORKFLOW = (
    """
mutation CreateWorkflow($input: CreateWorkflowInput!) {
  createWorkflow(input: $input) {
    ... on Workflow { id nodes { id key } }
    ...Refusal
  }
}
"""
    + REFUSAL
)

CREATE_RUN = (
    """
mutation CreateRun($input: CreateWorkflowExecutionInput!) {
  createWorkflowExecution(input: $input) {
    ... on WorkflowExecution {
      id
      nodeExecutions(first: 1000) { nodes { id node { key } } pageInfo { hasNextPage } }
    }
    ...Refusal
  }
}
"""
    + REFUSAL
)

START_RUN = (
    """
mutation StartRun($id: UUID!, $at: DateTime) {
  startWorkflowExecution(id: $id, at: $at) { ... on WorkflowExecution { id } ...Refusal }
}
"""
    + REFUSAL
)

COMPLETE_RUN = (
    """
mutation CompleteRun($id: UUID!, $outputData: JSON, $at: DateTime) {
  completeWorkflowExecution(id: $id, outputData: $outputData, at: $at) {
    ... on WorkflowExecution { id }
    ...Refusal
  }
}
"""
    + REFUSAL
)

FAIL_RUN = (
    """
mutation FailRun($id: UUID!, $errorMessage: String!) {
  failWorkflowExecution(id: $id, errorMessage: $errorMessage) {
    ... on WorkflowExecution { id }
    ...Refusal
  }
}
"""
    + REFUSAL
)

CANCEL_RUN = (
    """
mutation CancelRun($id: UUID!, $reason: String) {
  cancelWorkflowExecution(id: $id, reason: $reason) { ... on WorkflowExecution { id } ...Refusal }
}
"""
    + REFUSAL
)

CREATE_STEPS = (
    """
mutation CreateSteps($runId: UUID!, $steps: [CreateNodeExecutionInput!]!) {
  createNodeExecutions(workflowExecutionId: $runId, nodeExecutions: $steps) {
    ... on CreateNodeExecutionsPayload { nodeExecutions { id key } }
    ...Refusal
  }
}
"""
    + REFUSAL
)

START_STEP = (
    """
mutation StartStep($id: UUID!, $inputData: JSON, $at: DateTime) {
  startNodeExecution(id: $id, inputData: $inputData, at: $at) {
    ... on NodeExecution { id }
    ...Refusal
  }
}
"""
    + REFUSAL
)

COMPLETE_STEP = (
    """
mutation CompleteStep($id: UUID!, $outputData: JSON, $at: DateTime) {
  completeNodeExecution(id: $id, outputData: $outputData, at: $at) {
    ... on NodeExecution { id }
    ...Refusal
  }
}
"""
    + REFUSAL
)

# A step that is over already: two transitions for one request. GraphQL executes mutations one after the other.
TELL_STEP = (
    """
mutation TellStep($id: UUID!, $outputData: JSON, $start: DateTime!, $end: DateTime!) {
  start: startNodeExecution(id: $id, at: $start) { ... on NodeExecution { id } ...Refusal }
  complete: completeNodeExecution(id: $id, outputData: $outputData, at: $end) {
    ... on NodeExecution { id }
    ...Refusal
  }
}
"""
    + REFUSAL
)

FAIL_STEP = (
    """
mutation FailStep($id: UUID!, $errorMessage: String!) {
  failNodeExecution(id: $id, errorMessage: $errorMessage) {
    ... on NodeExecution { id status canRetry }
    ...Refusal
  }
}
"""
    + REFUSAL
)

RETRY_STEP = (
    """
mutation RetryStep($id: UUID!) {
  retryNodeExecution(id: $id) { ... on NodeExecution { id } ...Refusal }
}
"""
    + REFUSAL
)

APPEND_LOGS = (
    """
mutation AppendLogs($runId: UUID!, $entries: [LogEntryInput!]!) {
  appendLogs(workflowExecutionId: $runId, entries: $entries) {
    ... on AppendLogsPayload { count firstSequence lastSequence }
    ...Refusal
  }
}
"""
    + REFUSAL
)

RUN_STATUS = "query RunStatus($id: UUID!) { workflowExecution(id: $id) { id status errorMessage } }"

STEP_STATUS = "query StepStatus($id: UUID!) { nodeExecution(id: $id) { id status canRetry } }"

LAST_SEQUENCE = "query LastSequence($id: UUID!) { workflowExecution(id: $id) { logs(last: 1) { lastSequence } } }"

# What replay_trace prints for pasting: a literal id, so that it works where there is no place for variables.
RUN_OVERVIEW = """{
  workflowExecution(id: "%s") {
    status startedAt endedAt durationSeconds
    workflow { name }
    nodeStatusCounts { total completed }
    logCounts { total }
    nodeExecutions(first: 20) {
      totalCount
      nodes { executionOrder key status startedAt durationSeconds logs(first: 5) { nodes { level message } } }
    }
  }
}"""
