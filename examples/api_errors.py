"""What can go wrong when calling the API.

ApiError
├── UnreachableError        no answer, or none that is GraphQL; trying again may help
├── RequestFailedError      an answer with GraphQL errors instead of data
└── RefusedError            the API understood and said no: one of its union's refusals
    ├── NotFoundError
    ├── InvalidTransitionError
    └── InvalidInputError
"""

from __future__ import annotations

from typing import Any

JsonObject = dict[str, Any]


class ApiError(Exception):
    """Calling the API did not work."""


class UnreachableError(ApiError):
    """The server gave no usable answer.

    `doubtful` says that the request may have been carried out all the same: it was sent, but the answer
    was lost. When it is False the request certainly had no effect.
    """

    def __init__(self, message: str, *, doubtful: bool) -> None:
        self.doubtful = doubtful
        super().__init__(message)


class RequestFailedError(ApiError):
    """The server answered with GraphQL errors. `code` is the first one's `extensions.code`."""

    def __init__(self, errors: list[JsonObject]) -> None:
        first = errors[0] if errors else {}
        extensions = first.get("extensions") or {}
        self.code: str | None = extensions.get("code")
        self.error_id: str | None = extensions.get("errorId")
        text = str(first.get("message", "an error without a message"))
        super().__init__(": ".join(part for part in (self.code, text, self.error_id) if part))


class RefusedError(ApiError):
    """The API refused, with a reason.

    `repeated` says that an earlier try of this call may have been carried out: then the refusal may only
    mean that there is nothing left to do.
    """

    def __init__(self, details: JsonObject, *, repeated: bool = False) -> None:
        self.details = details
        self.repeated = repeated
        super().__init__(f"{details['__typename']}: {details['message']}")

    @staticmethod
    def of(details: JsonObject, *, repeated: bool = False) -> RefusedError:
        """Make the error that fits the refusal's `__typename`; unknown ones are plain RefusedErrors."""
        kind = _KINDS.get(details["__typename"], RefusedError)
        return kind(details, repeated=repeated)


class NotFoundError(RefusedError):
    """There is no such thing."""


class InvalidTransitionError(RefusedError):
    """The state machine does not allow that now."""

    @property
    def status(self) -> str:
        """The status that the addressed run or step is in."""
        return str(self.details["from"])


class InvalidInputError(RefusedError):
    """The input is no good."""

    @property
    def field(self) -> str:
        """The path of the offending value in the input, for instance `entries[17].data`."""
        return str(self.details["field"])


_KINDS: dict[str, type[RefusedError]] = {
    "NotFound": NotFoundError,
    "InvalidTransition": InvalidTransitionError,
    "InvalidInput": InvalidInputError,
}
