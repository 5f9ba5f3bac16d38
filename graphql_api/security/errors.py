"""Why a caller is turned away.

SecurityError
├── UnauthenticatedError   401: who asks has not said, or not proved, who they are
├── ForbiddenError         403: it is not for them, or not from there
├── TooManyRequestsError   429: they ask for more than their share just now
└── OverloadedError        503: everybody together asks for more than can be served just now
    └── TookTooLongError   503: it took longer than a request may
"""

from graphql import GraphQLError

UNAUTHENTICATED = "UNAUTHENTICATED"
FORBIDDEN = "FORBIDDEN"
UNAVAILABLE = "UNAVAILABLE"


class SecurityError(GraphQLError):
    """A refusal with the status that HTTP has for it."""

    status = 403
    code = FORBIDDEN

    def __init__(self, message: str) -> None:
        super().__init__(message, extensions={"code": self.code})

    @property
    def headers(self) -> dict[str, str]:
        """What is said in headers, too."""
        return {}


class UnauthenticatedError(SecurityError):
    """Who asks has not said, or not proved, who they are."""

    status = 401
    code = UNAUTHENTICATED

    @property
    def headers(self) -> dict[str, str]:
        """How to authenticate."""
        return {"www-authenticate": "Bearer"}


class ForbiddenError(SecurityError):
    """It is not for them, or not from there."""


class TooManyRequestsError(SecurityError):
    """They ask for more than their share just now."""

    status = 429
    code = UNAVAILABLE

    @property
    def headers(self) -> dict[str, str]:
        """When to try again."""
        return {"retry-after": "1"}


class OverloadedError(TooManyRequestsError):
    """Everybody together asks for more than can be served just now."""

    status = 503


class TookTooLongError(OverloadedError):
    """It took longer than a request may."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"This took longer than {seconds:g} seconds; ask for less")
