"""Trusted documents: where the operator names them, nothing else is executed."""

import json
from hashlib import sha256
from pathlib import Path


class TrustedDocuments:
    """The documents of a manifest, by their text and by their id."""

    def __init__(self, manifest: Path) -> None:
        """Read a manifest: a JSON object of documents by id, as the usual code generators write it.

        Raises:
            ValueError: it cannot be read, or is none.
        """
        try:
            documents = json.loads(manifest.read_text())
        except (OSError, ValueError) as error:
            raise ValueError(f"The trusted documents cannot be read from {manifest}: {error}") from error
        if not isinstance(documents, dict) or not all(isinstance(text, str) for text in documents.values()):
            raise ValueError(f"{manifest} is no JSON object of documents by id")
        self._texts = frozenset(documents.values())
        self._by_id = {sha256(text.encode()).hexdigest(): text for text in self._texts} | documents

    def __contains__(self, text: str) -> bool:
        return text in self._texts

    def text(self, id: str) -> str | None:  # noqa: A002
        """The document with this id, or with this SHA-256."""
        return self._by_id.get(id)
