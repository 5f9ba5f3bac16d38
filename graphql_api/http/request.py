"""What a GraphQL request over HTTP asks for, and which media type it wants back.

After the GraphQL-over-HTTP specification, https://graphql.github.io/graphql-over-http/draft/.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Any

from graphql_api.http.json import read_json


class MediaType(Enum):
    """What can be answered, the legacy type first, which serves who does not say what it accepts."""

    JSON = "application/json"
    GRAPHQL_RESPONSE = "application/graphql-response+json"
    EVENT_STREAM = "text/event-stream"


class RequestError(Exception):
    """A request that is refused before GraphQL sees it."""

    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers or {}


@dataclass(slots=True)
class Operation:
    """The parameters of a GraphQL request."""

    query: str
    variables: dict[str, Any] | None
    operation_name: str | None


@lru_cache(maxsize=64)
def accepted(header: str) -> MediaType:
    """The media type that a client likes best which sends this `Accept` header.

    Raises:
        RequestError: 406, it accepts none of ours.
    """
    header = header.strip()
    if not header:
        return MediaType.JSON
    ranges = qualities(header)
    best = max(MediaType, key=lambda media: _preference(media, ranges))
    if _preference(best, ranges)[0] == 0:
        offers = ", ".join(media.value for media in MediaType)
        raise RequestError(406, f"Not acceptable; this server answers {offers}")
    return best


def qualities(header: str) -> dict[str, tuple[float, int]]:
    """What a header like `Accept` lists, in lower case: how much each is liked, and its place, counted downwards."""
    found: dict[str, tuple[float, int]] = {}
    for place, part in enumerate(header.split(",")):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        found.setdefault(name, (_quality(parameters), -place))
    return found


def _preference(media: MediaType, ranges: dict[str, tuple[float, int]]) -> tuple[float, int]:
    """The quality of the most specific range that the media type is in; of equal ones the first one listed wins."""
    for name in (media.value, f"{media.value.split('/')[0]}/*", "*/*"):
        if name in ranges:
            return ranges[name]
    return 0.0, 0


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                quality = float(parameter[2:])
            except ValueError:
                return 0.0
            return quality if 0 <= quality <= 1 else 0.0
    return 1.0


def operation_in_url(parameters: Mapping[str, str]) -> Operation:
    """What the parameters of a URL ask for.

    Raises:
        RequestError: 400, with what is wrong.
    """
    given: dict[str, Any] = dict(parameters)
    for name in ("variables", "extensions"):
        if given.get(name):
            given[name] = _json(given[name], f"`{name}`")
        else:
            given.pop(name, None)
    return _operation(given)


def operation_in_body(body: bytes) -> Operation:
    """What a body asks for. Raises as `operation_in_url`."""
    given = _json(body, "The body")
    if isinstance(given, list):
        raise RequestError(400, "Batches of operations are not supported; send one operation a request")
    if not isinstance(given, dict):
        raise RequestError(400, "The body must be a JSON object")
    return _operation(given)


def _json(text: str | bytes, what: str) -> Any:
    try:
        return read_json(text)
    except ValueError as error:
        raise RequestError(400, f"{what} is not valid JSON: {error}") from error


def _operation(given: dict[str, Any]) -> Operation:
    query = given.get("query")
    if not isinstance(query, str) or not query:
        raise RequestError(400, "`query` must be a non-empty string")
    for name, kind, said in _OTHERS:
        value = given.get(name)
        if value is not None and not isinstance(value, kind):
            raise RequestError(400, f"`{name}` must be {said} or null")
    return Operation(query, given.get("variables"), given.get("operationName") or None)


_OTHERS = (("variables", dict, "an object"), ("extensions", dict, "an object"), ("operationName", str, "a string"))
