"""What every resolver is given: one context for each operation."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Concatenate, ParamSpec, TypeVar
from uuid import UUID

import strawberry
from strawberry.dataloader import DataLoader

from db.database import Database
from db.errors import NotFoundError
from db.feeds import Feeds
from db.queries.node_executions import steps_by_id
from db.queries.workflow_executions import JOINED, runs_by_id
from db.queries.workflows import workflows_by_id
from db.reader import Reader
from db.written import WRITTEN, Writing
from graphql_api.document import Operation
from graphql_api.security.access import UNAUTHENTICATED, Access
from graphql_api.security.admission import Admission
from graphql_api.security.masking import Masking
from graphql_api.settings import Settings
from graphql_api.subscribers import Subscribers

K = TypeVar("K")
V = TypeVar("V")
P = ParamSpec("P")


_BY_ID = frozenset({runs_by_id, steps_by_id, workflows_by_id})
"""What reads things by their ids, which anybody may have come by: for some callers they do not exist."""


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
        self.loaders: dict[Hashable, DataLoader[Any, Any]] = {}
        """Of the fields, for the stock executor, which resolves object by object."""
        self._loaded: dict[Hashable, dict[Any, Any]] = {}
        self._takes_written = False
        self._has_written = False

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

    def reader(self) -> AbstractAsyncContextManager[Reader]:
        """What the operation reads with: no more of rows than it shows."""
        if self.operation is None:
            return self.database.reader()
        return self.database.reader(self.operation.wanted, self._found, self._accepts if self._takes_written else None)

    def take_written(self) -> None:
        """Let PostgreSQL write rows: the executor passes them on as they are."""
        self._takes_written = True

    def forget_written(self) -> bool:
        """Read anew, and in the ordinary way, what was loaded, if some of it was written; gives whether it was."""
        self._takes_written = False
        if self._has_written:
            self._has_written = False
            self._loaded.clear()
            self.loaders.clear()
            return True
        return False

    def _accepts(self, writing: Writing) -> bool:
        """Whether rows may be written: what is joined to them could be of a namespace that the caller does not see."""
        accepted = not writing.joined or self.access.namespaces is None
        self._has_written |= accepted
        return accepted

    def written(self, rows: Sequence[Any]) -> list[str]:
        """What PostgreSQL wrote of rows of one class, with the secrets in it masked for whom they are not.

        Raises:
            LookupError: a row could not be written, or a secret was not found where it has to be.
        """
        texts = [row[WRITTEN] for row in rows]
        if None in texts:
            raise LookupError(WRITTEN)
        masking = self.masking
        if masking is not None:
            assert self.operation is not None
            for name, column in self.operation.wanted.writings[type(rows[0])].masked:
                values = [row[column] for row in rows]
                if not masking.none_in_text(values):
                    texts = [masking.in_written(name, *each) for each in zip(values, texts, strict=True)]
        return texts

    def _found(self, column: str, rows: Sequence[Any]) -> None:
        """Remember what was read together with rows as if it had been loaded; not where its namespace is not seen."""
        joined = JOINED[column]
        loaded = self._loaded.setdefault((joined.read,), {})
        for row in rows:
            if self.access.sees(row["namespace"]):
                loaded.setdefault(row[joined.key], joined.make(row[column]))

    async def load(
        self,
        read: Callable[Concatenate[Reader, Sequence[K], P], Awaitable[Sequence[V]]],
        keys: Sequence[K],
        *arguments: P.args,
        **_: P.kwargs,
    ) -> list[Any]:
        """Load what `read` gives for each of the keys: a record, or what else it reads.

        What was loaded before in this operation, or is being loaded, is not read again; the rest is one statement.
        """
        loaded = self._loaded.setdefault((read, *arguments), {})
        coming = asyncio.get_running_loop().create_future()
        asked = dict.fromkeys(keys, coming)
        missing = [key for key in asked if key not in loaded] if loaded else list(asked)
        if missing:
            loaded.update(asked if len(missing) == len(asked) else dict.fromkeys(missing, coming))
            try:
                found = await self._read(read, missing, *arguments)
            except BaseException as error:
                for key in missing:
                    del loaded[key]
                coming.set_exception(error if isinstance(error, Exception) else ConnectionError("given up"))
                coming.exception()  # known to those who wait, if there are any
                raise
            loaded.update(zip(missing, found, strict=True))
            coming.set_result(None)
            if len(missing) == len(keys):
                return list(found)
        for key in keys:
            if isinstance(loaded[key], asyncio.Future):
                await asyncio.shield(loaded[key])  # who gives up does not give up for the others
        return [loaded[key] for key in keys]

    async def _read(self, read: Callable[..., Awaitable[Sequence[Any]]], keys: Sequence[Any], *arguments: Any) -> Any:
        """What `read` gives, without what is by an id that does not exist for who asks."""
        async with self.reader() as reader:
            found = await read(reader, keys, *arguments)
        if self.access.namespaces is not None and read in _BY_ID:
            return await self._seen(found)
        return found

    async def _seen(self, records: Sequence[Any]) -> list[Any]:
        """The records, and None for those in namespaces that do not exist for who asks. A step is where its run is."""
        steps = [record for record in records if record is not None and not hasattr(record, "namespace")]
        runs = await self.load(runs_by_id, [step.workflow_execution_id for step in steps]) if steps else []
        unseen = {step.id for step, run in zip(steps, runs, strict=True) if run is None}
        return [
            None
            if record is None
            or (record.id in unseen if not hasattr(record, "namespace") else not self.access.sees(record.namespace))
            else record
            for record in records
        ]

    async def check_run(self, run_id: UUID) -> None:
        """Refuse a run that does not exist for who asks, where that takes a look.

        Raises:
            NotFoundError: as if there were none.
        """
        if self.access.namespaces is not None and await self.load(runs_by_id, [run_id]) == [None]:
            raise NotFoundError("Workflow execution", run_id)

    async def load_one(
        self,
        read: Callable[Concatenate[Reader, Sequence[K], P], Awaitable[Sequence[V]]],
        key: K,
        *arguments: P.args,
        **_: P.kwargs,
    ) -> Any:
        """Load what `read` gives for one key that a root field names, together with those that others name."""
        name = (read, *arguments)
        if self.operation is not None and self.operation.has_one_root:
            (found,) = await self._read(read, [key], *arguments)  # nobody else asks for anything yet
            self._loaded.setdefault(name, {})[key] = found
            return found
        loader = self.loaders.get(name)
        if loader is None:

            async def load(keys: list[K]) -> list[Any]:
                return await self.load(read, keys, *arguments)  # type: ignore[call-arg]

            loader = self.loaders[name] = DataLoader(load, cache=False)
        return await loader.load(key)


class Info(strawberry.Info[Context, None]):
    """The resolver's view of the operation."""


async def if_any(
    info: Info, read: Callable[[Reader, Sequence[K]], Awaitable[Sequence[V]]], keys: Sequence[K | None]
) -> list[Any]:
    """Load what `read` gives for each key that there is, and None where there is none."""
    found = await info.context.load(read, [key for key in keys if key is not None])
    values = iter(found)
    return [None if key is None else next(values) for key in keys]
