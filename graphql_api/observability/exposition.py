"""`/metrics`, in the formats that Prometheus asks for."""

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.requests import Request
from starlette.responses import Response

from graphql_api.observability.metrics import REGISTRY, SHARED_FOLDER
from graphql_api.observability.sampling import Sampling


class Exposition:
    """Shows the metrics of this process, or of all the worker processes together."""

    def __init__(self, sampling: Sampling) -> None:
        self._sampling = sampling

    async def metrics(self, request: Request) -> Response:
        """Answer with all of them."""
        self._sampling.look()
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(_registry()), media_type=content_type)


def _registry() -> CollectorRegistry:
    if SHARED_FOLDER is None:
        return REGISTRY
    registry = CollectorRegistry()
    MultiProcessCollector(registry, SHARED_FOLDER)  # type: ignore[no-untyped-call]
    return registry
