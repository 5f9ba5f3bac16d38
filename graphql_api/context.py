"""What every resolver is given: one context for each operation."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Concatenate, ParamSpec, TypeVar

import strawberry
from sqlalchemy.ext.asyncio import AsyncConnection
from strawberry.dataloader import DataLoader

from db.database import Database
from db.feeds import Feeds
from db.hints import Hints
from graphql_api.document import Operation
from graphql_api.security.access import UNAUTHENTICATED, Access
from graphql_api.settings import Settings

K = TypeVar("K")
V = TypeVar("V")
P = ParamSpec("P")


class Context:
    """The process's database, hints, feeds and settings, who asks, and the dataloaders of one operation.

    Dataloaders remember what they loaded, so they live as long as one answer: a query or mutation, or one
    event of a subscription.
    """

    def __init__(self, database: Database, hints: Hints, feeds: Feeds, settings: Settings) -> None:
        self.database = database
        self.hints = hints
        self.feeds = feeds
        self.settings = settings
        self.access: Access = UNAUTHENTICATED
        """Who asks, and what is open to them."""
        self.operation: Operation | None = None
        """What is executed."""
        self._loaders: dict[Any, DataLoader[Any, Any]] = {}

    def of_caller(self, access: Access) -> "Context":
        """A context in the same process for who has this access."""
        context = Context(self.database, self.hints, self.feeds, self.settings)
        context.access = access
        return context

    def for_operation(self, operation: Operation) -> "Context":
        """A context for an operation of the same caller, with nothing loaded."""
        context = self.of_caller(self.access)
        context.operation = operation
        return context

    def forget(self) -> None:
        """Forget what was loaded, before the next event of a subscription."""
        self._loaders.clear()

    async def load(
        self,
        read: Callable[Concatenate[AsyncConnection, Sequence[K], P], Awaitable[Sequence[V]]],
        key: K,
        *arguments: P.args,
        **_: P.kwargs,
    ) -> Any:
        """Load one of the things that `read` reads for many keys at once: a record, or what else it gives.

        All calls of one step of the execution with the same `read` and the same arguments are one statement.
        """
        name = (read, *arguments)
        loader = self._loaders.get(name)
        if loader is None:

            async def load_all(keys: list[K]) -> Sequence[V]:
                async with self.database.read() as connection:
                    return await read(connection, keys, *arguments)  # type: ignore[call-arg]

            loader = self._loaders[name] = DataLoader(load_all)
        return await loader.load(key)


class Info(strawberry.Info[Context, None]):
    """The resolver's view of the operation."""
