"""What is accepted comes back equal, and what would not is refused before anything is written."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db import Database
from db.errors import InvalidInputError
from db.validation import (
    check_batch,
    check_integer,
    check_json,
    check_message,
    check_name,
    check_retry_config,
    check_timestamp,
)
from tests.db.builders import a_run, run_of


def nested(depth: int, innermost: Any = None) -> Any:
    """Arrays and objects inside each other, alternately."""
    value: Any = [] if innermost is None else innermost
    for level in range(depth - (innermost is None)):
        value = {"a": value} if level % 2 else [value]
    return value


LARGE = "x" * (1_048_576 - 2)

ACCEPTED_JSON = {
    "null": None,
    "false": False,
    "zero": 0,
    "largest integer": 2**64 - 1,
    "smallest integer": -(2**63),
    "integer beyond what a double holds": 2**53 + 1,
    "fraction": 0.1,
    "smallest double": 5e-324,
    "largest double": 1.7976931348623157e308,
    "empty text": "",
    "any letters": "코스피 Ωμέγα Привет \U0001f600 \u2028 \x01 \x7f \ufffe",
    "text like JSON": '{"a": "\\u0000"}',
    "empty array": [],
    "empty object": {},
    "empty key": {"": {"": None}},
    "null inside": {"a": [None]},
    "100 deep": nested(100),
    "text in 100 deep": nested(100, "deep"),
    "1 MiB": LARGE,
}

REFUSED_JSON = {
    "NUL": ("a\x00b", "holds a NUL character, which cannot be stored"),
    "NUL in a key": ({"a": {"\x00": 1}}, "holds a NUL character, which cannot be stored"),
    "high surrogate": ("\ud83d", "holds a surrogate without its other half, which cannot be stored"),
    "low surrogate in a key": ({"\ude00": 1}, "holds a surrogate without its other half, which cannot be stored"),
    "integer too large": ([2**64], "holds an integer that does not fit 64 bits"),
    "integer too small": ({"a": -(2**63) - 1}, "holds an integer that does not fit 64 bits"),
    "not a number": ([math.nan], "holds a number that JSON does not know"),
    "infinite": (-math.inf, "holds a number that JSON does not know"),
    "101 deep": (nested(101), "is nested more than 100 deep"),
    "10,000 deep": (nested(10_000), "is nested more than 100 deep"),
    "over 1 MiB": (LARGE + "x", "is 1048577 bytes of JSON; at most 1048576 are allowed"),
    "over 1 MiB in bytes only": ("한" * 400_000, "is 1200002 bytes of JSON; at most 1048576 are allowed"),
}


@pytest.fixture
def database(shared_database: Database) -> Database:
    return shared_database


@pytest.mark.parametrize("value", ACCEPTED_JSON.values(), ids=ACCEPTED_JSON)
async def test_json_that_is_accepted_comes_back_equal(database: Database, value: Any) -> None:
    check_json(value, "data")
    run = await run_of(database, await a_run(database, input_data=value))

    assert run.input_data == value
    assert type(run.input_data) is type(value) or isinstance(value, float)


@pytest.mark.parametrize(("value", "message"), REFUSED_JSON.values(), ids=REFUSED_JSON)
def test_json_that_would_not_come_back_is_refused(value: Any, message: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        check_json(value, "entries[17].data")

    assert (refused.value.field, str(refused.value)) == ("entries[17].data", message)


ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)
ANY_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | ANY_TEXT,
    lambda children: st.lists(children, max_size=5) | st.dictionaries(ANY_TEXT, children, max_size=5),
    max_leaves=20,
)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(ANY_JSON, min_size=1, max_size=10))
async def test_whatever_json_is_accepted_comes_back_equal(database: Database, values: list[Any]) -> None:
    check_json(values, "data")
    run = await run_of(database, await a_run(database, input_data=values))

    assert as_doubles(run.input_data) == as_doubles(values)


def as_doubles(value: Any) -> Any:
    """The value with its numbers as JSON readers take them; 1e16 may come back as 10000000000000000."""
    if isinstance(value, list):
        return [as_doubles(item) for item in value]
    if isinstance(value, dict):
        return {key: as_doubles(item) for key, item in value.items()}
    if isinstance(value, float) or (isinstance(value, int) and abs(value) > 2**53):
        return float(value)
    return value


@pytest.mark.parametrize(
    ("check", "value", "message"),
    [
        (check_name, "", "must not be empty"),
        (check_name, "x" * 1_001, "is 1001 characters long; at most 1000 are allowed"),
        (check_name, "a\x00", "holds a NUL character, which cannot be stored"),
        (check_name, "\udfff", "holds a surrogate without its other half, which cannot be stored"),
        (check_message, "", "must not be empty"),
        (check_message, "x" * 262_145, "is 262145 characters long; at most 262144 are allowed"),
        (check_batch, [], "must not be empty"),
        (check_batch, [0] * 10_001, "has 10001 items; at most 10000 are allowed"),
        (check_retry_config, [], "must be an object"),
        (check_retry_config, {"delay": 2**64}, "holds an integer that does not fit 64 bits"),
    ],
)
def test_a_value_out_of_range_is_refused(check: Any, value: Any, message: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        check(value, "field")

    assert (refused.value.field, str(refused.value)) == ("field", message)


@pytest.mark.parametrize("retries", [-1, 2**31, 1.5, "3", None, True])
def test_a_number_of_retries_is_a_whole_number_or_absent(retries: Any) -> None:
    with pytest.raises(InvalidInputError) as refused:
        check_retry_config({"max_retries": retries}, "retry_config")

    assert (refused.value.field, str(refused.value)) == (
        "retry_config",
        "max_retries must be an integer from 0 to 2147483647",
    )


@pytest.mark.parametrize("value", [0, -(2**31), 2**31])
def test_an_integer_out_of_range_is_refused(value: int) -> None:
    with pytest.raises(InvalidInputError, match=r"^must be from 1 to 2147483647$"):
        check_integer(value, "attempt", at_least=1)


def test_a_time_more_than_five_minutes_ahead_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="is more than 5 minutes ahead"):
        check_timestamp(datetime.now(UTC) + timedelta(minutes=5, seconds=5), "timestamp")


def test_the_limits_themselves_are_accepted() -> None:
    check_name("x" * 1_000, "field")
    check_name("이름", "field")
    check_message("x" * 262_144, "field")
    check_message("", "field", may_be_empty=True)
    check_batch([0] * 10_000, "field")
    check_integer(1, "field", at_least=1)
    check_integer(2**31 - 1, "field", at_least=1)
    check_timestamp(datetime.now(UTC) + timedelta(minutes=4, seconds=55), "field")
    check_timestamp(datetime(1, 1, 1, tzinfo=UTC), "field")
    check_retry_config({"max_retries": 2**31 - 1, "delay": 0.5, "unknown": [None]}, "field")


def test_absent_values_are_accepted() -> None:
    check_name(None, "field")
    check_message(None, "field")
    check_integer(None, "field", at_least=1)
    check_timestamp(None, "field")
    check_retry_config(None, "field")
    assert check_json(None, "field") == 0


def test_the_size_of_json_is_counted_in_bytes() -> None:
    assert check_json({"한": [1, None]}, "field") == len('{"한":[1,null]}'.encode())
