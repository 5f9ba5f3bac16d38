"""The ASGI application."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from starlette.applications import Starlette
from starlette.routing import Route, WebSocketRoute

from db.database import Database
from db.feeds import Feeds
from db.hints import Hints
from graphql_api.context import Context
from graphql_api.http.draining import Draining
from graphql_api.http.endpoint import Endpoint
from graphql_api.http.health import Readiness, healthz
from graphql_api.http.websocket import WebSocketEndpoint
from graphql_api.schema import build_schema
from graphql_api.settings import Settings
from graphql_api.upkeep import Upkeep

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
"""All come to the endpoint, which refuses what GraphQL does not use, in JSON."""


def create_app(settings: Settings) -> Starlette:
    """Make the application; it connects when it starts and lets go when it stops.

    Args:
        settings: with a database URL.
    """
    assert settings.database_url is not None
    database = Database(settings.database_url, pool_size=settings.pool_size, max_overflow=settings.pool_overflow)
    hints = Hints(database)
    context = Context(database, hints, Feeds(database, hints), settings)
    schema = build_schema()
    draining = Draining()

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with database, hints, Upkeep(database, timedelta(hours=settings.idempotency_hours)):
            yield

    app = Starlette(
        routes=[
            Route("/graphql", Endpoint(schema, context, draining).answer, methods=METHODS),
            WebSocketRoute("/graphql", WebSocketEndpoint(schema, context, draining)),
            Route("/healthz", healthz),
            Route("/readyz", Readiness(database, hints).readyz),
        ],
        lifespan=lifespan,
    )
    app.state.hints = hints
    app.state.draining = draining
    return app
