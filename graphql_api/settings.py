"""Settings, from `DATABASE_URL` and `EXECGRAPH_*` in the environment."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PositiveInt, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from db.commands.purge import PurgePolicy
from graphql_api.observability.logs import LogFormat, LogThreshold
from graphql_api.retention import parse_policies


def _policies(value: Any) -> Any:
    return parse_policies(value) if isinstance(value, str) else value


class Settings(BaseSettings):
    """What an operator can set. Every field's description is its documentation."""

    model_config = SettingsConfigDict(env_prefix="EXECGRAPH_", frozen=True)

    database_url: str | None = Field(
        default=None,
        validation_alias="DATABASE_URL",
        description="A postgresql+asyncpg:// URL. Without one the server runs its own embedded PostgreSQL.",
    )
    listen_url: str | None = Field(
        default=None,
        description="A direct address of the same database, for the one connection that listens for notifications,"
        " if DATABASE_URL leads through a pooler in transaction mode, which passes none on.",
    )
    data_dir: Path | None = Field(
        default=None,
        description="Where the embedded PostgreSQL keeps its data."
        " By default /var/lib/execgraph for root, else ~/.local/share/execgraph.",
    )
    host: str = Field(default="127.0.0.1", description="The address to listen on; loopback only.")
    port: int = Field(default=8000, ge=0, le=65535, description="The port to listen on; 0 takes a free one.")
    pool_size: PositiveInt = Field(
        default=10, description="Connections to PostgreSQL kept open, for reads and for reports each."
    )
    pool_overflow: int = Field(default=10, ge=0, description="Further connections under load, each.")
    max_body_bytes: PositiveInt = Field(
        default=16_777_216, description="The largest request body, and the largest WebSocket message, in bytes."
    )
    max_subscriptions: PositiveInt = Field(default=10_000, description="Subscriptions at a time in one process.")
    max_operations_per_connection: PositiveInt = Field(
        default=100, description="Operations, subscriptions included, at a time on one WebSocket."
    )
    connection_init_seconds: float = Field(
        default=10.0,
        gt=0,
        description="How long a new connection may take to say what it wants: to send the head of its first request,"
        " and over a WebSocket the connection_init message.",
    )
    ping_seconds: float = Field(
        default=12.0, gt=0, description="How often a WebSocket is pinged, and an event stream gets a comment."
    )
    client_timeout_seconds: float = Field(
        default=60.0,
        gt=0,
        description="How long a client may take nothing of what is sent to it, or leave a ping unanswered,"
        " before it is disconnected.",
    )
    drain_seconds: PositiveInt = Field(
        default=5, description="How long requests in flight may take when the server is told to stop, in seconds."
    )
    idempotency_hours: float = Field(
        default=24.0, gt=0, description="How long an idempotency key is remembered, in hours."
    )
    log_grace_seconds: float = Field(
        default=2.0,
        ge=0,
        description="How long after a run's end, or its last append if that is later, its log stream ends.",
    )
    log_format: LogFormat = Field(
        default=LogFormat.TEXT,
        description="How the log is written to stderr: for human eyes, or one JSON object a line.",
    )
    log_level: LogThreshold = Field(
        default=LogThreshold.INFO, description="The least that is logged: debug, info, warning or error."
    )
    log_requests: bool = Field(default=False, description="Whether every request is logged, not only slow ones.")
    slow_request_seconds: float = Field(
        default=1.0, gt=0, description="From how many seconds on a request is slow, and logged as such."
    )
    purge: Annotated[tuple[PurgePolicy, ...], NoDecode, BeforeValidator(_policies)] = Field(
        default=(),
        description="Which runs the server removes by itself: options of `execgraph purge`, with `;` between policies,"
        " for instance `--older-than 30d --status completed; --older-than 90d`. Empty: none.",
    )
    purge_interval_seconds: float = Field(
        default=3600.0, gt=0, description="How often it looks for them, in seconds; one process at a time does."
    )


def load_settings() -> Settings:
    """Read the environment.

    Raises:
        ValueError: a setting is not acceptable; the message names its variable.
    """
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        variable = name if name == "DATABASE_URL" else f"EXECGRAPH_{name.upper()}"
        raise ValueError(f"{variable}: {first['msg']}") from error
