"""The ASGI application."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from db.database import Database
from db.feeds import Feeds
from db.hints import Hints
from graphql_api.context import Context
from graphql_api.http.archives import Archives
from graphql_api.http.dashboard import dashboard_routes
from graphql_api.http.draining import Draining
from graphql_api.http.endpoint import Endpoint
from graphql_api.http.gate import PATH
from graphql_api.http.health import Readiness, healthz
from graphql_api.http.sites import Sites
from graphql_api.http.websocket import WebSocketEndpoint
from graphql_api.observability.exchanges import Exchanges
from graphql_api.observability.exposition import Exposition
from graphql_api.observability.sampling import Sampling
from graphql_api.observability.tracing import TRACING, TracedExchanges
from graphql_api.retention import Retention
from graphql_api.schema import build_schema
from graphql_api.security.authentication import Authentication
from graphql_api.settings import Settings
from graphql_api.subscribers import Subscribers
from graphql_api.upkeep import Upkeep


class Application(Starlette):
    """Starlette's, with a way to one path that leads past its router: the same middleware, nothing else."""

    def __init__(self, *, graphql: ASGIApp, middleware: Sequence[Middleware], **options: Any) -> None:
        """Make it.

        Args:
            graphql: what answers requests to `PATH`.
            middleware: what stands before it, and before all else.
            options: Starlette's own.
        """
        super().__init__(middleware=middleware, **options)
        for each in reversed(middleware):
            graphql = each.cls(graphql, *each.args, **each.kwargs)
        self._graphql = graphql

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one exchange or connection."""
        if scope["type"] == "http" and scope["path"] == PATH:
            await self._graphql(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def create_app(settings: Settings) -> Application:
    """Make the application; it connects when it starts and lets go when it stops.

    Args:
        settings: with a database URL.
    """
    assert settings.database_url is not None
    if settings.opentelemetry:
        TRACING.begin()
    database = Database(
        settings.database_url,
        pool_size=settings.pool_size,
        max_overflow=settings.pool_overflow,
        statement_timeout_seconds=settings.statement_timeout_seconds,
    )
    if TRACING.is_on:
        database.trace(TRACING.statement)
    hints = Hints(database, settings.listen_url)
    feeds = Feeds(database, hints, settings.log_grace_seconds)
    subscribers = Subscribers(settings.max_subscriptions, settings.max_subscriptions_per_token)
    context = Context(database, feeds, subscribers, settings)
    schema = build_schema(settings)
    authentication = Authentication(settings, database, subscribers)
    draining = Draining()
    archives = Archives(database, authentication, settings.max_import_bytes)
    sampling = Sampling(database, hints)
    retention = Retention(database, settings.purge, timedelta(seconds=settings.purge_interval_seconds))

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        upkeep = Upkeep(database, timedelta(hours=settings.idempotency_hours))
        async with database, hints, authentication, upkeep, retention, sampling:
            yield

    routes: list[Route | WebSocketRoute] = [
        WebSocketRoute(PATH, WebSocketEndpoint(schema, context, draining, authentication)),
        Route("/healthz", healthz),
        Route("/readyz", Readiness(database, hints, draining).readyz),
        Route("/metrics", Exposition(sampling).metrics),
        Route("/export", archives.export),
        Route("/import", archives.import_, methods=["POST"]),
    ]
    observed = Middleware(
        Exchanges,
        paths=frozenset(route.path for route in routes),
        log_all=settings.log_requests,
        slow_seconds=settings.slow_request_seconds,
        is_leaving=draining.begun.is_set,
    )
    guarded = Middleware(
        Sites,
        origins=settings.allowed_origins,
        hosts=settings.allowed_hosts,
        loopback_only=not settings.authenticates,
    )
    traced = [Middleware(TracedExchanges)] if TRACING.is_on else []
    middleware = [observed, *traced, guarded]
    app = Application(
        graphql=Endpoint(schema, context, draining, authentication),
        routes=[*routes, *dashboard_routes()],
        lifespan=lifespan,
        middleware=middleware,
    )
    app.state.context = context
    app.state.hints = hints
    app.state.draining = draining
    return app
