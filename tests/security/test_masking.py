"""What is masked, and what is left as it was."""

import json
import time
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphql_api.security.masking import Masking

MASKING = Masking(["ssn", "card_number"])
SECRET_KEYS = [
    *("password", "dbPassword", "DB_PASSWORD", "userpassword", "passwd", "passphrase", "pass_word", "pwd"),
    *("api_key", "apiKey", "X-Api-Key", "APIKEY", "aws_secret_access_key", "AccountKey", "private-key"),
    *("token", "access_token", "refreshToken", "authToken", "Authorization", "proxy-authorization", "auth", "jwt"),
    *("secret", "secrets", "client_secret", "clientSecret", "credentials", "creds", "cookie", "Set-Cookie", "otp"),
    *("session_id", "sessionId", "connection string", "ssn", "userSsn", "cardNumber", "CARD-NUMBER"),
]
PLAIN_KEYS = [
    *("author", "authority", "key", "keys", "monkey", "passage", "passed", "class_name", "classname", "token_count"),
    *("tokenType", "token_url", "max_token_length", "session", "market", "path", "bypass", "compass", "tokenizer", ""),
]


def masked(value: Any, masking: Masking = MASKING) -> Any:
    return orjson.loads(masking.json_text(orjson.dumps(value).decode()))


@pytest.mark.parametrize("key", SECRET_KEYS)
@pytest.mark.parametrize("value", ["x", 5, True, None, [1, {"a": "b"}], {"a": ["}", '"']}, "", 'a\\"b', -0.5])
def test_what_stands_under_a_secret_key_is_masked_wherever_it_is(key: str, value: Any) -> None:
    given = {"before": "a", "deep": [{"er": {key: value, "after": [1, 2]}}], "last": 1}
    assert masked(given) == {"before": "a", "deep": [{"er": {key: "***", "after": [1, 2]}}], "last": 1}


@pytest.mark.parametrize("key", PLAIN_KEYS)
def test_what_stands_under_another_key_stays_the_very_object(key: str) -> None:
    text = json.dumps({"deep": [{key: "x", "n": 1.50}]})
    assert MASKING.json_text(text) is text


@pytest.mark.parametrize("number", ["0", "-1", "12.50", "1e400", "123456789012345678901234567890"])
def test_what_is_not_masked_stays_as_it_is_to_the_last_digit(number: str) -> None:
    assert MASKING.json_text(f'{{"n": {number}, "token": {number}, "x": [1.10]}}') == (
        f'{{"n": {number}, "token": "***", "x": [1.10]}}'
    )


def test_tokens_are_credentials_unless_they_are_counted() -> None:
    assert masked({"tokens": 512, "max_tokens": 4096}) == {"tokens": 512, "max_tokens": 4096}
    assert masked({"tokens": ["a"], "my_tokens": "b"}) == {"tokens": "***", "my_tokens": "***"}


def test_the_settings_of_one_process_are_not_those_of_another() -> None:
    assert masked({"ssn": "1"}, Masking()) == {"ssn": "1"}
    assert masked({"ssn": "1"}) == {"ssn": "***"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("connect postgres://me:hunter2@db/x failed", "connect postgres://***@db/x failed"),
        ("https://ghp_hunter2@github.com/a", "https://***@github.com/a"),
        ("redis://:hunter2@h:6379/0", "redis://***@h:6379/0"),
        ("postgres://me:hun@ter@2@db/x", "postgres://***@db/x"),
        ("postgres://me:hun/ter2@db/x", "postgres://me:***@db/x"),
        ("a\npostgres://me:hunter2@a/x, mysql://me:hunter2@b/x", "a\npostgres://***@a/x, mysql://***@b/x"),
        ("Authorization: Bearer hunter2", "Authorization: Bearer ***"),
        ("authorization: Basic aHVudGVyMg== was refused", "authorization: Basic *** was refused"),
        ("sent Bearer abcdef.hunter2", "sent Bearer ***"),
        ("password=hunter2&user=me", "password=***&user=me"),
        ("PGPASSWORD='hunter 2' psql", "PGPASSWORD=*** psql"),
        ('{"password": "hun\\"ter2", "user": "me"}', '{"password": ***, "user": "me"}'),
        ('"{\\"api_key\\": \\"hunter2\\", \\"user\\": \\"me\\"}"', '"{\\"api_key\\": ***, \\"user\\": \\"me\\"}"'),
        ("api key: hunter2", "api key: ***"),
        ("ssn=078-05-1120", "ssn=***"),
        ("exg_" + "h" * 43 + " is no token", "*** is no token"),
        (
            "-----BEGIN RSA PRIVATE KEY-----\nMIIhunter2\n-----END RSA PRIVATE KEY-----",
            "***-----END RSA PRIVATE KEY-----",
        ),
    ],
)
def test_credentials_in_text_are_masked(text: str, shown: str) -> None:
    assert MASKING.text(text) == shown
    assert masked({"note": text}) == {"note": shown}


@pytest.mark.parametrize(
    "text",
    [
        "Loaded 1,234 rows",
        "http://host:8080/path?email=a@b.c",
        "http://host/users/@me",
        "mail me@example.org",
        "max_tokens=4096 reached",
        "The bearer of bad news",
        "a secret",
        "keys: a, b",
        "",
    ],
)
def test_other_text_stays_as_it_is(text: str) -> None:
    assert MASKING.text(text) == text


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from([*SECRET_KEYS, *PLAIN_KEYS]) | st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=20,
)


def expected(value: Any) -> Any:
    """What masking is, said in another way: one value after the other."""
    if isinstance(value, dict):
        return {
            key: "***"
            if MASKING.secrets.hides(key, number=isinstance(item, (int, float)) and not isinstance(item, bool))
            else expected(item)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [expected(item) for item in value]
    return MASKING.text(value) if isinstance(value, str) else value


@given(json_values)
def test_any_json_is_masked_as_it_would_be_value_by_value(value: Any) -> None:
    text = orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()
    spaced = json.dumps(value, ensure_ascii=False)
    assert orjson.loads(MASKING.json_text(text)) == orjson.loads(orjson.dumps(expected(value)))
    assert json.loads(MASKING.json_text(spaced)) == expected(value)


@given(
    st.lists(
        st.sampled_from(
            [
                "pass",
                "word",
                "sec",
                "ret",
                "api",
                "key",
                "Tok",
                "en",
                "cred",
                "_",
                "-",
                " ",
                "ssn",
                "card",
                "number",
                "Id",
                "session",
            ]
        ),
        min_size=1,
        max_size=6,
    )
)
def test_the_quick_look_never_misses_what_the_thorough_one_finds(parts: list[str]) -> None:
    key = "".join(parts)
    if MASKING.secrets.hides(key, number=False) and "sec" not in key.replace("secret", "").lower():
        assert masked({key: "hunter2"}) == {key: "***"}
        assert not MASKING.none_in_json([None, json.dumps({key: "hunter2"})])


@pytest.mark.parametrize(
    "evil",
    [
        "://x:" * 50_000,
        "password" * 30_000,
        "password:" * 30_000,
        "bearer " * 30_000,
        "eyJ" + "a" * 250_000,
        "://" + "a" * 250_000,
        "password='" * 25_000,
        "-----BEGIN PRIVATE KEY-----" * 9_000,
        'password="' + "\\" * 250_000,
        "token" + "-" * 250_000,
    ],
)
def test_no_message_takes_long_to_mask(evil: str) -> None:
    began = time.process_time()
    MASKING.text(evil)
    MASKING.json_text(json.dumps({"token": {"a": "b"}, "x": evil}))
    assert time.process_time() - began < 5


def test_a_filter_is_told_which_of_its_keys_is_masked() -> None:
    assert MASKING.secret_key({"a": [{"b": 1}], "c": "d"}) is None
    assert MASKING.secret_key({"a": [{"apiKey": 1}]}) == "apiKey"
    assert MASKING.secret_key({"secrets": {}}) == "secrets"
    assert MASKING.secret_key([{"url": "postgres://u:p@h"}]) == "url"
    assert MASKING.secret_key({"tokens": 5}) is None
    assert MASKING.secret_key("password") is None


def test_a_secret_is_masked_in_what_is_written_already() -> None:
    written = '{"at":"\\"message\\":\\"token=abc\\"","message":"token=abc","n":1}'
    assert MASKING.in_written("message", "token=abc", written) == written.replace(
        '"message":"token=abc"', '"message":"token=***"'
    )
    assert MASKING.in_written("message", "harmless", written) is written
    assert MASKING.in_written("message", None, written) is written
    for elsewhere in ('{"text":"token=abc"}', '{"message":"token=abc","of":{"message":"token=abc"}}'):
        with pytest.raises(LookupError):
            MASKING.in_written("message", "token=abc", elsewhere)
