"""A server that executes only what it trusts trusts its own dashboard."""

from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from graphql_api.http.dashboard import BUILT
from graphql_api.security.trusted import OF_DASHBOARD
from tests.dashboard.reports import act, append, create, register
from tests.dashboard.rows import unique
from tests.dashboard.served import Served

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_each_page_works_where_nothing_else_is_executed(
    browser: Browser, served: Served, dashboard_database_url: str, tmp_path: Path
) -> None:
    assert OF_DASHBOARD == BUILT / "documents.json"
    name = unique("trusted")
    run, steps = await create(served, await register(served, name, "only"))
    (tmp_path / "none.json").write_text("{}")
    async with Served(dashboard_database_url, EXECGRAPH_TRUSTED_DOCUMENTS=str(tmp_path / "none.json")) as strict:
        context = await browser.new_context(base_url=strict.address)
        context.set_default_timeout(30_000)
        page = await context.new_page()
        refused: list[str] = []
        page.on("response", lambda response: refused.append(response.url) if response.status == 403 else None)
        await page.goto("/")
        await page.locator(".run-row").filter(has_text=name).click()
        await page.get_by_role("button", name="only").click()
        await expect(page.locator(".step-panel")).to_be_visible()
        await act(served, "startNodeExecution", steps["only"])
        await expect(page.locator(f'[data-step="{steps["only"]}"]')).to_have_attribute("data-status", "RUNNING")
        await page.goto(f"/runs/{run}/logs")
        await append(served, run, "hello")
        await expect(page.get_by_text("hello")).to_be_visible()
        await page.goto(f"/runs/{run}")
        await page.get_by_role("button", name="Cancel", exact=True).click()
        await page.get_by_role("button", name="Cancel the run").click()
        await expect(page.locator(".run-header .badge")).to_have_text("Cancelled")
        assert refused == []
        await context.close()
