"""What `/metrics` says, as samples."""

from collections.abc import Iterator

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from tests.api_server import ApiServer


def samples(api: ApiServer, name: str = "") -> Iterator[Sample]:
    """The samples of the page whose names begin with this one."""
    response = api.http.get("/metrics")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/plain")
    # The page of a process that served many tests is long, and to read all of it takes seconds.
    lines = [line for line in response.text.splitlines(keepends=True) if line.startswith(name)]
    for family in text_string_to_metric_families("".join(lines)):
        yield from family.samples


def value(api: ApiServer, name: str, **labels: str) -> float:
    """The sum of the samples of this name that have these labels."""
    return sum(
        sample.value for sample in samples(api, name) if sample.name == name and labels.items() <= sample.labels.items()
    )
