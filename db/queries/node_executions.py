"""Reading steps and their tries."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Numeric, and_, any_, func, or_, select
from sqlalchemy.orm import aliased

from db.filters import NodeExecutionFilter
from db.models import Node, NodeExecution, NodeExecutionAttempt
from db.paging import AnySelect, Order, Page, Slice
from db.queries.per_parent import ById, children, counted, counts_of_each, each_by_id, ids_parameter, slices_of_each
from db.reader import Reader
from db.records import NodeExecutionAttemptRecord, NodeExecutionRecord, json_text, seconds_between
from db.state_machine import NODE_EXECUTION, Action
from db.statement import Statement, shaped

step = NodeExecution
attempt = NodeExecutionAttempt

IN_ORDER = Order(step.execution_order, step.id)
BY_REVISION = Order(step.revision)


def _columns(of: type[NodeExecution]) -> list[Any]:
    """What is read of steps, with their nodes beside them."""
    return [
        of.id,
        of.workflow_execution_id,
        of.node_id,
        of.parent_id,
        of.key,
        func.coalesce(of.name, Node.name).label("name"),
        of.status,
        of.execution_order,
        of.revision,
        of.retry_count,
        and_(
            or_(*(of.status == status for status in NODE_EXECUTION[Action.RETRY].sources)),
            # A model may say 2.5, which means 2 here as it does there.
            of.retry_count < func.coalesce(func.trunc(Node.retry_config["max_retries"].astext.cast(Numeric)), 0),
        ).label("can_retry"),
        json_text(of.input_data),
        json_text(of.output_data),
        of.error_message,
        of.created_at,
        of.updated_at,
        of.started_at,
        of.ended_at,
        seconds_between(of.started_at, of.ended_at),
    ]


STEPS = select(*_columns(step)).outerjoin(Node, Node.id == step.node_id)
_STEPS_BY_ID = ById(STEPS, step.id)
_ATTEMPTS = Statement(
    select(
        attempt.node_execution_id,
        attempt.attempt,
        attempt.status,
        attempt.started_at,
        attempt.ended_at,
        attempt.error_message,
        seconds_between(attempt.started_at, attempt.ended_at),
    )
    .where(attempt.node_execution_id == any_(ids_parameter()))
    .order_by(attempt.attempt)
)


@shaped
def _of_runs(where: NodeExecutionFilter, page: Page) -> AnySelect:
    # The nodes are joined to the steps of the page only. Joined before, all steps of a run were read and sorted: the
    # planner takes every run for one of few steps.
    rows = select(*NodeExecution.__table__.c).where(*where.conditions())
    found = children(rows, step.workflow_execution_id, IN_ORDER, page).subquery("found")
    of = aliased(NodeExecution, found)
    order = IN_ORDER.clauses(backwards=page.backwards, keys=[of.execution_order, of.id])
    joined = select(found.c.place, *_columns(of)).outerjoin(Node, Node.id == of.node_id)
    return joined.order_by(found.c.place, *order)


@shaped
def _counted(where: NodeExecutionFilter) -> AnySelect:
    return counted(select(step.id).where(*where.conditions()), step.workflow_execution_id)


async def steps_by_id(reader: Reader, ids: Sequence[UUID]) -> list[NodeExecutionRecord | None]:
    """The steps with these ids, in their order; None where there is none."""
    return await each_by_id(reader, _STEPS_BY_ID, ids, NodeExecutionRecord)


async def steps_of_runs(
    reader: Reader, ids: Sequence[UUID], where: NodeExecutionFilter, page: Page
) -> list[Slice[NodeExecutionRecord]]:
    """A page of the steps of each run, by execution order."""
    return await slices_of_each(reader, _of_runs(where, page), ids, where.values, page, NodeExecutionRecord)


async def count_steps_of_runs(reader: Reader, ids: Sequence[UUID], where: NodeExecutionFilter) -> list[int]:
    """The number of steps of each run."""
    return await counts_of_each(reader, _counted(where), ids, where.values)


async def attempts_of_steps(reader: Reader, ids: Sequence[UUID]) -> list[list[NodeExecutionAttemptRecord]]:
    """The tries of each step, the first one first."""
    found: dict[UUID, list[NodeExecutionAttemptRecord]] = {id_: [] for id_ in ids}
    for row in await reader.rows(_ATTEMPTS, {"ids": ids}, NodeExecutionAttemptRecord):
        found[row["node_execution_id"]].append(row)
    return [found[id_] for id_ in ids]
