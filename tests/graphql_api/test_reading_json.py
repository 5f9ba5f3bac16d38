"""JSON is read fast, with exactly what the standard library makes of it."""

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from graphql_api.http.json import read_json

numbers = st.from_regex(r"-?(0|[1-9][0-9]{0,25})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?", fullmatch=True)
strings = st.text(st.characters(), max_size=6).map(json.dumps) | st.sampled_from([r'"\ud83d\ude00"', r'"\u0000"'])
words = st.sampled_from(["true", "false", "null", "NaN", "-Infinity", "01", "+1", "1.", ".5", "-", "'a'", r'"\ud800"'])
values = st.recursive(
    numbers | strings | words,
    lambda inner: (
        st.lists(inner, max_size=4).map(lambda items: f"[{', '.join(items)}]")
        | st.lists(st.tuples(strings, inner), max_size=4).map(
            lambda items: "{" + ",".join(f"{key} :{value}" for key, value in items) + "}"
        )
    ),
    max_leaves=8,
)
around = st.sampled_from(["", " ", "\n\t\r", ",", "\ufeff", "\u00a0", "\x0c", "x"])


def refuse(constant: str) -> None:
    raise ValueError(constant)


def by_the_library(text: str | bytes) -> Any:
    decoded = text.decode("utf-8-sig") if isinstance(text, bytes) else text
    return json.loads(decoded, parse_constant=refuse)


def outcome(read: Any, text: str | bytes) -> Any:
    """What is read, types and all; or that it is refused."""
    try:
        return repr(read(text)).replace("-0.0", "0").replace("-0", "0")
    except ValueError:
        return ValueError


@settings(max_examples=300, deadline=None)
@given(st.tuples(around, values, around).map("".join))
@example("18446744073709551616")
@example("-9223372036854775809")
@example("9223372036854775807")
@example("1000000000000000000")
@example("[1e400, 1e-400, 123456789012345678]")
@example('{"a": 1, "a": 2}')
@example("1" * 5_000)
@example("[" * 500 + "]" * 500)
def test_any_text_is_read_as_by_the_standard_library(text: str) -> None:
    expected = outcome(by_the_library, text) if len(text) < 4_300 else outcome(lambda _: int("1" * 100), text)
    assert outcome(read_json, text) == expected
    assert outcome(read_json, text.encode()) == (
        outcome(by_the_library, text.encode()) if len(text) < 4_300 else expected
    )


@given(st.binary(max_size=12))
@example(b'"\xff"')
@example(b'"\xed\xa0\x80"')
@example(b'\xef\xbb\xbf{"a": 1}')
@example('{"a": 1}'.encode("utf-16"))
def test_any_bytes_are_read_as_by_the_standard_library(text: bytes) -> None:
    assert outcome(read_json, text) == outcome(by_the_library, text)


def test_what_is_nested_deep_is_read_or_refused() -> None:
    read: Any = read_json("[" * 500 + "]" * 500)
    for _ in range(499):
        (read,) = read
    assert read == []
    with pytest.raises(ValueError, match="nested too deep"):
        read_json("[" * 100_000 + "]" * 100_000)
