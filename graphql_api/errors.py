"""What a client is told of an error: refusals in clear with a code, surprises masked with an id.

Every error that leaves carries `extensions.code`:

- GRAPHQL_VALIDATION_FAILED  the document is not valid
- BAD_USER_INPUT             a variable or an argument is not acceptable
- NOT_FOUND                  a subscription's subject does not exist (any more)
- UNAVAILABLE                the database cannot be reached just now, or a limit is; the request may be sent again
- INTERNAL_SERVER_ERROR      a surprise: `extensions.errorId` stands beside the traceback in the server's log
"""

import logging
from collections.abc import Sequence
from uuid import uuid4

from graphql import GraphQLError, GraphQLSyntaxError
from strawberry.exceptions import MissingQueryError
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError

from db.availability import is_unavailable, took_too_long
from db.errors import InvalidInputError, NotFoundError
from graphql_api.names import camel_case_path

logger = logging.getLogger("execgraph.errors")

VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED"
BAD_USER_INPUT = "BAD_USER_INPUT"
NOT_FOUND = "NOT_FOUND"
UNAVAILABLE = "UNAVAILABLE"
INTERNAL = "INTERNAL_SERVER_ERROR"


class BadUserInputError(GraphQLError):
    """A variable or an argument that is not acceptable, although its type is right."""

    def __init__(self, message: str) -> None:
        super().__init__(message, extensions={"code": BAD_USER_INPUT})


class TooManyError(GraphQLError):
    """More than a limit allows just now; the same may be asked for again later."""

    def __init__(self, message: str) -> None:
        super().__init__(message, extensions={"code": UNAVAILABLE})


def public_errors(errors: Sequence[GraphQLError]) -> list[GraphQLError]:
    """Say of each error what the client may know."""
    return [public_error(error) for error in errors]


def public_error(error: GraphQLError) -> GraphQLError:
    """Say of one error what the client may know: all of one that has a code already."""
    if "code" in (error.extensions or {}):
        return error
    cause = _cause(error)
    if cause is None or isinstance(cause, (GraphQLError, *_REQUEST_ERRORS)):
        of_document = isinstance(error, GraphQLSyntaxError) or isinstance(cause, _REQUEST_ERRORS)
        code = VALIDATION_FAILED if of_document else BAD_USER_INPUT
        return _retold(error, error.message, {"code": code, **(error.extensions or {})})
    if isinstance(cause, RecursionError):
        cause = InvalidInputError("query", "is nested too deep")
    if isinstance(cause, InvalidInputError):
        return _retold(error, f"{camel_case_path(cause.field)}: {cause}", {"code": BAD_USER_INPUT})
    if isinstance(cause, NotFoundError):
        return _retold(error, str(cause), {"code": NOT_FOUND})
    if is_unavailable(cause):
        logger.warning("the database is unavailable: %s at %s", type(cause).__name__, error.path)
        what = "This took the database too long; ask for less" if took_too_long(cause) else _UNREACHABLE
        return _retold(error, what, {"code": UNAVAILABLE})
    error_id = uuid4().hex
    logger.error("error %s at %s", error_id, error.path, exc_info=cause)
    return _retold(error, "Internal server error", {"code": INTERNAL, "errorId": error_id})


_UNREACHABLE = "The database cannot be reached; try again"
_REQUEST_ERRORS = (CannotGetOperationTypeError, InvalidOperationTypeError, MissingQueryError)


def _cause(error: GraphQLError) -> BaseException | None:
    cause: BaseException | None = error.original_error
    while isinstance(cause, GraphQLError) and cause.original_error is not None:
        cause = cause.original_error
    return cause


def _retold(error: GraphQLError, message: str, extensions: dict[str, object]) -> GraphQLError:
    return GraphQLError(
        message,
        nodes=error.nodes,
        source=error.source,
        positions=error.positions,
        path=error.path,
        extensions=extensions,
    )
