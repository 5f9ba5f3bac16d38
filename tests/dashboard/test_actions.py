"""What can be done to a run, by whom, and not without being asked."""

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from db import Database
from db.enums import Role
from tests.api_tokens import bearer, make_token
from tests.dashboard.reports import act, create, register
from tests.dashboard.rows import unique
from tests.dashboard.served import Served

pytestmark = pytest.mark.asyncio(loop_scope="session")

RUN = "query ($id: UUID!) { workflowExecution(id: $id) { status errorMessage inputData retryOf { id } } }"


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


async def test_a_run_is_cancelled_run_again_and_deleted(page: Page, served: Served) -> None:
    run, _ = await create(served, await register(served, unique("actions"), "only"), inputData={"day": 3})
    await page.goto(f"/runs/{run}")
    await button(page, "Cancel").click()
    await button(page, "Keep it running").click()
    await expect(page.locator("dialog")).to_have_count(0)
    await button(page, "Cancel").click()
    await page.get_by_label("Reason").fill("not needed")
    await button(page, "Cancel the run").click()
    await expect(page.locator(".run-header .badge")).to_have_text("Cancelled")
    await expect(page.locator(".run-header .alert")).to_have_text("not needed")

    await button(page, "Run again").click()
    await page.locator("dialog").get_by_role("button", name="Run again").click()
    await expect(page.locator(".run-header .badge")).to_have_text("Pending")
    again = page.url.rpartition("/")[2]
    made = await served.ask(RUN, id=again)
    assert made == {"status": "PENDING", "errorMessage": None, "inputData": {"day": 3}, "retryOf": {"id": run}}

    await button(page, "Delete").click()
    await button(page, "Delete for ever").click()
    await expect(page.get_by_role("table")).to_be_visible()
    assert await served.ask(RUN, id=again) is None
    await page.goto(f"/runs/{again}")
    await expect(page.get_by_text("There is no such run")).to_be_visible()


async def test_a_failed_step_is_retried_and_a_refusal_is_shown(page: Page, served: Served) -> None:
    workflow = await register(served, unique("retries"), "flaky", max_retries=1)
    run, steps = await create(served, workflow)
    await act(served, "startNodeExecution", steps["flaky"])
    await act(served, "failNodeExecution", steps["flaky"], errorMessage="no answer")
    await page.goto(f"/runs/{run}")
    await page.get_by_role("button", name="flaky").click()
    await expect(page.locator(".step-panel .alert")).to_have_text("no answer")
    await button(page, "Retry").click()
    await page.locator("dialog").get_by_role("button", name="Retry").click()
    await expect(page.locator(f'[data-step="{steps["flaky"]}"]')).to_have_attribute("data-status", "PENDING")
    await expect(page.locator(".attempts .message")).to_have_text("no answer")

    await button(page, "Cancel").click()
    await act(served, "cancelWorkflowExecution", run)  # somebody else was faster
    await button(page, "Cancel the run").click()
    await expect(page.locator("dialog [role=alert]")).to_contain_text("Cannot cancel execution in status cancelled")


async def test_a_viewer_sees_everything_and_can_do_nothing(browser: Browser, database_url: str) -> None:
    async with Database(database_url) as database:
        tokens = {role: await make_token(database, role.value, role) for role in Role}
    async with Served(database_url, EXECGRAPH_AUTHENTICATION="required") as served:
        served.headers = bearer(tokens[Role.ENGINE])
        run, steps = await create(served, await register(served, "guarded", "flaky"))
        await act(served, "startNodeExecution", steps["flaky"])
        await act(served, "failNodeExecution", steps["flaky"], errorMessage="no answer")
        context = await browser.new_context(base_url=served.address)
        context.set_default_timeout(30_000)
        page = await context.new_page()
        await page.goto("/")
        await page.get_by_label("Token").fill("exg_nonsense")
        await page.get_by_role("button", name="Log in").last.click()
        await expect(page.locator("dialog [role=alert]")).to_contain_text("not valid")
        await page.get_by_label("Token").fill(tokens[Role.VIEWER])
        await page.get_by_role("button", name="Log in").last.click()
        await expect(page.get_by_text("viewer (viewer)")).to_be_visible()
        await page.locator(f'[data-run="{run}"] a').click()
        await expect(page.get_by_text("Live", exact=True)).to_be_visible()
        await page.get_by_role("button", name="flaky").click()
        await expect(page.locator(".step-panel .alert")).to_have_text("no answer")
        for name in ("Cancel", "Run again", "Delete", "Retry"):
            await expect(button(page, name)).to_have_count(0)

        await page.get_by_role("button", name="Log out").click()
        await page.get_by_label("Token").fill(tokens[Role.ENGINE])
        await page.get_by_role("button", name="Log in").last.click()
        await expect(button(page, "Cancel")).to_be_visible()
        await expect(button(page, "Retry")).to_be_visible()
        await expect(button(page, "Delete")).to_have_count(0)
        assert await page.evaluate("Object.keys(localStorage)") == []  # the token ends with the tab
        await context.close()
