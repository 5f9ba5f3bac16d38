"""The metrics that `/metrics` shows, all of them. Labels are bounded: what a client chooses never grows memory.

With several worker processes each keeps its numbers in files that the others read (prometheus-client's
multiprocess mode), so that whichever answers `/metrics` answers for all.
"""

import os
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, gc_collector, process_collector

REGISTRY: Final = CollectorRegistry()
"""Of this process."""

SHARED_FOLDER: Final = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
"""Where several processes keep their numbers; None in a single one."""

if SHARED_FOLDER is None:
    process_collector.ProcessCollector(registry=REGISTRY)
    gc_collector.GCCollector(registry=REGISTRY)

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


def _gauge(name: str, documentation: str, labels: tuple[str, ...] = (), *, of_all: str = "livesum") -> Gauge:
    """A gauge; `of_all` says what several processes make of it together."""
    return Gauge(name, documentation, labels, registry=REGISTRY, multiprocess_mode=of_all)  # type: ignore[arg-type]


def _counter(name: str, documentation: str, *labels: str) -> Counter:
    return Counter(name, documentation, labels, registry=REGISTRY)


def _histogram(name: str, documentation: str, *labels: str, buckets: tuple[float, ...] = _SECONDS) -> Histogram:
    return Histogram(name, documentation, labels, registry=REGISTRY, buckets=buckets)


INFO: Final = _gauge("execgraph_info", "The version that runs; the value is 1.", ("version",), of_all="livemax")
READY: Final = _gauge("execgraph_ready", "Whether /readyz said yes when it was asked last.", of_all="livemin")

HTTP_REQUESTS: Final = _counter("execgraph_http_requests", "HTTP requests answered.", "path", "status")
HTTP_SECONDS: Final = _histogram("execgraph_http_request_seconds", "Until the whole answer was sent.", "path")
HTTP_IN_FLIGHT: Final = _gauge("execgraph_http_requests_in_flight", "HTTP requests, open event streams included.")
WEBSOCKETS: Final = _gauge("execgraph_websockets", "Open WebSocket connections.")

OPERATIONS: Final = _counter("execgraph_operations", "GraphQL operations.", "kind", "operation", "outcome")
OPERATION_SECONDS: Final = _histogram(
    "execgraph_operation_seconds", "Queries and mutations, from parsing to the result.", "kind", "operation"
)
ERRORS: Final = _counter("execgraph_errors", "GraphQL errors told to clients.", "code")

SUBSCRIBERS: Final = _gauge("execgraph_subscribers", "Subscriptions and other streams under way.", ("operation",))
EVENTS: Final = _counter("execgraph_subscription_events", "Events given to subscribers.", "operation")
DELIVERY_LAG: Final = _histogram(
    "execgraph_delivery_lag_seconds",
    "From the append of the newest entry to its delivery to a subscriber that had caught up.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)

LOG_ENTRIES: Final = _counter("execgraph_log_entries_appended", "Log entries taken in.")

POOL_IN_USE: Final = _gauge("execgraph_pool_connections_in_use", "Connections to PostgreSQL at work.", ("pool",))
POOL_IDLE: Final = _gauge("execgraph_pool_connections_idle", "Connections to PostgreSQL kept open.", ("pool",))
POOL_LIMIT: Final = _gauge("execgraph_pool_connections_limit", "As many as there may be.", ("pool",))

HUB_LISTENING: Final = _gauge(
    "execgraph_hub_listening",
    "Whether hints of other processes arrive (else it is looked on a timer).",
    of_all="livemin",
)
HUB_WATCHED_RUNS: Final = _gauge("execgraph_hub_watched_runs", "Runs that somebody here follows.")
HUB_WATCHES: Final = _gauge("execgraph_hub_watches", "Followers that are told of changes.", ("of",))

LOOP_LAG: Final = _gauge(
    "execgraph_event_loop_lag_seconds", "How late the event loop's timer was when last looked at.", of_all="livemax"
)
PURGED_RUNS: Final = _counter("execgraph_purged_runs", "Runs removed because they were old.")
