"""The list of runs: finding, sharing and scrolling."""

import re

import pytest
from playwright.async_api import Page, expect

from tests.dashboard.reports import act, append, create, register
from tests.dashboard.rows import many_runs, unique
from tests.dashboard.served import Served

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_filters_and_search_are_in_the_address_which_can_be_shared(page: Page, served: Served) -> None:
    name = unique("daily")
    workflow = await register(served, name, "only")
    failed, _ = await create(served, workflow)
    await append(served, failed, "no", level="ERROR")
    await act(served, "failWorkflowExecution", failed, errorMessage="the disk is full")
    running, _ = await create(served, workflow, triggerType="EVENT")
    rows = page.locator(".run-row")

    await page.goto("/")
    await page.get_by_role("searchbox").fill(name)
    await expect(rows).to_have_count(2)
    await expect(page.locator(f'[data-run="{failed}"]')).to_contain_text("the disk is full")
    await expect(page.locator(f'[data-run="{failed}"] .problems')).to_contain_text("1")
    await page.get_by_role("button", name="Failed").click()
    await expect(rows).to_have_count(1)
    await page.get_by_role("button", name="Has errors").click()
    await page.get_by_label("Trigger").select_option("MANUAL")
    await page.get_by_label("Time", exact=True).select_option("24h")
    await expect(page).to_have_url(re.compile(rf"/\?q={name}&status=failed&trigger=manual&errors=1&range=24h$"))
    await expect(rows).to_have_attribute("data-run", failed)

    other = await page.context.new_page()
    await other.goto(page.url)
    await expect(other.locator(".run-row")).to_have_attribute("data-run", failed)
    await expect(other.get_by_role("button", name="Failed")).to_have_attribute("aria-pressed", "true")
    await expect(other.get_by_label("Trigger")).to_have_value("MANUAL")
    await other.get_by_role("button", name="Clear", exact=True).click()
    await expect(other).to_have_url(re.compile(r"/$"))
    await other.go_back()
    await expect(other.locator(".run-row")).to_have_attribute("data-run", failed)

    await page.goto(f"/?workflow={workflow}&status=running")
    await expect(rows).to_have_attribute("data-run", running)
    await expect(page.get_by_label("Workflow", exact=True)).to_have_value("chosen")
    await act(served, "completeWorkflowExecution", running)
    await expect(page.get_by_text("No run matches")).to_be_visible()  # it left the list by itself


async def test_the_keyboard_is_enough(page: Page, served: Served) -> None:
    name = unique("keys")
    run, _ = await create(served, await register(served, name, "a", "b"))
    await page.goto("/")
    await page.keyboard.press("/")
    await page.keyboard.type(name)
    await expect(page).to_have_url(re.compile(rf"q={name}$"))  # before, another list of one run may be shown
    await expect(page.locator(".run-row")).to_have_count(1)
    await page.keyboard.press("Escape")
    await page.keyboard.press("j")
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(re.compile(f"/runs/{run}$"))
    await expect(page.get_by_role("treeitem")).to_have_count(2)
    await page.keyboard.press("j")
    await page.keyboard.press("j")
    await page.keyboard.press("Enter")
    await expect(page.locator(".step-panel h2")).to_have_text("b")
    await page.keyboard.press("Escape")
    await expect(page.locator(".step-panel")).to_have_count(0)
    for key, shown in (("2", ".graph"), ("3", ".logs"), ("4", ".data-tab"), ("1", ".timeline")):
        await page.keyboard.press(key)
        await expect(page.locator(shown)).to_be_visible()
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    await page.keyboard.press("Escape")
    await page.keyboard.press("h")
    await expect(page.get_by_role("table")).to_be_visible()


async def test_a_long_list_is_scrolled_without_end_and_nothing_jumps_when_runs_come(
    page: Page, served: Served, dashboard_database_url: str
) -> None:
    workflow = await register(served, unique("long"), "only")
    await many_runs(dashboard_database_url, workflow, 1_000)
    await page.goto(f"/?workflow={workflow}")
    duration = page.locator(".run-row .duration")
    await expect(duration.first).to_have_text("1.00 s")
    await expect(page.locator(".tiles")).to_contain_text("1,000")
    main = page.locator("main")
    last = page.get_by_text("16 min 40 s", exact=True)  # of the thousandth run
    for _ in range(40):
        await main.evaluate("element => { element.scrollTop = element.scrollHeight }")
        if await last.count():
            break
        await page.wait_for_timeout(100)
    await expect(last.first).to_be_visible()
    assert await page.locator(".run-row").count() < 80

    hundredth = page.get_by_text("1 min 40 s", exact=True)
    for place in range(4_000, 7_000, 200):  # what stands above the list has a height of its own
        await main.evaluate(f"element => {{ element.scrollTop = {place} }}")
        await page.wait_for_timeout(100)
        if await hundredth.count():
            break
    await expect(hundredth).to_be_visible()
    row = page.locator(f'[data-run="{await page.locator(".run-row").nth(15).get_attribute("data-run")}"]')
    before = await row.bounding_box()
    for _ in range(3):
        await create(served, workflow)
    pill = page.get_by_role("button", name="3 new runs")
    await expect(pill).to_be_visible()
    assert await row.bounding_box() == before
    await pill.click()
    await expect(page.locator(".run-row").first).to_have_attribute("data-status", "RUNNING")
    await expect(pill).to_have_count(0)

    await page.get_by_role("button", name="Duration").last.click()
    await expect(page.locator(".run-row .duration").first).to_have_text("16 min 40 s")
    assert page.url.endswith("&order=duration-desc")
