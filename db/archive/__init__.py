"""Runs as files: NDJSON that holds all there is of them, and restores them exactly, elsewhere too."""

from db.archive.errors import ArchiveError
from db.archive.exporting import export_runs
from db.archive.importing import Imported, import_archive

__all__ = ["ArchiveError", "Imported", "export_runs", "import_archive"]
