"""Documents that were parsed and found valid before: clients send the same few again and again."""

from collections import OrderedDict
from collections.abc import Callable, Iterator

from graphql import DocumentNode
from strawberry.extensions import SchemaExtension

MAX_CHARACTERS = 1_048_576
"""Of all remembered documents together; a parsed one takes some hundred times its text."""
MAX_DOCUMENT_CHARACTERS = 32_768
"""A longer document is not remembered."""


class DocumentCache:
    """The valid documents used last, of one schema."""

    def __init__(self) -> None:
        self._documents: OrderedDict[str, DocumentNode] = OrderedDict()
        self._characters = 0

    def get(self, text: str) -> DocumentNode | None:
        """The document with this text, if it is remembered."""
        document = self._documents.get(text)
        if document is not None:
            self._documents.move_to_end(text)
        return document

    def add(self, text: str, document: DocumentNode) -> None:
        """Remember a valid document, and forget those not used for longest where it is too much."""
        if len(text) > MAX_DOCUMENT_CHARACTERS or text in self._documents:
            return
        self._documents[text] = document
        self._characters += len(text)
        while self._characters > MAX_CHARACTERS:
            forgotten, _ = self._documents.popitem(last=False)
            self._characters -= len(forgotten)

    def extension(self) -> Callable[[], SchemaExtension]:
        """What gives the schema this cache."""
        return lambda: _CachedDocuments(self)


class _CachedDocuments(SchemaExtension):
    def __init__(self, cache: DocumentCache) -> None:
        self._cache = cache
        self._found = False

    def on_parse(self) -> Iterator[None]:
        """Take the document from the cache."""
        context = self.execution_context
        context.graphql_document = self._cache.get(context.query or "")
        self._found = context.graphql_document is not None
        yield

    def on_validate(self) -> Iterator[None]:
        """Validate only what was not found, and remember what is valid."""
        context = self.execution_context
        if self._found and context.pre_execution_errors is None:
            context.pre_execution_errors = []
        yield
        if not self._found and not context.pre_execution_errors and context.graphql_document is not None:
            self._cache.add(context.query or "", context.graphql_document)
