"""What `/metrics` says, as samples."""

from collections.abc import Iterator

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from tests.api_server import ApiServer


def samples(api: ApiServer) -> Iterator[Sample]:
    """All samples of the page."""
    response = api.http.get("/metrics")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/plain")
    for family in text_string_to_metric_families(response.text):
        yield from family.samples


def value(api: ApiServer, name: str, **labels: str) -> float:
    """The sum of the samples of this name that have these labels."""
    return sum(
        sample.value for sample in samples(api) if sample.name == name and labels.items() <= sample.labels.items()
    )
