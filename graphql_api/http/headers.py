"""A request's headers as the server gives them: objects around them take longer than a small answer."""

from collections.abc import Mapping

from starlette.types import Scope

Headers = Mapping[bytes, bytes]


def headers_of(scope: Scope) -> Headers:
    """The headers of a request or connection by their names, in lower case; the first one of a name counts."""
    return dict(reversed(scope["headers"]))


def text_of(headers: Headers, name: bytes) -> str | None:
    """The text of a header, if it is there."""
    value = headers.get(name)
    return None if value is None else value.decode("latin-1")
