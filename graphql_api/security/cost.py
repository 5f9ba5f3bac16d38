"""What an operation may cost at most: the number of objects in its answer, reckoned from its page sizes.

It is reckoned on the document, once, as a sum of what does not depend on variables and of what does; a request
only fills in its variables.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from graphql import FieldNode, IntValueNode, ListValueNode, VariableNode

from graphql_api.paging import DEFAULT_PAGE_SIZE, MAX_LONG_PAGE_SIZE, MAX_PAGE_SIZE
from graphql_api.security.limits import LimitError

LIST_SIZE: Final = 10
"""How many items a list is taken to have that says nothing of its size."""
LIST_SIZES: Final[Mapping[str, int]] = {
    "ExecutionLogBatch.entries": MAX_LONG_PAGE_SIZE,
    "WorkflowExecutionChange.nodeExecutions": MAX_LONG_PAGE_SIZE,
    "WorkflowExecutionsChange.changed": MAX_PAGE_SIZE,
    "WorkflowExecutionsChange.removedIds": MAX_PAGE_SIZE,
    "WorkflowExecutionStats.buckets": 100,
    "NodeExecution.attempts": 3,
}
FIELD_COSTS: Final[Mapping[str, int]] = {
    "Query.workflowExecutionStats": 100,
    "Workflow.stats": 100,
}
"""What is read for a field beside the objects that it gives, as so many objects."""
COUNT_COST: Final = 10
"""The same of a `totalCount`."""
ITEMS: Final = frozenset({"nodes", "edges"})
"""The fields of a connection that have as many items as its page."""
_TOO_MANY: Final = 10**9
MAX_VARIABLE_PAGES: Final = 500
"""Pages of variable size in one operation, each counted as often as it occurs: a request reckons with each."""


@dataclass(frozen=True, slots=True)
class Size:
    """The size of a page: a number, or the variable that gives it."""

    number: int = DEFAULT_PAGE_SIZE
    variable: str | None = None

    def of(self, variables: Mapping[str, Any]) -> int:
        """The size with these variables, which nobody has checked yet; one that is not acceptable is refused later."""
        if self.variable is None:
            return self.number
        value = variables.get(self.variable, self.number)
        return min(max(value, 0), _TOO_MANY) if type(value) is int else DEFAULT_PAGE_SIZE


@dataclass(frozen=True, slots=True)
class Cost:
    """A sum: a number, and costs each times a size."""

    number: int = 0
    products: tuple[tuple[Size, "Cost"], ...] = ()
    pages: int = 0
    """How many pages of variable size there are."""

    def __post_init__(self) -> None:
        if self.pages > MAX_VARIABLE_PAGES:
            raise LimitError(
                f"The document has more than {MAX_VARIABLE_PAGES} pages whose size is a variable, fragments written out"
            )

    def __add__(self, other: "Cost") -> "Cost":
        number = min(self.number + other.number, _TOO_MANY)
        return Cost(number, self.products + other.products, self.pages + other.pages)

    def times(self, size: Size) -> "Cost":
        """So many times as much."""
        if size.variable is None:
            number = min(self.number * size.number, _TOO_MANY)
            return Cost(number, tuple((of, cost.times(size)) for of, cost in self.products), self.pages)
        return Cost(0, ((size, self),), self.pages + 1)

    def of(self, variables: Mapping[str, Any]) -> int:
        """The sum with these variables."""
        if not self.products:
            return self.number
        return self.number + sum(size.of(variables) * cost.of(variables) for size, cost in self.products)


NOTHING: Final[Cost] = Cost()


def page_size(field: FieldNode, defaults: Mapping[str, Any]) -> Size:
    """The size of the page that a field asks for.

    Args:
        field: of a connection.
        defaults: the default values of the operation's variables.
    """
    for argument in field.arguments or ():
        if argument.name.value in ("first", "last"):
            if isinstance(argument.value, IntValueNode):
                return Size(min(int(argument.value.value[:10]), _TOO_MANY))
            if isinstance(argument.value, VariableNode):
                name = argument.value.name.value
                default = defaults.get(name)
                return Size(default if type(default) is int else DEFAULT_PAGE_SIZE, name)
    return Size()


def list_size(type_name: str, field: FieldNode) -> int:
    """How many items a list without pages is taken to have: as many as it is given, if it is given a list."""
    given = [
        len(argument.value.values) for argument in field.arguments or () if isinstance(argument.value, ListValueNode)
    ]
    return LIST_SIZES.get(f"{type_name}.{field.name.value}", max([LIST_SIZE, *given]))
