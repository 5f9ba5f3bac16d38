"""SPEC-005: the customer's acceptance criteria, each test named after its criterion, the code as it stands."""

import asyncio

import pytest
from sqlalchemy import select

from db import (
    ExecutionLog,
    ExecutionStatus,
    LogLevel,
    NodeExecution,
    TriggerType,
    WorkflowExecution,
)


async def test_ac_001_create_workflow_execution(db_session, test_workflow):
    execution = WorkflowExecution(
        workflow_id=test_workflow.id,
        trigger_type=TriggerType.MANUAL,
        input_data={"market": "KOSPI", "threshold": 0.05},
        context={"variables": {}},
        metadata_={"triggered_by": "test_user"},
    )
    db_session.add(execution)
    await db_session.commit()

    assert execution.id is not None
    assert execution.status == ExecutionStatus.PENDING
    assert execution.created_at is not None
    assert execution.started_at is None
    assert execution.ended_at is None


async def test_ac_002_create_node_execution(db_session, test_workflow_execution, test_node):
    node_execution = NodeExecution(
        workflow_execution_id=test_workflow_execution.id,
        node_id=test_node.id,
        execution_order=1,
        input_data={"query": "SELECT * FROM stocks"},
    )
    db_session.add(node_execution)
    await db_session.commit()

    assert node_execution.id is not None
    assert node_execution.status == ExecutionStatus.PENDING
    assert node_execution.retry_count == 0
    assert node_execution.execution_order == 1


async def test_ac_003_create_execution_log(db_session, test_workflow_execution):
    log = ExecutionLog(
        workflow_execution_id=test_workflow_execution.id,
        level=LogLevel.INFO,
        message="Workflow execution started",
        data={"step": "initialization"},
    )
    db_session.add(log)
    await db_session.commit()

    assert log.id is not None
    assert log.timestamp is not None
    assert log.level == LogLevel.INFO


async def test_ac_004_workflow_execution_node_execution_relationship(
    db_session, test_workflow_execution, test_nodes
):
    # Create multiple node executions
    for idx, node in enumerate(test_nodes):
        node_execution = NodeExecution(
            workflow_execution_id=test_workflow_execution.id,
            node_id=node.id,
            execution_order=idx + 1,
        )
        db_session.add(node_execution)
    await db_session.commit()

    # Refresh to load relationships
    await db_session.refresh(test_workflow_execution)

    assert len(test_workflow_execution.node_executions) == len(test_nodes)
    # Verify ordering
    orders = [ne.execution_order for ne in test_workflow_execution.node_executions]
    assert orders == sorted(orders)


async def test_ac_005_workflow_execution_logs_relationship(db_session, test_workflow_execution):
    # Create multiple logs
    for i in range(5):
        log = ExecutionLog(
            workflow_execution_id=test_workflow_execution.id,
            level=LogLevel.INFO,
            message=f"Log message {i}",
        )
        db_session.add(log)
        await asyncio.sleep(0.01)  # Small delay for timestamp ordering
    await db_session.commit()

    await db_session.refresh(test_workflow_execution)

    assert len(test_workflow_execution.logs) == 5
    # Verify timestamp ordering
    timestamps = [log.timestamp for log in test_workflow_execution.logs]
    assert timestamps == sorted(timestamps)


async def test_ac_006_node_execution_logs_relationship(
    db_session, test_workflow_execution, test_node
):
    node_execution = NodeExecution(
        workflow_execution_id=test_workflow_execution.id,
        node_id=test_node.id,
        execution_order=1,
    )
    db_session.add(node_execution)
    await db_session.commit()

    # Create node-level log
    node_log = ExecutionLog(
        workflow_execution_id=test_workflow_execution.id,
        node_execution_id=node_execution.id,
        level=LogLevel.DEBUG,
        message="Node processing started",
    )
    db_session.add(node_log)

    # Create workflow-level log (no node_execution_id)
    workflow_log = ExecutionLog(
        workflow_execution_id=test_workflow_execution.id,
        level=LogLevel.INFO,
        message="Workflow level log",
    )
    db_session.add(workflow_log)
    await db_session.commit()

    await db_session.refresh(node_execution)

    assert len(node_execution.logs) == 1
    assert node_execution.logs[0].message == "Node processing started"


async def test_ac_007_cascade_delete_node_executions(db_session, test_workflow, test_nodes):
    # Create workflow execution
    execution = WorkflowExecution(
        workflow_id=test_workflow.id,
        trigger_type=TriggerType.MANUAL,
    )
    db_session.add(execution)
    await db_session.commit()

    execution_id = execution.id

    # Create node executions
    for idx, node in enumerate(test_nodes):
        node_execution = NodeExecution(
            workflow_execution_id=execution_id,
            node_id=node.id,
            execution_order=idx + 1,
        )
        db_session.add(node_execution)
    await db_session.commit()

    # Delete workflow execution
    await db_session.delete(execution)
    await db_session.commit()

    # Verify node executions are deleted
    result = await db_session.execute(
        select(NodeExecution).where(NodeExecution.workflow_execution_id == execution_id)
    )
    assert result.scalars().all() == []


async def test_ac_008_cascade_delete_execution_logs(db_session, test_workflow):
    execution = WorkflowExecution(
        workflow_id=test_workflow.id,
        trigger_type=TriggerType.MANUAL,
    )
    db_session.add(execution)
    await db_session.commit()

    execution_id = execution.id

    # Create logs
    for i in range(3):
        log = ExecutionLog(
            workflow_execution_id=execution_id,
            level=LogLevel.INFO,
            message=f"Log {i}",
        )
        db_session.add(log)
    await db_session.commit()

    # Delete workflow execution
    await db_session.delete(execution)
    await db_session.commit()

    # Verify logs are deleted
    result = await db_session.execute(
        select(ExecutionLog).where(ExecutionLog.workflow_execution_id == execution_id)
    )
    assert result.scalars().all() == []


async def test_ac_009_execution_state_pending_to_running(db_session, test_workflow):
    execution = WorkflowExecution(
        workflow_id=test_workflow.id,
        trigger_type=TriggerType.MANUAL,
    )
    db_session.add(execution)
    await db_session.commit()

    assert execution.status == ExecutionStatus.PENDING
    assert execution.started_at is None

    execution.start()
    await db_session.commit()

    assert execution.status == ExecutionStatus.RUNNING
    assert execution.started_at is not None


async def test_ac_010_execution_state_running_to_completed(db_session, test_workflow):
    execution = WorkflowExecution(
        workflow_id=test_workflow.id,
        trigger_type=TriggerType.MANUAL,
    )
    db_session.add(execution)
    await db_session.commit()

    execution.start()
    await db_session.commit()

    assert execution.status == ExecutionStatus.RUNNING

    output_data = {"result": "success", "processed": 100}
    execution.complete(output_data=output_data)
    await db_session.commit()

    assert execution.status == ExecutionStatus.COMPLETED
    assert execution.ended_at is not None
    assert execution.output_data == output_data


async def test_ac_011_execution_state_running_to_failed(db_session, test_workflow):
    execution = WorkflowExecution(
        workflow_id=test_workflow.id,
        trigger_type=TriggerType.MANUAL,
    )
    db_session.add(execution)
    await db_session.commit()

    execution.start()
    await db_session.commit()

    error_msg = "Connection timeout to external API"
    execution.fail(error_message=error_msg)
    await db_session.commit()

    assert execution.status == ExecutionStatus.FAILED
    assert execution.ended_at is not None
    assert execution.error_message == error_msg


@pytest.mark.parametrize("initial_status", [
    ExecutionStatus.PENDING,
    ExecutionStatus.RUNNING,
])
async def test_ac_012_execution_cancel(db_session, test_workflow, initial_status):
    execution = WorkflowExecution(
        workflow_id=test_workflow.id,
        trigger_type=TriggerType.MANUAL,
    )
    db_session.add(execution)
    await db_session.commit()

    if initial_status == ExecutionStatus.RUNNING:
        execution.start()
        await db_session.commit()

    execution.cancel()
    await db_session.commit()

    assert execution.status == ExecutionStatus.CANCELLED
    assert execution.ended_at is not None


async def test_ac_013_invalid_state_transition(db_session, test_workflow):
    execution = WorkflowExecution(
        workflow_id=test_workflow.id,
        trigger_type=TriggerType.MANUAL,
    )
    db_session.add(execution)
    await db_session.commit()

    execution.start()
    execution.complete()
    await db_session.commit()

    with pytest.raises(ValueError, match="Cannot start execution"):
        execution.start()


async def test_ac_014_execution_duration(db_session, test_workflow):
    execution = WorkflowExecution(
        workflow_id=test_workflow.id,
        trigger_type=TriggerType.MANUAL,
    )
    db_session.add(execution)
    await db_session.commit()

    execution.start()
    await asyncio.sleep(0.5)  # Simulate work
    execution.complete()
    await db_session.commit()

    assert execution.duration_seconds is not None
    assert execution.duration_seconds >= 0.5


async def test_ac_015_node_execution_can_retry(db_session, test_workflow_execution, test_node):
    # Set node retry config
    test_node.retry_config = {"max_retries": 3, "delay": 1}
    await db_session.commit()

    node_execution = NodeExecution(
        workflow_execution_id=test_workflow_execution.id,
        node_id=test_node.id,
        execution_order=1,
        status=ExecutionStatus.FAILED,
        retry_count=1,
    )
    db_session.add(node_execution)
    await db_session.commit()

    await db_session.refresh(node_execution, ["node"])

    assert node_execution.can_retry is True

    # After max retries
    node_execution.retry_count = 3
    await db_session.commit()

    assert node_execution.can_retry is False


async def test_ac_016_workflow_executions_relationship(db_session, test_workflow):
    # Create multiple executions
    for trigger in [TriggerType.MANUAL, TriggerType.SCHEDULE, TriggerType.EVENT]:
        execution = WorkflowExecution(
            workflow_id=test_workflow.id,
            trigger_type=trigger,
        )
        db_session.add(execution)
    await db_session.commit()

    await db_session.refresh(test_workflow)

    assert len(test_workflow.executions) == 3
    trigger_types = {e.trigger_type for e in test_workflow.executions}
    assert trigger_types == {TriggerType.MANUAL, TriggerType.SCHEDULE, TriggerType.EVENT}


def test_ac_017_log_level_enum():
    assert LogLevel.DEBUG.value == "debug"
    assert LogLevel.INFO.value == "info"
    assert LogLevel.WARNING.value == "warning"
    assert LogLevel.ERROR.value == "error"


@pytest.mark.parametrize("trigger_type", [
    TriggerType.SCHEDULE,
    TriggerType.EVENT,
    TriggerType.MANUAL,
])
async def test_ac_018_trigger_types(db_session, test_workflow, trigger_type):
    execution = WorkflowExecution(
        workflow_id=test_workflow.id,
        trigger_type=trigger_type,
    )
    db_session.add(execution)
    await db_session.commit()

    assert execution.trigger_type == trigger_type


async def test_ac_019_jsonb_context_storage(db_session, test_workflow):
    context = {
        "variables": {
            "market": "KOSPI",
            "symbols": ["005930", "000660"],
        },
        "secrets": {
            "api_key": "encrypted_key_here",
        },
        "environment": {
            "mode": "production",
        },
        "retry_info": {
            "attempt": 1,
            "max_attempts": 3,
        },
    }

    execution = WorkflowExecution(
        workflow_id=test_workflow.id,
        trigger_type=TriggerType.MANUAL,
        context=context,
    )
    db_session.add(execution)
    await db_session.commit()

    await db_session.refresh(execution)

    assert execution.context["variables"]["market"] == "KOSPI"
    assert len(execution.context["variables"]["symbols"]) == 2
    assert execution.context["retry_info"]["max_attempts"] == 3


async def test_ac_020_timestamp_management(db_session, test_workflow):
    execution = WorkflowExecution(
        workflow_id=test_workflow.id,
        trigger_type=TriggerType.MANUAL,
    )
    db_session.add(execution)
    await db_session.commit()

    created = execution.created_at
    updated = execution.updated_at

    # Update the execution
    await asyncio.sleep(0.1)
    execution.start()
    await db_session.commit()
    await db_session.refresh(execution)

    assert execution.created_at == created
    assert execution.updated_at > updated
