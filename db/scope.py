"""The namespaces that a transaction is limited to: what lies in others does not exist for it.

Every command takes its runs and steps by `db.commands.locks` and its definitions by name, and these ask here.
"""

from collections.abc import Collection
from typing import Any

from db.errors import InvalidInputError
from db.transaction import Transaction

_NAMESPACES = "namespaces"


def limit_scope(transaction: Transaction, namespaces: Collection[str] | None) -> None:
    """Limit a transaction to these namespaces; None: to nothing."""
    transaction.info[_NAMESPACES] = namespaces


def scope(transaction: Any) -> Collection[str] | None:
    """The namespaces that a transaction is limited to; None: it is not."""
    namespaces: Collection[str] | None = transaction.info.get(_NAMESPACES)
    return namespaces


def sees(transaction: Any, namespace: str) -> bool:
    """Whether what lies in a namespace exists for a transaction."""
    namespaces = scope(transaction)
    return namespaces is None or namespace in namespaces


def check_namespace(transaction: Transaction, namespace: str) -> None:
    """Refuse to make something in a namespace that does not exist for a transaction."""
    if not sees(transaction, namespace):
        raise InvalidInputError("namespace", f"{namespace!r} is not open to this token")
