"""The session: an `AsyncSession` whose unnamed `refresh` also loads relationships, and that keeps our locks."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, delete, event, inspect, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session, UOWTransaction

from db.definition import check_acyclic
from db.models import (
    Edge,
    ExecutionCounter,
    ExecutionLog,
    Node,
    NodeExecution,
    NodeExecutionAttempt,
    Workflow,
    WorkflowExecution,
)
from db.models.stateful import Stateful
from db.reader import Reader
from db.state_machine import refusal
from db.transaction import touched


class SyncSession(Session):
    """The synchronous heart of `AsyncSession`; the events below are bound to it."""


class DatabaseSession(AsyncSession):
    """An `AsyncSession` with `expire_on_commit=False`."""

    sync_session_class = SyncSession

    async def reader(self) -> Reader:
        """What queries read with, in this transaction."""
        connection = await (await self.connection()).get_raw_connection()
        driver: Any = connection.driver_connection
        return Reader(driver, self.info)

    async def refresh(
        self, instance: object, attribute_names: Iterable[str] | None = None, with_for_update: Any = None
    ) -> None:
        """Load the attributes anew; without names, all columns and all relationships.

        Relationships are lazy everywhere else: a run can have a million log entries. Name the attributes
        you want when you refresh such a run.
        """
        if attribute_names is None:
            mapper = inspect(type(instance))
            attribute_names = [*mapper.column_attrs.keys(), *mapper.relationships.keys()]
        await super().refresh(instance, attribute_names, with_for_update)


@event.listens_for(SyncSession, "before_flush")
def lock_in_order(session: Session, _context: UOWTransaction, _instances: Any) -> None:
    """Take the locks of a flush in the one order everywhere: runs, steps by id; the counter row comes last."""
    runs = [run for run in session.dirty if isinstance(run, WorkflowExecution)]
    steps = [step for step in session.dirty if isinstance(step, NodeExecution)]
    changed = {run.id for run in runs}
    added = (_run_of(entity) for entity in session.new if isinstance(entity, NodeExecution | ExecutionLog))
    counted = {*changed, *filter(None, added), *(step.workflow_execution_id for step in steps)}
    new_or_gone = {run.id for run in (*session.new, *session.deleted) if isinstance(run, WorkflowExecution)}
    touched(session).update(counted, new_or_gone)
    connection = session.connection()
    if runs:
        _lock_to_change(connection, WorkflowExecution, runs)
    if (others := counted - changed) and (steps or len(counted) > 1):
        _lock(connection, WorkflowExecution.id, others, key_share=True)
    if steps:
        _lock_to_change(connection, NodeExecution, steps)
    if len(counted) > 1:
        # The triggers would take the counters in the order of the rows that are written.
        _lock(connection, ExecutionCounter.workflow_execution_id, counted, key_share=False)


def _run_of(entity: NodeExecution | ExecutionLog) -> UUID | None:
    """The id of the run of a new step or entry, which may know the run itself only."""
    if entity.workflow_execution_id is None and entity.workflow_execution is not None:
        return entity.workflow_execution.id
    return entity.workflow_execution_id


def _lock(connection: Connection, column: Any, ids: set[UUID], *, key_share: bool) -> None:
    statement = select(column).where(column.in_(ids)).order_by(column)
    # read + key_share is FOR KEY SHARE; key_share alone is FOR NO KEY UPDATE.
    connection.execute(statement.with_for_update(read=key_share, key_share=True))


def _lock_to_change(connection: Connection, model: type[Stateful], entities: Sequence[Stateful]) -> None:
    """Lock rows FOR NO KEY UPDATE, and refuse to move one from a status that it no longer has."""
    columns = (model.id, model.status, model.started_at, model.last_transition_at)
    statement = select(*columns).where(model.id.in_([entity.id for entity in entities])).order_by(model.id)
    rows = {row.id: row for row in connection.execute(statement.with_for_update(key_share=True))}
    for entity in entities:
        row = rows.get(entity.id)
        status, at = (inspect(entity).attrs[name].history for name in ("status", "last_transition_at"))
        if row is None or not (status.added or at.added):
            continue
        now = (row.status, row.last_transition_at)
        read = (*status.non_added(), *at.non_added())  # shorter where it was assigned without having been read
        action = next((action for action, made in entity.machine.items() if made.target == entity.status), None)
        if action is not None and len(read) == len(now) and read != now:
            raise refusal(entity.machine, action, row, "somebody else changed it meanwhile")


@event.listens_for(SyncSession, "before_flush")
def delete_runs_first(session: Session, _context: UOWTransaction, _instances: Any) -> None:
    """With a workflow go its runs, before its nodes, which their steps refer to."""
    workflows = [workflow.id for workflow in session.deleted if isinstance(workflow, Workflow)]
    if workflows:
        session.connection().execute(delete(WorkflowExecution).where(WorkflowExecution.workflow_id.in_(workflows)))


@event.listens_for(SyncSession, "after_flush")
def save_ended_attempts(session: Session, _context: UOWTransaction) -> None:
    """Keep the tries that ended and were retried within one flush: their step's row no longer shows them."""
    steps = [step for step in (*session.dirty, *session.new) if isinstance(step, NodeExecution)]
    rows = [row for step in steps for row in step.unsaved_attempts]
    if rows:
        statement = insert(NodeExecutionAttempt)
        columns = ("status", "started_at", "ended_at", "error_message")
        session.connection().execute(
            statement.on_conflict_do_update(
                index_elements=["node_execution_id", "attempt"],
                set_={column: statement.excluded[column] for column in columns},
            ),
            rows,
        )
        for step in steps:
            step.unsaved_attempts.clear()


@event.listens_for(SyncSession, "after_flush")
def refuse_cycles(session: Session, _context: UOWTransaction) -> None:
    """Refuse edges that close a cycle."""
    added = [edge.source_node_id for edge in session.new if isinstance(edge, Edge)]
    if not added:
        return
    versions = select(Node.workflow_id, Node.version).where(Node.id.in_(added)).distinct()
    for workflow_id, version in session.connection().execute(versions).all():
        edges = (
            select(Edge.source_node_id, Edge.target_node_id)
            .join(Node, Node.id == Edge.source_node_id)
            .where(Node.workflow_id == workflow_id, Node.version == version)
        )
        check_acyclic(session.connection().execute(edges).all(), field="edges")


@event.listens_for(SyncSession, "after_commit")
def tell_readers(session: Session) -> None:
    """Pass the changed runs on, now that others can see the changes; the end of a savepoint shows them nothing."""
    if session.in_nested_transaction():
        return
    runs = touched(session)
    if runs:
        session.info["on_change"](set(runs))
        runs.clear()


@event.listens_for(SyncSession, "after_rollback")
def forget_changes(session: Session) -> None:
    """Nothing changed after all; but what came before a savepoint may yet."""
    if not session.in_nested_transaction():
        touched(session).clear()
