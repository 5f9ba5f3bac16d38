"""Counting runs: by status, by trigger, how long they took, and the same over time."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Date,
    Double,
    FromClause,
    Text,
    bindparam,
    cast,
    func,
    literal,
    null,
    select,
    tuple_,
)

from db.buckets import Bucket, just_after, spans, zone_of
from db.enums import ExecutionStatus, TriggerType
from db.filters import WorkflowExecutionFilter
from db.models import WorkflowExecution
from db.paging import AnySelect
from db.reader import Reader, Row
from db.records import BucketStats, StatsRecord, StatusCount, SummaryRecord, TriggerCount
from db.statement import shaped

run = WorkflowExecution

STATUSES = tuple(status for status in ExecutionStatus if status is not ExecutionStatus.SKIPPED)
"""What a run can be."""
TRIGGERS = tuple(TriggerType)

Groups = Mapping[date | None, Any]
"""A row for each bucket that is not empty, by its key, and one for the whole, under None."""


async def stats_of_runs(
    reader: Reader, where: WorkflowExecutionFilter, bucket: Bucket | None, time_zone: str
) -> StatsRecord:
    """Count the runs that match, by the time they were created.

    Raises:
        InvalidInputError: an unknown time zone, or more than 1,000 buckets.
    """
    _check(where, bucket, time_zone)
    values = {**where.values, "time_zone": time_zone}
    rows = await reader.rows(_statement(where, bucket, False), values, Row)
    return _stats({row["bucket"]: row for row in rows}, where, bucket, time_zone)


async def stats_of_workflows(
    reader: Reader,
    ids: Sequence[UUID],
    where: WorkflowExecutionFilter,
    bucket: Bucket | None,
    time_zone: str,
) -> list[StatsRecord]:
    """Count the runs of each workflow, in one statement. Raises as `stats_of_runs` does."""
    _check(where, bucket, time_zone)
    of_all = replace(where, workflow_ids=tuple(ids))
    found: dict[UUID, dict[date | None, Any]] = {id_: {} for id_ in ids}
    values = {**of_all.values, "time_zone": time_zone}
    for row in await reader.rows(_statement(of_all, bucket, True), values, Row):
        found[row["workflow_id"]][row["bucket"]] = row
    return [_stats(found[id_], where, bucket, time_zone) for id_ in ids]


def _check(where: WorkflowExecutionFilter, bucket: Bucket | None, time_zone: str) -> None:
    """Refuse before anything is read what can be refused."""
    zone = zone_of(time_zone)
    if bucket is not None and where.created_since is not None and where.created_until is not None:
        spans(bucket, zone, where.created_since, where.created_until)


@shaped
def _statement(where: WorkflowExecutionFilter, bucket: Bucket | None, per_workflow: bool) -> AnySelect:
    key = null().cast(Date) if bucket is None else _key(bucket)
    duration: ColumnElement[float] = func.date_part("epoch", run.ended_at - run.started_at, type_=Double())
    columns = (run.status, run.trigger_type, run.created_at, duration.label("duration"), key.label("bucket"))
    # The key is computed once, below: its parameters would make it two expressions.
    matched = select(run.workflow_id, *columns).where(*where.conditions()).subquery("matched")
    owner = [matched.c.workflow_id] if per_workflow else []
    sets = [tuple_(*owner)] if bucket is None else [tuple_(*owner), tuple_(*owner, matched.c.bucket)]
    bucket_column = null().label("bucket") if bucket is None else matched.c.bucket
    return select(*owner, bucket_column, *_counts(matched)).group_by(func.grouping_sets(*sets))


def _key(bucket: Bucket) -> ColumnElement[Any]:
    time_zone = bindparam("time_zone", type_=Text())
    if bucket is Bucket.MINUTE:
        return func.date_trunc("minute", run.created_at, "UTC")
    if bucket is Bucket.HOUR:
        return func.date_trunc("hour", run.created_at, time_zone)
    local = func.timezone(time_zone, run.created_at)
    return cast(func.date_trunc(literal(bucket.value), local), Date)


def _counts(matched: FromClause) -> list[ColumnElement[Any]]:
    column = matched.c
    percentiles: ColumnElement[Any] = cast([0.5, 0.95], ARRAY(Double()))
    return [
        func.count().label("total"),
        *(func.count().filter(column.status == status).label(status.value) for status in STATUSES),
        *(func.count().filter(column.trigger_type == trigger).label(trigger.value) for trigger in TRIGGERS),
        func.percentile_cont(percentiles).within_group(column.duration).label("percentiles"),
        func.max(column.duration).label("longest"),
        func.min(column.created_at).label("oldest"),
        func.max(column.created_at).label("newest"),
    ]


def _stats(groups: Groups, where: WorkflowExecutionFilter, bucket: Bucket | None, time_zone: str) -> StatsRecord:
    whole = groups.get(None)
    since, until = where.created_since, where.created_until
    if whole is not None and whole.total:
        since = whole.oldest if since is None else since
        until = just_after(whole.newest) if until is None else until
    found = _buckets(groups, bucket, time_zone, since, until)
    return StatsRecord(_summary(whole), found)


def _buckets(
    groups: Groups, bucket: Bucket | None, time_zone: str, since: datetime | None, until: datetime | None
) -> list[BucketStats]:
    if bucket is None or since is None or until is None:
        return []
    found = spans(bucket, zone_of(time_zone), since, until)
    return [BucketStats(span.start, span.end, _summary(groups.get(span.key))) for span in found]


def _summary(row: Any) -> SummaryRecord:
    if row is None:
        return NOTHING
    finished = row.completed + row.failed
    p50, p95 = row.percentiles or (None, None)
    return SummaryRecord(
        total=row.total,
        by_status=[StatusCount(status, row[status.value]) for status in STATUSES],
        by_trigger=[TriggerCount(trigger, row[trigger.value]) for trigger in TRIGGERS],
        success_rate=row.completed / finished if finished else None,
        duration_p50=p50,
        duration_p95=p95,
        duration_max=row.longest,
    )


NOTHING = SummaryRecord(
    total=0,
    by_status=[StatusCount(status, 0) for status in STATUSES],
    by_trigger=[TriggerCount(trigger, 0) for trigger in TRIGGERS],
    success_rate=None,
    duration_p50=None,
    duration_p95=None,
    duration_max=None,
)
"""The summary of no runs."""
