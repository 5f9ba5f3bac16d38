"""A run: its steps as a tree with a timeline and as a graph, also when there are very many."""

import pytest
from playwright.async_api import Page, expect

from tests.dashboard.reports import act, create, register
from tests.dashboard.rows import many_steps, unique
from tests.dashboard.served import Served

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_step_shows_input_output_attempts_and_error(page: Page, served: Served) -> None:
    run, steps = await create(served, await register(served, unique("step"), "load", max_retries=2))
    load = steps["load"]
    start = "mutation ($id: UUID!, $data: JSON) { startNodeExecution(id: $id, inputData: $data) { __typename } }"
    complete = "mutation ($id: UUID!, $data: JSON) { completeNodeExecution(id: $id, outputData: $data) { __typename } }"
    await served.ask(start, id=load, data={"day": "monday"})
    await act(served, "failNodeExecution", load, errorMessage="no route to host")
    await act(served, "retryNodeExecution", load)
    await page.goto(f"/runs/{run}?step={load}")
    panel = page.get_by_label("Step", exact=True)
    await expect(panel.locator(".attempts .message")).to_have_text("no route to host")
    await served.ask(start, id=load, data={"day": "tuesday"})
    await expect(panel.locator(".attempts .badge")).to_have_text(["Running", "Failed"])
    await served.ask(complete, id=load, data={"rows": 12})
    await expect(panel.locator(".attempts .badge")).to_have_text(["Completed", "Failed"])
    await expect(panel.get_by_label("Input")).to_contain_text('"day": "tuesday"')
    await expect(panel.get_by_label("Output")).to_contain_text('"rows": 12')
    await panel.get_by_role("button", name="Copy as JSON").first.click()
    await expect(panel.get_by_text("Copied")).to_be_attached()
    assert await page.evaluate("navigator.clipboard.readText()") == '{\n  "day": "tuesday"\n}'


async def test_five_thousand_steps_stay_usable(page: Page, served: Served, dashboard_database_url: str) -> None:
    run, _ = await create(served, await register(served, unique("wide")))
    await many_steps(dashboard_database_url, run, 5_000)
    await page.goto(f"/runs/{run}")
    await expect(page.locator(".timeline-bar")).to_contain_text("5,000 steps")
    lines = page.locator(".step-line")
    assert await lines.count() < 100
    await page.locator(".timeline-scroller").evaluate("element => { element.scrollTop = element.scrollHeight }")
    last = page.get_by_role("treeitem", name="step 5000 Running")
    await expect(last).to_be_in_viewport()
    await expect(last).to_have_attribute("aria-level", "2")
    parent = page.get_by_role("treeitem", name="step 4991 Running")
    await parent.get_by_role("button", name="Fold").click()
    await expect(last).to_have_count(0)
    await expect(parent).to_contain_text("+9")

    await page.get_by_role("searchbox").fill("step 2345")
    await expect(lines).to_have_count(2)  # it, and the step that it is part of
    line = page.get_by_role("treeitem", name="step 2345 Running")
    step = await line.get_attribute("data-step")
    await act(served, "failNodeExecution", str(step), errorMessage="gone")
    await expect(page.get_by_role("treeitem", name="step 2345 Failed")).to_be_visible()
    await page.locator(".tabs").get_by_role("link", name="Graph").click()
    await expect(page.get_by_text("This workflow declares no graph")).to_be_visible()


async def test_a_wide_graph_is_drawn_with_what_is_alike_in_one(page: Page, served: Served) -> None:
    register_ = """
    mutation ($input: RegisterWorkflowInput!) { registerWorkflow(input: $input) { ... on Workflow { id } } }
    """
    keys = [f"part {number}" for number in range(1_000)]
    nodes = [{"key": "split"}, *({"key": key} for key in keys), {"key": "merge"}]
    edges = [{"sourceKey": "split", "targetKey": key} for key in keys]
    edges += [{"sourceKey": key, "targetKey": "merge"} for key in keys]
    name = unique("fan")
    definition = {"key": name, "name": name, "nodes": nodes, "dependencies": edges}
    workflow = (await served.ask(register_, input=definition))["id"]
    run, steps = await create(served, workflow, createNodeExecutions=False)
    create_step = """
    mutation ($run: UUID!, $node: UUID!) {
      createNodeExecutions(workflowExecutionId: $run, nodeExecutions: [{ nodeId: $node, executionOrder: 1 }]) {
        ... on CreateNodeExecutionsPayload { nodeExecutions { id } }
      }
    }
    """
    ids = await served.ask("query ($id: UUID!) { workflow(id: $id) { nodes { id key } } }", id=workflow)
    by_key = {node["key"]: node["id"] for node in ids["nodes"]}
    made = await served.ask(create_step, run=run, node=by_key["part 7"])
    await act(served, "startNodeExecution", made["nodeExecutions"][0]["id"])
    assert steps == {}
    await page.goto(f"/runs/{run}/graph")
    await expect(page.locator(".box")).to_have_count(3)
    box = page.get_by_role("button", name="part 1 Running")
    await box.click()
    await page.get_by_role("button", name="Running part 7").click()
    await expect(page.locator(".step-panel h2")).to_have_text("part 7")
