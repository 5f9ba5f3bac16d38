"""PostgreSQL writes a row as JSON as it is written here."""

import math
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import BigInteger, Boolean, DateTime, Double, Integer, Text, Uuid, bindparam, select

from db import Database
from db.reader import Row
from db.statement import Statement
from db.wanted import Wanted
from db.written import WRITTEN, Constant, Inner, Kind, Value, Writing

ROW = Statement(
    select(
        bindparam("id", type_=Uuid()).cast(Uuid).label("id"),
        bindparam("at", type_=DateTime(timezone=True)).cast(DateTime(timezone=True)).label("at"),
        bindparam("small", type_=Integer()).cast(Integer).label("small"),
        bindparam("large", type_=BigInteger()).cast(BigInteger).label("large"),
        bindparam("seconds", type_=Double()).cast(Double).label("seconds"),
        bindparam("sure", type_=Boolean()).cast(Boolean).label("sure"),
        bindparam("text", type_=Text()).cast(Text).label("text"),
        bindparam("status", type_=Text()).cast(Text).label("status"),
        bindparam("level", type_=Text()).cast(Text).label("level"),
    )
)
KINDS = {
    "id": Kind.UUID,
    "at": Kind.INSTANT,
    "small": Kind.INTEGER,
    "large": Kind.INTEGER,
    "seconds": Kind.FLOAT,
    "sure": Kind.BOOLEAN,
    "text": Kind.TEXT,
    "status": Kind.TEXT,
    "level": Kind.TEXT,
}
NAMES = {"status": (("running", "RUNNING"), ("failed", "FAILED")), "level": (("info", "Information"), ("error", "Bad"))}
INSTANTS = st.datetimes(
    datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.sampled_from([UTC, timezone(timedelta(hours=-7))])
)
VALUES = {
    "id": st.uuids(allow_nil=True),
    "at": INSTANTS | INSTANTS.map(lambda instant: instant.replace(microsecond=0)),
    "small": st.integers(-(2**31), 2**31 - 1),
    "large": st.integers(-(2**31), 2**31 - 1),
    "seconds": st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53).map(float),
    "sure": st.booleans(),
    "text": st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    "status": st.sampled_from(["running", "failed"]),
    "level": st.sampled_from(["info", "error"]),
}


def writing(*, nullable: bool) -> Writing:
    """Everything under names of its own, and a constant."""
    values = (Value(f"the{name}", name, kind, nullable, NAMES.get(name, ())) for name, kind in KINDS.items())
    return Writing((Constant("__typename", "Row's"), *values))


STRICT, LAX = writing(nullable=False), writing(nullable=True)


async def written(database: Database, how: Writing, values: dict[str, Any]) -> str | None:
    """A row as PostgreSQL writes it."""
    statement = ROW.writing(how, lambda _: False)
    assert statement is not None
    async with database.reader() as reader:
        (row,) = await reader.rows(statement, values, Row)
    text: str | None = row[WRITTEN]
    return text


def expected(values: dict[str, Any]) -> dict[str, Any]:
    """What it says."""
    names = {name: dict(pairs) for name, pairs in NAMES.items()}
    shown = {
        f"the{name}": names[name][values[name]] if name in names and values[name] else values[name] for name in KINDS
    }
    made = {"__typename": "Row's", **shown}
    if values["at"] is not None:
        made["theat"] = values["at"].astimezone(UTC)
    answer: dict[str, Any] = orjson.loads(orjson.dumps(made))
    return answer


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.fixed_dictionaries(VALUES))
async def test_a_row_is_written_as_we_would_write_it(database: Database, values: dict[str, Any]) -> None:
    for how in (STRICT, LAX):
        text = await written(database, how, values)
        assert text is not None
        found = orjson.loads(text)
        assert found == expected(values)
        assert list(found) == list(expected(values))
        assert type(found["theseconds"]) is float
        assert f'"thetext":{orjson.dumps(values["text"]).decode()},' in text  # where a secret in it is masked


PLAIN: dict[str, Any] = {
    "id": UUID(int=7),
    "at": datetime(2026, 1, 31, 12, tzinfo=UTC),
    "small": 1,
    "large": 2,
    "seconds": 0.5,
    "sure": True,
    "text": 'a "word"\n',
    "status": "failed",
    "level": "info",
}


@pytest.mark.parametrize("name", KINDS)
async def test_a_null_is_written_where_one_may_be_and_nothing_where_none_may(database: Database, name: str) -> None:
    values = {**PLAIN, name: None}
    text = await written(database, LAX, values)
    assert text is not None
    assert orjson.loads(text) == expected(values)
    assert await written(database, STRICT, values) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [("large", 2**31), ("large", -(2**31) - 1), ("seconds", math.inf), ("seconds", -math.inf), ("seconds", math.nan)],
)
async def test_what_graphql_cannot_say_is_not_written(database: Database, name: str, value: Any) -> None:
    for how in (STRICT, LAX):
        assert await written(database, how, {**PLAIN, name: value}) is None


async def test_what_a_statement_does_not_have_cannot_be_written() -> None:
    assert ROW.writing(Writing((Value("x", "missing", Kind.TEXT, True),)), lambda _: False) is None
    assert ROW.writing(Writing((Inner("x", "text", ()),)), lambda _: False) is None


class Thing(Row):
    """A row of which something is optional."""

    __slots__ = ()

    KEYS = frozenset({"id"})

    id: UUID
    large: int
    text: str


LARGE_AND_TEXT = Writing(
    (Value("l", "large", Kind.INTEGER, False), Value("t", "text", Kind.TEXT, True)), masked=[("t", "text")]
)


@pytest.mark.parametrize("accepted", [True, False])
async def test_rows_are_written_if_that_is_accepted(database: Database, accepted: bool) -> None:
    wanted = Wanted({Thing: frozenset({"large", "text"})}, {Thing: LARGE_AND_TEXT})
    async with database.reader(wanted, accepts=lambda writing: accepted and writing is LARGE_AND_TEXT) as reader:
        (row,) = await reader.rows(ROW, PLAIN, Thing)
    assert (WRITTEN in row) is accepted
    assert (row["id"], row["text"]) == (PLAIN["id"], PLAIN["text"])
    if accepted:
        assert row[WRITTEN] == '{"l":2,"t":"a \\"word\\"\\n"}'
    else:
        assert row.large == PLAIN["large"]
