"""Masking: what is shown in place of secrets to whom they are not for."""

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

import orjson

from db.json import write_json
from db.secrets import MASK, Secrets

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]]')
"""A string or a bracket of JSON. Strings are found whole, so what is in them is never taken for structure."""
_SCALAR = re.compile(r"[^,}\]\s]+")
_SPACE = " \t\r\n"
_NUMBER = "-0123456789"
_MASKED: Final = f'"{MASK}"'


class Masking:
    """Masks the secrets of one process's settings."""

    def __init__(self, extra_keys: Sequence[str] = ()) -> None:
        """Prepare.

        Args:
            extra_keys: further keys whose values are secret.
        """
        self.secrets = Secrets(extra_keys)

    def text(self, text: str) -> str:
        """A message with the credentials in it masked; the same object where there are none."""
        return self.secrets.masked_text(text)

    def json_text(self, text: str) -> str:
        """JSON with the secrets in it masked. What is not masked stays as it was, to the last digit."""
        return self._masked(text) if self.secrets.json_may_hold(text) else text

    def in_written(self, name: str, value: str | None, written: str) -> str:
        """An object in JSON with the credentials masked that are in the value of one of its keys.

        Args:
            name: the key.
            value: what stands under it.
            written: the object.

        Raises:
            LookupError: that does not stand under this key, or there are several such keys.
        """
        shown = value if value is None else self.text(value)
        if shown == value:
            return written
        before, after = (f'"{name}":{orjson.dumps(each).decode()}' for each in (value, shown))
        if written.count(before) != 1:  # within a string no quote stands without a backslash
            raise LookupError(name)
        return written.replace(before, after)

    def none_in_json(self, texts: Iterable[str | None]) -> bool:
        """Whether no secret is in any of many JSON texts: one look for a whole column, which mostly is enough."""
        return not self.secrets.json_may_hold("\n".join(filter(None, texts)))

    def none_in_text(self, texts: Iterable[str | None]) -> bool:
        """The same of messages."""
        return not self.secrets.text_may_hold("\n".join(filter(None, texts)))

    def secret_key(self, value: Any) -> str | None:
        """A key in a JSON value that is masked, or whose text is: to compare with it would be to guess it."""
        waiting: list[tuple[str, Any]] = [("", value)]
        while waiting:
            key, item = waiting.pop()
            if isinstance(item, dict):
                for name, inner in item.items():
                    number = isinstance(inner, (int, float)) and not isinstance(inner, bool)
                    if self.secrets.hides(name, number=number):
                        return str(name)
                waiting += item.items()
            elif isinstance(item, list):
                waiting += [(key, inner) for inner in item]
            elif isinstance(item, str) and self.text(item) is not item and self.text(item) != item:
                return key
        return None

    def _masked(self, text: str) -> str:
        """Go over the strings and brackets once, and replace what stands under a secret key, and secrets in strings."""
        parts: list[str] = []
        done = place = 0
        while (found := _TOKEN.search(text, place)) is not None:
            place = found.end()
            token = found[0]
            if token[0] != '"':
                continue
            after = _skip_space(text, place)
            if after < len(text) and text[after] == ":":
                begin = _skip_space(text, after + 1)
                if self.secrets.hides(_read(token), number=text[begin] in _NUMBER):
                    place = _end_of_value(text, begin)
                    parts += (text[done:begin], _MASKED)
                    done = place
                else:
                    place = begin
            elif (masked := self._masked_string(token)) is not token:
                parts += (text[done : found.start()], masked)
                done = place
        return text if not parts else "".join([*parts, text[done:]])

    def _masked_string(self, token: str) -> str:
        string = _read(token)
        masked = self.text(string)
        return token if masked == string else write_json(masked)


def _read(token: str) -> str:
    string: str = orjson.loads(token) if "\\" in token else token[1:-1]
    return string


def _skip_space(text: str, place: int) -> int:
    while place < len(text) and text[place] in _SPACE:
        place += 1
    return place


def _end_of_value(text: str, begin: int) -> int:
    """Where the value that begins here ends."""
    if text[begin] not in '"{[':
        scalar = _SCALAR.match(text, begin)
        return begin if scalar is None else scalar.end()
    place, depth = begin, 0
    while (found := _TOKEN.search(text, place)) is not None:
        place = found.end()
        if found[0] in "{[":
            depth += 1
        elif found[0] in "}]":
            depth -= 1
        if depth == 0:
            return place
    return len(text)
