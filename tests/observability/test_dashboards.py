"""The files for Grafana and Prometheus ask for metrics and labels that there are."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.api_server import ApiServer
from tests.graphql_api.reports import log, running
from tests.observability.metrics_page import samples

ROOT = Path(__file__).parents[2]
DASHBOARD: dict[str, Any] = json.loads((ROOT / "deploy/grafana/execgraph.json").read_text())
RULES: dict[str, Any] = yaml.safe_load((ROOT / "deploy/prometheus/execgraph.rules.yml").read_text())
SCRAPED = {"instance"}
"""Labels that Prometheus adds."""
SELECTOR = re.compile(r"\b((?:execgraph|process)_\w+)(?:\{([^}]*)\})?")


def dashboard_expressions() -> Iterator[str]:
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", ()):
            yield target["expr"]


def rule_expressions() -> Iterator[str]:
    for group in RULES["groups"]:
        for rule in group["rules"]:
            yield rule["expr"]


EXPRESSIONS = [*dashboard_expressions(), *rule_expressions()]


@pytest.fixture(scope="module")
def labels_by_metric(api_with_everything: ApiServer) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for sample in samples(api_with_everything):
        found.setdefault(sample.name, set()).update(sample.labels)
    return found


@pytest.fixture(scope="module")
def api_with_everything(module_database_url: str) -> Iterator[ApiServer]:
    """A server in which each metric has a sample: something was asked, refused, appended and followed."""
    with ApiServer(module_database_url, log_grace_seconds=0.0) as api:
        run_id = running(api)
        log(api, run_id, "hello")
        api.post("{ nothing }")
        api.post("mutation ($id: UUID!) { completeWorkflowExecution(id: $id) { __typename } }", id=run_id)
        follow = f'subscription {{ executionLogs(workflowExecutionId: "{run_id}") {{ complete }} }}'
        api.http.post("/graphql", json={"query": follow}, headers={"accept": "text/event-stream"})
        yield api


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expression_asks_for_what_there_is(expression: str, labels_by_metric: dict[str, set[str]]) -> None:
    selected = SELECTOR.findall(expression)
    assert selected
    for metric, _ in selected:
        assert metric in labels_by_metric, metric
    known = set.union(SCRAPED, *(labels_by_metric[metric] for metric, _ in selected))
    matched = {name for _, matchers in selected for name in re.findall(r"(\w+)\s*(?:=~|!=|=)", matchers)}
    grouped = {name.strip() for names in re.findall(r"by \(([^)]*)\)", expression) for name in names.split(",")}
    assert matched | grouped <= known


def test_every_metric_of_ours_is_on_the_dashboard(labels_by_metric: dict[str, set[str]]) -> None:
    shown = " ".join(dashboard_expressions())
    ours = {name for name in labels_by_metric if name.startswith("execgraph_") and not name.endswith("_created")}
    assert [name for name in sorted(ours) if re.sub("_(sum|count|bucket)$", "", name) not in shown] == []


def test_the_legends_name_labels_that_the_expression_keeps() -> None:
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", ()):
            kept = {
                name.strip() for names in re.findall(r"by \(([^)]*)\)", target["expr"]) for name in names.split(",")
            }
            if "by (" in target["expr"]:
                assert set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) <= kept, target


def test_every_alert_has_a_paragraph_in_the_operations_page() -> None:
    page = (ROOT / "docs/operations.md").read_text()
    names = [rule["alert"] for group in RULES["groups"] for rule in group["rules"]]
    assert [name for name in names if f"`{name}`" not in page] == []
