"""Statistics of runs: the numbers, and the buckets of a time zone's calendar."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from db import Database, ExecutionStatus, TriggerType, Workflow, WorkflowExecution
from db.buckets import MAX_BUCKETS
from tests.api_server import ApiServer
from tests.statements import counted_statements

SUMMARY = """
    summary {
        total successRate durationP50 durationP95 durationMax
        byStatus { status count } byTrigger { triggerType count }
    }
"""
BUCKETS = """
    query ($filter: WorkflowExecutionFilter, $bucket: StatsBucket, $zone: String! = "UTC") {
        workflowExecutionStats(filter: $filter, bucket: $bucket, timeZone: $zone) {
            buckets { start end summary { total } }
        }
    }
"""
BERLIN = ZoneInfo("Europe/Berlin")


async def runs(database: Database, *created: datetime | str, seconds: float | None = None, **values: Any) -> Workflow:
    """Make a workflow with a run created at each of these times."""
    async with database.session() as session, session.begin():
        workflow = Workflow(name="daily")
        session.add(workflow)
        await session.flush()
        for at in created:
            instant = datetime.fromisoformat(at) if isinstance(at, str) else at
            run = WorkflowExecution(
                workflow_id=workflow.id, created_at=instant, **{"trigger_type": TriggerType.MANUAL, **values}
            )
            if seconds is not None:
                run.started_at, run.ended_at = instant, instant + timedelta(seconds=seconds)
            session.add(run)
    return workflow


def buckets(server: ApiServer, bucket: str, zone: str = "UTC", **filter_: Any) -> list[tuple[str, str, int]]:
    """Ask for buckets, as (start, end, total)."""
    stats = server.ask(BUCKETS, bucket=bucket, zone=zone, filter=filter_ or None)
    return [(each["start"], each["end"], each["summary"]["total"]) for each in stats["buckets"]]


async def test_a_summary_counts_every_status_and_trigger_and_measures_what_ended(
    server: ApiServer, database: Database
) -> None:
    at = datetime(2026, 5, 1, tzinfo=UTC)
    await runs(database, at, at, seconds=10, status=ExecutionStatus.COMPLETED, trigger_type=TriggerType.SCHEDULE)
    await runs(database, at, seconds=20, status=ExecutionStatus.COMPLETED, trigger_type=TriggerType.EVENT)
    await runs(database, at, seconds=110, status=ExecutionStatus.FAILED)
    await runs(database, at, status=ExecutionStatus.CANCELLED, ended_at=at)
    await runs(database, at)

    assert server.ask(f"{{ workflowExecutionStats {{ {SUMMARY} buckets {{ start }} }} }}") == {
        "summary": {
            "total": 6,
            "successRate": 0.75,
            "durationP50": 15,
            "durationP95": pytest.approx(96.5),
            "durationMax": 110,
            "byStatus": [
                {"status": "PENDING", "count": 1},
                {"status": "RUNNING", "count": 0},
                {"status": "COMPLETED", "count": 3},
                {"status": "FAILED", "count": 1},
                {"status": "CANCELLED", "count": 1},
            ],
            "byTrigger": [
                {"triggerType": "SCHEDULE", "count": 2},
                {"triggerType": "EVENT", "count": 1},
                {"triggerType": "MANUAL", "count": 3},
            ],
        },
        "buckets": [],
    }


def test_of_no_runs_there_is_no_rate_no_duration_and_no_bucket(server: ApiServer) -> None:
    stats = server.ask(f"{{ workflowExecutionStats(bucket: DAY) {{ {SUMMARY} buckets {{ start }} }} }}")

    assert stats["buckets"] == []
    assert stats["summary"]["total"] == 0
    assert [stats["summary"][name] for name in ("successRate", "durationP50", "durationP95", "durationMax")] == [
        None
    ] * 4
    assert [each["count"] for each in stats["summary"]["byStatus"]] == [0] * 5
    assert [each["count"] for each in stats["summary"]["byTrigger"]] == [0] * 3


async def test_pending_and_cancelled_runs_have_no_success_rate(server: ApiServer, database: Database) -> None:
    await runs(database, "2026-05-01T00:00:00Z")

    assert server.ask("{ workflowExecutionStats { summary { total successRate } } }") == {
        "summary": {"total": 1, "successRate": None}
    }


async def test_empty_buckets_are_there_and_whole_buckets_cover_the_time(server: ApiServer, database: Database) -> None:
    await runs(database, "2026-05-01T10:59:59.999999Z", "2026-05-01T13:00:00Z")

    assert buckets(server, "HOUR") == [
        ("2026-05-01T10:00:00+00:00", "2026-05-01T11:00:00+00:00", 1),
        ("2026-05-01T11:00:00+00:00", "2026-05-01T12:00:00+00:00", 0),
        ("2026-05-01T12:00:00+00:00", "2026-05-01T13:00:00+00:00", 0),
        ("2026-05-01T13:00:00+00:00", "2026-05-01T14:00:00+00:00", 1),
    ]


async def test_since_is_inclusive_and_until_exclusive_and_they_say_which_buckets_there_are(
    server: ApiServer, database: Database
) -> None:
    await runs(database, "2026-05-01T12:00:00Z", "2026-05-02T12:00:00Z", "2026-05-04T00:00:00Z")

    asked = {"createdSince": "2026-05-02T12:00:00Z", "createdUntil": "2026-05-04T00:00:00Z"}
    assert buckets(server, "DAY", **asked) == [
        ("2026-05-02T00:00:00+00:00", "2026-05-03T00:00:00+00:00", 1),
        ("2026-05-03T00:00:00+00:00", "2026-05-04T00:00:00+00:00", 0),
    ]
    nobody = {"createdSince": "2026-06-01T00:00:00Z", "createdUntil": "2026-06-03T00:00:00Z"}
    assert [total for _, _, total in buckets(server, "DAY", **nobody)] == [0, 0]
    assert buckets(server, "DAY", createdSince="2026-06-01T00:00:00Z") == []
    assert buckets(server, "DAY", createdSince=nobody["createdUntil"], createdUntil=nobody["createdSince"]) == []


@pytest.mark.parametrize(
    ("day", "start", "end", "hours"),
    [
        ("2026-03-29", "2026-03-28T23:00:00+00:00", "2026-03-29T22:00:00+00:00", 23),
        ("2026-10-25", "2026-10-24T22:00:00+00:00", "2026-10-25T23:00:00+00:00", 25),
    ],
)
async def test_a_day_on_which_the_clock_changes_is_one_bucket(
    server: ApiServer, database: Database, day: str, start: str, end: str, hours: int
) -> None:
    first = datetime.fromisoformat(start)
    await runs(database, *(first + timedelta(hours=hour) for hour in range(-1, hours + 1)))

    days = buckets(server, "DAY", "Europe/Berlin")
    assert [total for _, _, total in days] == [1, hours, 1]
    assert days[1] == (start, end, hours)
    by_hour = buckets(server, "HOUR", "Europe/Berlin", createdSince=start, createdUntil=end)
    assert [total for _, _, total in by_hour] == [1] * hours
    assert (by_hour[0][0], by_hour[-1][1]) == (start, end)


async def test_weeks_are_iso_weeks_of_the_time_zone(server: ApiServer, database: Database) -> None:
    await runs(
        database,
        datetime(2025, 12, 28, 23, 59, tzinfo=BERLIN),  # the Sunday of week 52
        datetime(2025, 12, 29, tzinfo=BERLIN),  # the Monday of week 1 of 2026
        datetime(2026, 1, 4, 23, 59, tzinfo=BERLIN),
        datetime(2026, 3, 29, 12, tzinfo=BERLIN),
    )

    weeks = buckets(server, "WEEK", "Europe/Berlin")
    assert weeks[:2] == [
        ("2025-12-21T23:00:00+00:00", "2025-12-28T23:00:00+00:00", 1),
        ("2025-12-28T23:00:00+00:00", "2026-01-04T23:00:00+00:00", 2),
    ]
    assert weeks[-1] == ("2026-03-22T23:00:00+00:00", "2026-03-29T22:00:00+00:00", 1)  # 167 hours
    assert len(weeks) == 14


async def test_minutes_are_the_same_in_every_zone(server: ApiServer, database: Database) -> None:
    await runs(database, "2026-05-01T10:59:59.999999Z", "2026-05-01T11:00:00Z", "2026-05-01T11:01:30Z")

    expected = [
        ("2026-05-01T10:59:00+00:00", "2026-05-01T11:00:00+00:00", 1),
        ("2026-05-01T11:00:00+00:00", "2026-05-01T11:01:00+00:00", 1),
        ("2026-05-01T11:01:00+00:00", "2026-05-01T11:02:00+00:00", 1),
    ]
    assert buckets(server, "MINUTE") == buckets(server, "MINUTE", "Asia/Kolkata") == expected


async def test_hours_of_a_zone_are_those_of_its_clock(server: ApiServer, database: Database) -> None:
    await runs(database, "2026-05-01T10:29:00Z", "2026-05-01T10:31:00Z")

    assert buckets(server, "HOUR", "Asia/Kolkata") == [
        ("2026-05-01T09:30:00+00:00", "2026-05-01T10:30:00+00:00", 1),
        ("2026-05-01T10:30:00+00:00", "2026-05-01T11:30:00+00:00", 1),
    ]


@pytest.mark.parametrize("zone", ["America/Havana", "Africa/Cairo", "Australia/Lord_Howe", "Pacific/Apia", "UTC"])
@pytest.mark.parametrize("bucket", ["MINUTE", "HOUR", "DAY"])
async def test_every_run_is_in_the_one_bucket_that_its_time_is_in(
    server: ApiServer, database: Database, zone: str, bucket: str
) -> None:
    """Around every change of the clock: at midnight, twice a midnight, by half an hour, and by a day."""
    changes = [
        datetime.fromisoformat(at)
        for at in (
            *("2025-03-09T05:00:00Z", "2025-11-02T05:00:00Z"),  # Havana
            *("2025-04-24T22:00:00Z", "2025-10-30T21:00:00Z"),  # Cairo
            *("2025-04-05T15:00:00Z", "2025-10-04T15:30:00Z"),  # Lord Howe
            "2011-12-30T10:00:00Z",  # Apia
        )
    ]
    for change in changes:
        created = [change + timedelta(minutes=15 * quarter) for quarter in range(-8, 8)]
        workflow = await runs(database, *created)
        found = buckets(server, bucket, zone, workflowIds=[str(workflow.id)])
        spans = [(datetime.fromisoformat(start), datetime.fromisoformat(end)) for start, end, _ in found]
        expected = [sum(start <= at < end for at in created) for start, end in spans]
        assert [total for _, _, total in found] == expected
        assert sum(expected) == len(created)
        assert all(end == start for (_, end), (start, _) in pairwise(spans))


def test_a_thousand_buckets_are_the_most(server: ApiServer) -> None:
    since = datetime(2026, 1, 1, tzinfo=UTC)
    until = since + timedelta(hours=MAX_BUCKETS)
    asked = {"createdSince": since.isoformat(), "createdUntil": until.isoformat()}
    assert len(buckets(server, "HOUR", **asked)) == MAX_BUCKETS

    asked["createdUntil"] = (until + timedelta(seconds=1)).isoformat()
    (error,) = server.post(BUCKETS, filter=asked, bucket="HOUR")["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert error["message"] == (
        "bucket: 2026-01-01T00:00:00+00:00 to 2026-02-11T16:00:01+00:00 is over 1000 times HOUR;"
        " ask for a shorter time or for longer buckets"
    )


async def test_a_thousand_buckets_are_the_most_between_the_first_run_and_the_last_too(
    server: ApiServer, database: Database
) -> None:
    await runs(database, "2020-01-01T00:00:00Z", "2026-01-01T00:00:00Z")

    (error,) = server.post(BUCKETS, bucket="DAY")["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "+02:00", "../etc/passwd", "Europe", "right/UTC"])
@pytest.mark.parametrize("bucket", ["DAY", None])
def test_an_unknown_time_zone_is_refused(server: ApiServer, zone: str, bucket: str | None) -> None:
    (error,) = server.post(BUCKETS, bucket=bucket, zone=zone)["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert error["message"] == f"timeZone: {zone!r} is not the IANA name of a time zone"


async def test_the_filter_holds_for_the_summary_and_for_the_buckets(server: ApiServer, database: Database) -> None:
    await runs(database, "2026-05-01T00:00:00Z", seconds=1, status=ExecutionStatus.FAILED, error_message="disk full")
    await runs(database, "2026-05-02T00:00:00Z", seconds=1, status=ExecutionStatus.FAILED, error_message="other")

    assert buckets(server, "DAY", search="DISK") == [
        ("2026-05-01T00:00:00+00:00", "2026-05-02T00:00:00+00:00", 1),
    ]
    assert buckets(server, "DAY", status=[]) == []


async def test_the_statistics_of_many_workflows_are_one_statement(server: ApiServer, database: Database) -> None:
    made = [await runs(database, *["2026-05-01T00:00:00Z"] * count) for count in range(4)]
    with counted_statements() as statements:
        found = server.ask(
            """{ workflows(first: 10) { nodes { id
                stats(since: "2026-04-30T00:00:00Z", until: "2026-05-02T00:00:00Z", bucket: DAY) {
                    summary { total } buckets { summary { total } }
                }
            } } }"""
        )
    by_id = {UUID(node["id"]): node["stats"] for node in found["nodes"]}
    assert [by_id[workflow.id]["summary"]["total"] for workflow in made] == [0, 1, 2, 3]
    assert [[each["summary"]["total"] for each in by_id[workflow.id]["buckets"]] for workflow in made] == [
        [0, total] for total in range(4)
    ]
    assert sum("percentile_cont" in statement for statement in statements) == 1
