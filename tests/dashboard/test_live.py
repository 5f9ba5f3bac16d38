"""What engines report is seen as it happens, without loading a page again."""

import pytest
from playwright.async_api import Page, expect

from tests.dashboard.reports import act, append, create, register
from tests.dashboard.rows import unique
from tests.dashboard.scripts import TRACES, example
from tests.dashboard.served import Served

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_run_of_the_example_engine_appears_and_is_followed_to_its_end(page: Page, served: Served) -> None:
    namespace = unique("engine")
    await page.goto(f"/?ns={namespace}")
    await expect(page.get_by_text("No run matches")).to_be_visible()
    await expect(page.get_by_text("Live", exact=True)).to_be_visible()
    engine = ["--runs", "1", "--symbols", "2", "--seed", "1", "--namespace", namespace]
    async with example("engine.py", "--url", served.url, *engine):
        await page.get_by_role("link", name="market-indicators").click()
        await expect(page.get_by_role("treeitem")).to_have_count(11)
        await page.locator(".tabs").get_by_role("link", name="Logs").click()
        await expect(page.locator(".log-foot")).to_contain_text("Complete")
    runs = await served.ask(
        "query ($in: [String!]) { workflowExecutions(filter: { namespaces: $in }) { nodes { logCounts { total } } } }",
        **{"in": [namespace]},
    )
    last = page.locator(f'.log-line[data-sequence="{runs["nodes"][0]["logCounts"]["total"]}"]')
    await expect(last).to_be_in_viewport()
    await page.locator(".tabs").get_by_role("link", name="Timeline").click()
    await expect(page.locator('.step-line:not([data-status="COMPLETED"])')).to_have_count(0)
    await expect(page.locator(".run-header .badge")).to_have_text("Completed")


async def test_a_replayed_trace_is_seen_in_the_list_and_as_a_graph(page: Page, served: Served) -> None:
    trace = TRACES / "blast-chameleon-small-002.json"
    if not trace.exists():
        pytest.skip(f"{trace.name} is not there")
    namespace = unique("replay")
    await page.goto(f"/?ns={namespace}")
    async with example("replay_trace.py", str(trace), "--url", served.url, "--namespace", namespace):
        await expect(page.locator(".run-row .steps .num")).to_have_text("43/43")
    await expect(page.locator(".run-row")).to_have_attribute("data-status", "COMPLETED")
    await page.get_by_role("link", name="makeflow-blast-small").click()
    await page.locator(".tabs").get_by_role("link", name="Graph").click()
    await expect(page.locator(".box")).to_have_count(43)
    await expect(page.locator('.box:not([data-status="COMPLETED"])')).to_have_count(0)
    await page.get_by_label("Steps that are alike as one").check()
    await expect(page.get_by_role("button", name="blastall 40 Completed")).to_be_visible()


async def test_steps_change_state_and_log_lines_arrive_as_they_are_reported(page: Page, served: Served) -> None:
    run, steps = await create(served, await register(served, unique("nightly"), "load", "report"))
    await page.goto(f"/runs/{run}")
    load, report = (page.locator(f'[data-step="{steps[name]}"]') for name in ("load", "report"))
    await expect(load).to_have_attribute("data-status", "PENDING")
    await act(served, "startNodeExecution", steps["load"])
    await expect(load).to_have_attribute("data-status", "RUNNING")
    await page.locator(".tabs").get_by_role("link", name="Graph").click()
    box = page.locator(".box", has_text="load")
    await expect(box).to_have_attribute("data-status", "RUNNING")
    await act(served, "completeNodeExecution", steps["load"])
    await expect(box).to_have_attribute("data-status", "COMPLETED")
    await page.locator(".tabs").get_by_role("link", name="Timeline").click()
    await expect(load).to_have_attribute("data-status", "COMPLETED")
    await expect(report).to_have_attribute("data-status", "PENDING")

    await page.locator(".tabs").get_by_role("link", name="Logs").click()
    await expect(page.get_by_text("No log entries yet")).to_be_visible()
    await append(served, run, "first line", step=steps["load"])
    await expect(page.locator('[data-sequence="1"] .message')).to_have_text("first line")
    await act(served, "failWorkflowExecution", run, errorMessage="the disk is full")
    await expect(page.locator(".run-header .alert")).to_have_text("the disk is full")
    await expect(page.locator(".run-header .badge")).to_have_text("Failed")
