"""How much a document may ask for. What is counted on its text is counted before it is validated."""

from collections import Counter
from dataclasses import dataclass

from graphql import DocumentNode, FieldNode, GraphQLError, Node, SelectionSetNode

from graphql_api.errors import VALIDATION_FAILED


class LimitError(GraphQLError):
    """A document that asks for more than it may."""

    def __init__(self, message: str) -> None:
        super().__init__(message, extensions={"code": VALIDATION_FAILED})


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits, each of which is a setting."""

    characters: int = 100_000
    tokens: int = 5_000
    depth: int = 16
    aliases: int = 50
    root_fields: int = 20
    directives: int = 50
    cost: int = 100_000
    errors: int = 5

    def check_shape(self, document: DocumentNode) -> None:
        """Count what could make the validation itself slow.

        Raises:
            LimitError: it is too much.
        """
        aliases = directives = 0
        waiting: list[Node] = list(document.definitions)
        while waiting:
            node = waiting.pop()
            directives += len(getattr(node, "directives", None) or ())
            selected = node if isinstance(node, SelectionSetNode) else getattr(node, "selection_set", None)
            if selected is not None:
                aliases += _aliases(selected)
                waiting += selected.selections
            waiting += getattr(node, "variable_definitions", None) or ()
        self._hold(aliases, self.aliases, "aliases and repeated fields")
        self._hold(directives, self.directives, "directives")

    def check_plan(self, depth: int, root_fields: int) -> None:
        """Check what is known of an operation. Raises LimitError."""
        self._hold(depth, self.depth, "fields inside each other")
        self._hold(root_fields, self.root_fields, "fields at the top")

    def check_cost(self, cost: int) -> None:
        """Check what an operation may cost with the variables it has. Raises LimitError."""
        if cost > self.cost:
            raise LimitError(
                f"The operation may give {cost} objects, as its page sizes say; at most {self.cost} are allowed."
                " Ask for smaller pages"
            )

    def _hold(self, number: int, limit: int, what: str) -> None:
        if number > limit:
            raise LimitError(f"The document has {number} {what}; at most {limit} are allowed")


def _aliases(selected: SelectionSetNode) -> int:
    """How many fields have an alias, or are there again: they multiply what one field costs."""
    fields = [node for node in selected.selections if isinstance(node, FieldNode)]
    names = Counter((node.alias or node.name).value for node in fields)
    return sum(node.alias is not None for node in fields) + sum(number - 1 for number in names.values())
