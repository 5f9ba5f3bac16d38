"""Minutes, hours, days and ISO weeks as a time zone's calendar has them, for charts."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from db.errors import InvalidInputError

MAX_BUCKETS = 1_000

_MINUTE = timedelta(minutes=1)
_HOUR = timedelta(hours=1)
_MICROSECOND = timedelta(microseconds=1)


class Bucket(Enum):
    """What a chart's bar stands for."""

    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"


@dataclass(frozen=True, slots=True)
class Span:
    """One bucket: from `start` up to, not including, `end`."""

    key: date
    """What PostgreSQL groups by: the local date on which it begins; for a minute or an hour, the instant."""
    start: datetime
    end: datetime


def zone_of(name: str) -> ZoneInfo:
    """The time zone of an IANA name.

    Raises:
        InvalidInputError: there is none.
    """
    if name not in _zone_names():
        raise InvalidInputError("time_zone", f"{name!r} is not the IANA name of a time zone")
    return ZoneInfo(name)


@cache
def _zone_names() -> set[str]:
    return available_timezones()


def spans(bucket: Bucket, zone: ZoneInfo, since: datetime, until: datetime) -> list[Span]:
    """The whole buckets, empty ones too, that cover what lies from `since` up to, not including, `until`.

    Raises:
        InvalidInputError: there would be more than 1,000.
    """
    if since >= until:
        return []
    found: list[Span] = []
    try:
        for span in _from(bucket, zone, since):
            if span.start >= until:
                break
            if len(found) == MAX_BUCKETS:
                raise InvalidInputError(
                    "bucket",
                    f"{since.isoformat()} to {until.isoformat()} is over {MAX_BUCKETS} times {bucket.name};"
                    " ask for a shorter time or for longer buckets",
                )
            found.append(span)
    except OverflowError as error:
        raise InvalidInputError("bucket", "the time reaches beyond the calendar") from error
    return found


def just_after(instant: datetime) -> datetime:
    """The end of a time that includes `instant`."""
    return instant + _MICROSECOND


def _from(bucket: Bucket, zone: ZoneInfo, since: datetime) -> Iterator[Span]:
    if bucket is Bucket.MINUTE:
        return _minutes(since)
    return _hours(zone, since) if bucket is Bucket.HOUR else _days(zone, since, 7 if bucket is Bucket.WEEK else 1)


def _minutes(since: datetime) -> Iterator[Span]:
    """Minutes, which are the same in every zone."""
    start = since.astimezone(UTC).replace(second=0, microsecond=0)
    while True:
        yield Span(start, start, start + _MINUTE)
        start += _MINUTE


def _hours(zone: ZoneInfo, since: datetime) -> Iterator[Span]:
    """Hours of the zone's clock; where a clock is put on or back by half an hour, one of them is shorter."""
    key = start = _hour_of(since, zone)
    while True:
        yield Span(key, start, key + _HOUR)
        start = key + _HOUR
        key = _hour_of(start, zone)


def _hour_of(instant: datetime, zone: ZoneInfo) -> datetime:
    local = instant.astimezone(zone)
    past = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
    return instant.astimezone(UTC) - past


def _days(zone: ZoneInfo, since: datetime, length: int) -> Iterator[Span]:
    """Days, or weeks from Monday on: as long as the calendar says, be it 23 or 25 hours."""
    day = since.astimezone(zone).date()
    if length > 1:
        day -= timedelta(days=day.weekday())
    while True:
        following = day + timedelta(days=length)
        start, end = _midnight(day, zone), _midnight(following, zone)
        if start < end:  # a zone that moved across the date line skipped a day
            yield Span(day, start, end)
        day = following


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)
