"""What is checked of a document besides GraphQL's own validation rules."""

from collections.abc import Iterator

from graphql import GraphQLError, OperationDefinitionNode
from strawberry.extensions import SchemaExtension

from graphql_api.errors import VALIDATION_FAILED


class DocumentChecks(SchemaExtension):
    """Refuses to guess which of several operations is meant, and says of each error here that it is the document's."""

    def on_validate(self) -> Iterator[None]:
        """Check before the rules do, and mark what either found."""
        context = self.execution_context
        assert context.graphql_document is not None
        operations = [
            node for node in context.graphql_document.definitions if isinstance(node, OperationDefinitionNode)
        ]
        # Strawberry would take the first one; `context.operation_name` is already that one's.
        if len(operations) > 1 and context._provided_operation_name is None:
            context.pre_execution_errors = [
                GraphQLError("The document has several operations: name the one to execute")
            ]
        yield
        for error in context.pre_execution_errors or ():
            error.extensions = {"code": VALIDATION_FAILED, **(error.extensions or {})}
