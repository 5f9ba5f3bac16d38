"""What every resolver is given: one context for each operation."""

from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Any, Concatenate, ParamSpec, TypeVar

import strawberry
from sqlalchemy.ext.asyncio import AsyncConnection
from strawberry.dataloader import DataLoader

from db.database import Database
from db.feeds import Feeds
from graphql_api.document import Operation
from graphql_api.security.access import UNAUTHENTICATED, Access
from graphql_api.security.admission import Admission
from graphql_api.security.masking import Masking
from graphql_api.settings import Settings
from graphql_api.subscribers import Subscribers

K = TypeVar("K")
V = TypeVar("V")
P = ParamSpec("P")


class Context:
    """The process's database, feeds, subscribers and settings, who asks, and the dataloaders of one operation.

    Dataloaders remember what they loaded, so they live as long as one answer: a query or mutation, or one
    event of a subscription.
    """

    def __init__(
        self,
        database: Database,
        feeds: Feeds,
        subscribers: Subscribers,
        settings: Settings,
        admission: Admission | None = None,
        masking: Masking | None = None,
    ) -> None:
        self.database = database
        self.feeds = feeds
        self.subscribers = subscribers
        self.settings = settings
        self.admission = admission or Admission(
            most=settings.max_concurrent_requests,
            waiting=settings.max_waiting_requests,
            per_caller=settings.max_requests_per_token,
        )
        self._masking = masking or Masking(settings.secret_keys)
        self.access: Access = UNAUTHENTICATED
        """Who asks, and what is open to them."""
        self.operation: Operation | None = None
        """What is executed."""
        self._loaders: dict[Any, DataLoader[Any, Any]] = {}

    def of_caller(self, access: Access) -> "Context":
        """A context in the same process for who has this access."""
        context = Context(self.database, self.feeds, self.subscribers, self.settings, self.admission, self._masking)
        context.access = access
        return context

    def for_operation(self, operation: Operation | None = None) -> "Context":
        """A context for another operation of the same caller, with nothing loaded; by default the same operation."""
        context = self.of_caller(self.access)
        context.operation = operation or self.operation
        return context

    @property
    def masking(self) -> Masking | None:
        """What masks what the caller is shown; None if secrets are for them."""
        return None if self.access.shows_secrets else self._masking

    @property
    def audience(self) -> Hashable:
        """What two operations have to have in common for the answer to the one to do for the other."""
        return self.access.namespaces, self.access.shows_secrets

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
