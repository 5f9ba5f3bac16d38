"""What was found out of the documents used last: clients send the same few again and again."""

from collections import OrderedDict
from typing import Generic, TypeVar

T = TypeVar("T")

MAX_CHARACTERS = 1_048_576
"""Of all remembered documents together; a parsed one takes some hundred times its text."""
MAX_DOCUMENT_CHARACTERS = 32_768
"""A longer document is not remembered."""


class DocumentCache(Generic[T]):
    """What is remembered of documents, by their text."""

    def __init__(self) -> None:
        self._found: OrderedDict[str, T] = OrderedDict()
        self._characters = 0

    def get(self, text: str) -> T | None:
        """What was found out of the document with this text, if it is remembered."""
        found = self._found.get(text)
        if found is not None:
            self._found.move_to_end(text)
        return found

    def add(self, text: str, found: T) -> None:
        """Remember this of a document, and forget those not used for longest where it is too much."""
        if len(text) > MAX_DOCUMENT_CHARACTERS or text in self._found:
            return
        self._found[text] = found
        self._characters += len(text)
        while self._characters > MAX_CHARACTERS:
            forgotten, _ = self._found.popitem(last=False)
            self._characters -= len(forgotten)
