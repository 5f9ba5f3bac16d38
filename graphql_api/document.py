"""From the text of a document to an operation that may be executed: parsed, validated, within the limits, planned.

Clients send the same few documents again and again, so what was found out of a valid one is remembered; per request
there remain two comparisons, of the role and of the cost.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    GraphQLSchema,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    parse,
    specified_rules,
    validate,
)
from strawberry.execution import optimized_is_awaitable
from strawberry.schema.exceptions import CannotGetOperationTypeError
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule
from strawberry.types.graphql import OperationType

from db.wanted import Wanted
from graphql_api.document_cache import DocumentCache
from graphql_api.errors import VALIDATION_FAILED
from graphql_api.executor import BreadthFirstExecutor, Repeated
from graphql_api.security.access import Access
from graphql_api.security.errors import ForbiddenError
from graphql_api.security.limits import LimitError, Limits
from graphql_api.security.plan import Plan, plan_of
from graphql_api.security.trusted import TrustedDocuments
from graphql_api.wanted import wanted_by

_RULES = (*specified_rules, MaybeNullValidationRule, OneOfInputValidationRule)


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation of a valid document."""

    document: DocumentNode
    name: str | None
    kind: OperationType
    plan: Plan
    wanted: Wanted
    """What the document shows of rows."""
    repeated: Repeated
    """What executes it."""
    has_one_root: bool
    """Whether it has a single root field, so that nothing else is asked for at the same time."""


class DocumentError(Exception):
    """A document that is refused, with all that is wrong with it."""

    def __init__(self, errors: list[GraphQLError]) -> None:
        super().__init__(errors[0].message)
        self.errors = errors


class Documents:
    """The documents of one schema."""

    def __init__(
        self,
        schema: GraphQLSchema,
        executor: type[BreadthFirstExecutor],
        limits: Limits,
        *,
        introspection: bool = True,
        trusted: TrustedDocuments | None = None,
    ) -> None:
        self._schema = schema
        self._executor = executor
        self._limits = limits
        self._introspection = introspection
        self._trusted = trusted
        self._rules = _RULES if introspection else (*_RULES, NoSchemaIntrospectionCustomRule)
        self._cache: DocumentCache[ValidDocument] = DocumentCache()

    def operation(self, text: str, name: str | None) -> Operation:
        """The operation of a document that is to be executed.

        Raises:
            DocumentError: the document is not valid, or asks for more than it may.
            CannotGetOperationTypeError: it has no operation of this name.
        """
        valid = self._cache.get(text)
        if valid is None:
            valid = self._valid(text)
            self._cache.add(text, valid)
        return valid.operation(name)

    def admit(self, operation: Operation, variables: Mapping[str, Any] | None, access: Access) -> None:
        """Let a caller execute an operation with these variables.

        Raises:
            DocumentError: it is not for the caller's role, or may cost too much.
        """
        plan = operation.plan
        if access.role.rank < plan.role.rank:
            raise DocumentError(
                [ForbiddenError(f"This needs the role `{plan.role.value}`, the token has `{access.role.value}`")]
            )
        try:
            self._limits.check_cost(plan.cost.of(variables or {}))
        except LimitError as error:
            raise DocumentError([error]) from None

    def _valid(self, text: str) -> "ValidDocument":
        limits = self._limits
        if self._trusted is not None and text not in self._trusted:
            raise DocumentError([ForbiddenError("Only documents that the operator trusts are executed here")])
        try:
            if not text:
                raise LimitError('Request data is missing a "query" value')
            if len(text) > limits.characters:
                raise LimitError(
                    f"The document has {len(text)} characters; at most {limits.characters} are allowed."
                    " Values belong into variables"
                )
            document = parse(text, max_tokens=limits.tokens)
            limits.check_shape(document)
            operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
            errors = validate(
                self._schema, document, self._rules, max_errors=limits.errors, hide_suggestions=not self._introspection
            )
            if errors:
                raise DocumentError([_of_document(error) for error in errors])
            planned = {}
            wanted = wanted_by(self._schema, document)
            for node in operations:
                plan = plan_of(self._schema, document, node)
                limits.check_plan(plan.depth, plan.fields)
                own_name, kind = node.name.value if node.name else None, OperationType(node.operation.value)
                repeated = Repeated(self._executor, self._schema, document, node, is_awaitable=optimized_is_awaitable)
                planned[own_name] = Operation(document, own_name, kind, plan, wanted, repeated, _has_one_root(node))
        except RecursionError as error:
            raise DocumentError([LimitError("The document is nested too deep")]) from error
        except GraphQLError as error:
            raise DocumentError([error]) from error
        return ValidDocument(planned)


@dataclass(frozen=True, slots=True)
class ValidDocument:
    """What is remembered of a document: its operations by name."""

    operations: Mapping[str | None, Operation]

    def operation(self, name: str | None) -> Operation:
        """One of the operations; the only one, if no name is given. Raises as `Documents.operation`."""
        if name is None and len(self.operations) == 1:
            return next(iter(self.operations.values()))
        if name is None and self.operations:
            message = "The document has several operations: name the one to execute"
            raise DocumentError([GraphQLError(message, extensions={"code": VALIDATION_FAILED})])
        if name is None or name not in self.operations:
            raise CannotGetOperationTypeError(name)
        return self.operations[name]


def _has_one_root(node: OperationDefinitionNode) -> bool:
    selections = node.selection_set.selections
    return len(selections) == 1 and isinstance(selections[0], FieldNode)


def _of_document(error: GraphQLError) -> GraphQLError:
    error.extensions = {"code": VALIDATION_FAILED, **(error.extensions or {})}
    return error
