"""The folder of the server's Unix socket: whoever may enter it may do anything in the database."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from db.embedded.account import Account

# Always the same, since it is part of the socket's name. Clients would otherwise ask their own PGPORT.
PORT = 5432

# Not $TMPDIR: the address of a socket has about 103 bytes, and a test's or a macOS user's folder is long.
_PARENT = "/tmp"  # noqa: S108 - mkdtemp() makes a new folder with a random name and mode 0700


@contextmanager
def socket_folder(account: Account) -> Iterator[Path]:
    """Make a short folder that only the account (and root) may enter; it is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="execgraph-", dir=_PARENT))
    try:
        account.give(folder)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
