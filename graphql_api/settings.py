"""Settings, from `DATABASE_URL` and `EXECGRAPH_*` in the environment."""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, PositiveFloat, PositiveInt, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from db.commands.purge import PurgePolicy
from graphql_api.observability.logs import LogFormat, LogThreshold
from graphql_api.retention import parse_policies
from graphql_api.security.limits import Limits

_DEFAULTS = Limits()


def _listed(value: Any) -> Any:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed)]
"""Any number of names, separated by commas."""


def _policies(value: Any) -> Any:
    return parse_policies(value) if isinstance(value, str) else value


class Settings(BaseSettings):
    """What an operator can set. Every field's description is its documentation."""

    model_config = SettingsConfigDict(env_prefix="EXECGRAPH_", frozen=True)

    database_url: str | None = Field(
        default=None,
        validation_alias="DATABASE_URL",
        description="A postgresql+asyncpg:// URL. Without one the server runs its own embedded PostgreSQL."
        " Through a pooler in transaction mode that keeps no prepared statements: with"
        " ?prepared_statement_cache_size=0, and EXECGRAPH_LISTEN_URL beside it.",
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
    host: str = Field(
        default="127.0.0.1", description="The address to listen on; loopback only, unless authentication is required."
    )
    port: int = Field(default=8000, ge=0, le=65535, description="The port to listen on; 0 takes a free one.")
    pool_size: PositiveInt = Field(
        default=10, description="Connections to PostgreSQL kept open, for reads and for reports each."
    )
    pool_overflow: int = Field(default=10, ge=0, description="Further connections under load, each.")
    max_body_bytes: PositiveInt = Field(
        default=16_777_216, description="The largest request body, and the largest WebSocket message, in bytes."
    )
    max_bodies_bytes: PositiveInt = Field(
        default=268_435_456,
        description="All request bodies together that are in memory at a time, in bytes; small ones are always read.",
    )
    compress: bool = Field(
        default=True, description="Compress large answers for clients that accept gzip; not those of subscriptions."
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
    linger_seconds: float = Field(
        default=1.0,
        ge=0,
        description="How long idle connections are kept when the server is told to stop, in seconds, so that a request"
        " that is just on its way is answered.",
    )
    workers: PositiveInt = Field(
        default=1, description="How many processes serve, which share the port and are restarted one by one on SIGHUP."
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
    opentelemetry: bool = Field(
        default=False,
        description="Whether requests, operations and SQL statements are traced by OpenTelemetry, which takes"
        " `execgraph[opentelemetry]`; its own variables (OTEL_EXPORTER_OTLP_ENDPOINT, ...) say where to.",
    )
    log_requests: bool = Field(default=False, description="Whether every request is logged, not only slow ones.")
    slow_request_seconds: float = Field(
        default=1.0, gt=0, description="From how many seconds on a request is slow, and logged as such."
    )
    max_import_bytes: PositiveInt = Field(
        default=4_294_967_296, description="The largest archive that /import takes, in bytes; it is put on disk first."
    )
    purge: Annotated[tuple[PurgePolicy, ...], NoDecode, BeforeValidator(_policies)] = Field(
        default=(),
        description="Which runs the server removes by itself: options of `execgraph purge`, with `;` between policies,"
        " for instance `--older-than 30d --status completed; --older-than 90d`. Empty: none.",
    )
    purge_interval_seconds: float = Field(
        default=3600.0, gt=0, description="How often it looks for them, in seconds; one process at a time does."
    )

    # Who may do what, and from where.
    authentication: Literal["none", "required"] = Field(
        default="none", description="Whether callers have to say who they are. `none` is for loopback only."
    )
    oidc_issuer: str | None = Field(
        default=None, description="The OpenID Connect issuer whose tokens are accepted beside API tokens."
    )
    oidc_audience: str | None = Field(default=None, description="The audience that its tokens have to be for.")
    oidc_jwks: str | None = Field(default=None, description="Its keys: an https:// URL, or the path of a file.")
    oidc_role_claim: str = Field(
        default="role", description="The claim that holds viewer, engine or admin; `a.b` is b inside a."
    )
    oidc_namespaces_claim: str | None = Field(
        default=None, description="The claim that holds the namespaces a caller is limited to. None: nobody is."
    )
    secret_keys: Names = Field(
        default=(),
        description="Further keys whose values are secrets, beside password, token, api_key and the like:"
        " ssn,card_number.",
    )
    allowed_origins: Names = Field(
        default=(), description="Origins of other sites' pages that may ask, as https://dashboard.example.org."
    )
    allowed_hosts: Names = Field(
        default=(), description="Further names that the server may be called by without authentication."
    )
    introspection: bool = Field(default=True, description="Whether clients may ask for the schema.")
    graphiql: bool | None = Field(
        default=None, description="Whether browsers get GraphiQL. By default only without authentication."
    )
    trusted_documents: Path | None = Field(
        default=None,
        description="A JSON object of documents by id: these and the dashboard's are executed then, nothing else.",
    )

    # How much anybody may ask for.
    max_document_characters: PositiveInt = Field(default=_DEFAULTS.characters, description="Characters of a document.")
    max_tokens: PositiveInt = Field(default=_DEFAULTS.tokens, description="Tokens of a document.")
    max_depth: PositiveInt = Field(default=_DEFAULTS.depth, description="Fields inside each other.")
    max_aliases: int = Field(default=_DEFAULTS.aliases, ge=0, description="Aliases and repeated fields of a document.")
    max_root_fields: PositiveInt = Field(default=_DEFAULTS.root_fields, description="Fields at the top.")
    max_directives: int = Field(default=_DEFAULTS.directives, ge=0, description="Directives of a document.")
    max_cost: PositiveInt = Field(
        default=_DEFAULTS.cost, description="Objects in an answer, reckoned from the page sizes before execution."
    )
    max_errors: PositiveInt = Field(default=_DEFAULTS.errors, description="Validation errors that are told.")
    request_timeout_seconds: PositiveFloat = Field(
        default=60.0, description="How long one request may take, in seconds; streams excepted."
    )
    statement_timeout_seconds: PositiveFloat = Field(
        default=30.0,
        description="How long PostgreSQL may work on one statement of a request, in seconds. Through a pooler in"
        " transaction mode set it for the role: ALTER ROLE ... SET statement_timeout.",
    )

    max_concurrent_requests: PositiveInt = Field(
        default=40, description="Requests that are worked on at once at most; fewer where the processor is the limit."
    )
    max_waiting_requests: int = Field(
        default=100, ge=0, description="Requests that wait for that; what comes on top is refused with 503."
    )
    max_requests_per_token: PositiveInt = Field(
        default=64, description="Requests that one token may have at once; what comes on top is refused with 429."
    )
    max_subscriptions_per_token: PositiveInt = Field(
        default=2_000, description="Subscriptions that one token may have at once in one process."
    )
    body_timeout_seconds: PositiveFloat = Field(
        default=20.0, description="How long the body of a request may take to arrive, in seconds."
    )

    @property
    def authenticates(self) -> bool:
        """Whether callers have to say who they are."""
        return self.authentication == "required"

    @property
    def shows_graphiql(self) -> bool:
        """Whether browsers get GraphiQL."""
        return not self.authenticates if self.graphiql is None else self.graphiql

    @property
    def limits(self) -> Limits:
        """How much a document may ask for."""
        return Limits(
            characters=self.max_document_characters,
            tokens=self.max_tokens,
            depth=self.max_depth,
            aliases=self.max_aliases,
            root_fields=self.max_root_fields,
            directives=self.max_directives,
            cost=self.max_cost,
            errors=self.max_errors,
        )

    @model_validator(mode="after")
    def _check_oidc(self) -> Self:
        issuer = {name: getattr(self, name) for name in ("oidc_issuer", "oidc_audience", "oidc_jwks")}
        if any(issuer.values()):
            for name, value in issuer.items():
                if not value:
                    raise ValueError(f"EXECGRAPH_{name.upper()} is missing: an issuer needs an audience and keys")
            if not self.authenticates:
                raise ValueError("an issuer is set, but EXECGRAPH_AUTHENTICATION is not `required`")
        return self


def load_settings() -> Settings:
    """Read the environment.

    Raises:
        ValueError: a setting is not acceptable; the message names its variable.
    """
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        if not first["loc"]:
            raise ValueError(first["msg"].removeprefix("Value error, ")) from error
        name = str(first["loc"][0])
        variable = name if name == "DATABASE_URL" else f"EXECGRAPH_{name.upper()}"
        raise ValueError(f"{variable}: {first['msg']}") from error
