"""The fixtures that the acceptance document takes for granted."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from db import Database, Node, TriggerType, Workflow, WorkflowExecution


@pytest.fixture
async def db_session(database: Database) -> AsyncIterator[AsyncSession]:
    async with database.session() as session:
        yield session


@pytest.fixture
async def test_workflow(db_session: AsyncSession) -> Workflow:
    workflow = Workflow(name="Trend following")
    db_session.add(workflow)
    await db_session.commit()
    return workflow


@pytest.fixture
async def test_nodes(db_session: AsyncSession, test_workflow: Workflow) -> list[Node]:
    nodes = [Node(workflow_id=test_workflow.id, name=name) for name in ("Load", "Compute", "Report")]
    db_session.add_all(nodes)
    await db_session.commit()
    return nodes


@pytest.fixture
async def test_node(test_nodes: list[Node]) -> Node:
    return test_nodes[0]


@pytest.fixture
async def test_workflow_execution(db_session: AsyncSession, test_workflow: Workflow) -> WorkflowExecution:
    execution = WorkflowExecution(workflow_id=test_workflow.id, trigger_type=TriggerType.MANUAL)
    db_session.add(execution)
    await db_session.commit()
    return execution
