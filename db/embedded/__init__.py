"""A private PostgreSQL server with nothing installed, for a first run and for the tests.

    with EmbeddedPostgres(default_data_dir()) as postgres:
        engine = create_async_engine(postgres.url())

The server listens on a Unix socket only and never outlives the process that started it.
"""

from db.embedded.errors import (
    AccountUnavailableError,
    BinariesNotFoundError,
    BinariesUnreachableError,
    DataFolderInUseError,
    DataFolderUnreachableError,
    DataFolderUnusableError,
    DataFolderVersionError,
    EmbeddedPostgresError,
    InitializationError,
    NotRunningError,
    StartupError,
    StillRunningError,
)
from db.embedded.server import EmbeddedPostgres, default_data_dir

__all__ = [
    "AccountUnavailableError",
    "BinariesNotFoundError",
    "BinariesUnreachableError",
    "DataFolderInUseError",
    "DataFolderUnreachableError",
    "DataFolderUnusableError",
    "DataFolderVersionError",
    "EmbeddedPostgres",
    "EmbeddedPostgresError",
    "InitializationError",
    "NotRunningError",
    "StartupError",
    "StillRunningError",
    "default_data_dir",
]
