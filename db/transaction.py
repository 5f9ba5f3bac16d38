"""What a command works in: a transaction that executes statements and remembers which runs it changes.

A session is one, so whoever works with models can call commands in its transaction. `Database.run_command` gives
one that has no models and costs a third of that.
"""

from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import Executable, Result

from db.reader import Reader

Rows = Result[*tuple[Any, ...]]


class Executes(Protocol):
    """Executes statements, as sessions and connections do."""

    async def execute(self, statement: Executable, parameters: Any = None, /) -> Rows:
        """Execute a statement and give what it returns."""


class Transaction(Executes, Protocol):
    """A transaction that has begun."""

    @property
    def info(self) -> dict[Any, Any]:
        """What is remembered of the transaction."""

    async def reader(self) -> Reader:
        """What queries read with, in this transaction."""


def touch(transaction: Transaction, workflow_execution_id: UUID) -> None:
    """Say that this transaction changes the run, so that its readers are told once it is committed."""
    touched(transaction).add(workflow_execution_id)
    mark_changed(transaction)


def touched(transaction: Any) -> set[UUID]:
    """The runs that a transaction changes; a synchronous session is asked, too."""
    runs: set[UUID] = transaction.info.setdefault("touched", set())
    return runs


def mark_changed(transaction: Transaction) -> None:
    """Say that this transaction changes something."""
    transaction.info["changed"] = True


def is_changed(transaction: Transaction) -> bool:
    """Whether a command changed something in this transaction."""
    return bool(transaction.info.get("changed"))
