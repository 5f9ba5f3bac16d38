"""Trusted documents: where the operator names them, nothing else is executed."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Final

OF_DASHBOARD: Final = Path(__file__).parents[1] / "static" / "dashboard" / "documents.json"
"""What the dashboard's build writes; without a build there is no dashboard, and no file."""


class TrustedDocuments:
    """The documents of manifests, by their text and by their id."""

    def __init__(self, *manifests: Path) -> None:
        """Read manifests: each is a JSON object of documents by id, as the usual code generators write it.

        Raises:
            ValueError: one cannot be read, or is none.
        """
        documents: dict[str, str] = {}
        for manifest in manifests:
            documents |= _read(manifest)
        self._texts = frozenset(documents.values())
        self._by_id = {sha256(text.encode()).hexdigest(): text for text in self._texts} | documents

    def __contains__(self, text: str) -> bool:
        return text in self._texts

    def text(self, id: str) -> str | None:  # noqa: A002
        """The document with this id, or with this SHA-256."""
        return self._by_id.get(id)


def _read(manifest: Path) -> dict[str, str]:
    try:
        documents = json.loads(manifest.read_text())
    except (OSError, ValueError) as error:
        raise ValueError(f"The trusted documents cannot be read from {manifest}: {error}") from error
    if not isinstance(documents, dict) or not all(isinstance(text, str) for text in documents.values()):
        raise ValueError(f"{manifest} is no JSON object of documents by id")
    return documents
