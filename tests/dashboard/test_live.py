"""What engines report is seen as it happens, without loading a page again."""

from playwright.async_api import Page, expect

from tests.dashboard.reports import act, append, create, register
from tests.dashboard.scripts import example
from tests.dashboard.served import Served


async def test_a_run_of_the_example_engine_appears_and_is_followed_to_its_end(page: Page, served: Served) -> None:
    await page.goto("/")
    await expect(page.get_by_text("No runs yet")).to_be_visible()
    async with example("engine.py", "--url", served.url, "--runs", "1", "--symbols", "2", "--seed", "1"):
        await page.get_by_role("link", name="market-indicators").click()
        await expect(page.get_by_role("treeitem")).to_have_count(11)
        await page.get_by_role("link", name="Logs").click()
        await expect(page.locator(".log-foot")).to_contain_text("Complete")
    run = (await served.ask("{ workflowExecutions { nodes { logCounts { total } } } }"))["nodes"][0]
    last = page.locator(f'.log-line[data-sequence="{run["logCounts"]["total"]}"]')
    await expect(last).to_be_in_viewport()
    await page.get_by_role("link", name="Timeline").click()
    await expect(page.locator('.step-line:not([data-status="COMPLETED"])')).to_have_count(0)
    await expect(page.locator(".run-header .badge")).to_have_text("Completed")


async def test_steps_change_state_and_log_lines_arrive_as_they_are_reported(page: Page, served: Served) -> None:
    run, steps = await create(served, await register(served, "nightly", "load", "report"))
    await page.goto(f"/runs/{run}")
    load, report = (page.locator(f'[data-step="{steps[name]}"]') for name in ("load", "report"))
    await expect(load).to_have_attribute("data-status", "PENDING")
    await act(served, "startNodeExecution", steps["load"])
    await expect(load).to_have_attribute("data-status", "RUNNING")
    await act(served, "completeNodeExecution", steps["load"])
    await expect(load).to_have_attribute("data-status", "COMPLETED")
    await expect(report).to_have_attribute("data-status", "PENDING")

    await page.get_by_role("link", name="Logs").click()
    await expect(page.get_by_text("No log entries yet")).to_be_visible()
    await append(served, run, "first line", step=steps["load"])
    await expect(page.locator('[data-sequence="1"] .message')).to_have_text("first line")
    await act(served, "failWorkflowExecution", run, errorMessage="the disk is full")
    await expect(page.locator(".run-header .alert")).to_have_text("the disk is full")
    await expect(page.locator(".run-header .badge")).to_have_text("Failed")
