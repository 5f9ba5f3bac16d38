"""What is wrong with an archive."""

from db.errors import ExecgraphError


class ArchiveError(ExecgraphError, ValueError):
    """The file is no whole, unaltered archive, or cannot be restored here; nothing was imported."""
