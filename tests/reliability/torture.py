"""Short in `make test`, at full length in `make torture`."""

import os

FULL = os.environ.get("EXECGRAPH_TORTURE") == "full"


def length(short: int, full: int) -> int:
    """The one or the other."""
    return full if FULL else short
