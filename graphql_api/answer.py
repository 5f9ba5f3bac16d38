"""A result of an operation as it goes out to a client."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from graphql import ExecutionResult as StockExecutionResult
from graphql import GraphQLError
from strawberry.types.execution import ExecutionResult, PreExecutionError

from graphql_api.http.json import write_json


@dataclass(frozen=True, slots=True)
class Answer:
    """One of the results of an operation, written."""

    text: str
    """JSON, in one line."""
    errors: tuple[GraphQLError, ...] = ()
    refused: bool = False
    """Whether the operation was never executed."""
    last: bool = False
    """Whether nothing can follow, although the operation has not ended by itself."""


def refusal(errors: Sequence[GraphQLError]) -> Answer:
    """The answer to an operation that is not executed."""
    text = write_json({"errors": [error.formatted for error in errors]}).decode()
    return Answer(text, tuple(errors), refused=True, last=True)


def answer(result: ExecutionResult | StockExecutionResult) -> Answer:
    """The answer that a result is."""
    if isinstance(result, PreExecutionError):
        return refusal(result.errors or [])
    return Answer(write_json(formatted(result)).decode(), tuple(result.errors or ()), last=result.data is None)


def formatted(result: ExecutionResult | StockExecutionResult) -> dict[str, Any]:
    """The result as the GraphQL specification has it."""
    written: dict[str, Any] = {}
    if result.errors:
        written["errors"] = [error.formatted for error in result.errors]
    if not is_request_error(result):
        written["data"] = result.data
    if extensions := getattr(result, "extensions", None):
        written["extensions"] = extensions  # of Strawberry's extensions, if there are any
    return written


def is_request_error(result: ExecutionResult | StockExecutionResult) -> bool:
    """Whether execution never began, so that there is no data, not even null."""
    if isinstance(result, PreExecutionError):
        return True
    return result.data is None and bool(result.errors) and all(error.path is None for error in result.errors or ())
