"""The gate before the schema: who asks, and whether there is room for what they ask."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from strawberry.schema.exceptions import CannotGetOperationTypeError
from strawberry.types.graphql import OperationType

from db.database import Database
from graphql_api.document import DocumentError
from graphql_api.http.request import Operation
from graphql_api.schema import Schema
from graphql_api.security.access import Access
from graphql_api.security.admission import Admission
from graphql_api.security.authentication import Authentication
from graphql_api.security.streams import Streams
from graphql_api.settings import Settings


class Gate:
    """The gate of one process."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self.authentication = Authentication(settings, database)
        self.admission = Admission(
            most=settings.max_concurrent_requests,
            waiting=settings.max_waiting_requests,
            per_caller=settings.max_requests_per_token,
        )
        self.streams = Streams(most=settings.max_streams, per_caller=settings.max_streams_per_token)

    def check(self, schema: Schema, operation: Operation, access: Access) -> None:
        """Refuse a subscription for which there is no room, before anything is answered.

        Raises:
            TooManyRequestsError, OverloadedError: there is none.
        """
        if _is_subscription(schema, operation):
            self.streams.check(access.caller)

    @asynccontextmanager
    async def passing(self, schema: Schema, operation: Operation, access: Access) -> AsyncIterator[None]:
        """Count an operation whose answer is a stream while it is under way: as a stream, or else as a request.

        Raises:
            TooManyRequestsError, OverloadedError: there is no room.
        """
        if _is_subscription(schema, operation):
            with self.streams.opened(access.caller):
                yield
            return
        await self.admission.enter(access.caller)
        try:
            yield
        finally:
            self.admission.leave(access.caller)


def _is_subscription(schema: Schema, operation: Operation) -> bool:
    try:
        return schema.documents.operation(operation.query, operation.operation_name).kind is OperationType.SUBSCRIPTION
    except (DocumentError, CannotGetOperationTypeError):
        return False  # which it will be told as a request
