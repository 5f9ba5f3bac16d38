"""The server is restarted under an open page: it says so, comes back by itself, and nothing is missing."""

import asyncio
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from tests.api_server import ApiServer
from tests.dashboard.reports import act, append, create, register
from tests.dashboard.served import Served

pytestmark = pytest.mark.asyncio(loop_scope="session")


class Elsewhere:
    """An API of the same database at another address."""

    def __init__(self, server: ApiServer) -> None:
        self._server = server

    async def ask(self, query: str, **variables: Any) -> Any:
        return await asyncio.to_thread(self._server.ask, query, **variables)


async def open_page(browser: Browser, served: Served, path: str) -> Page:
    context = await browser.new_context(base_url=served.address, viewport={"width": 1360, "height": 860})
    context.set_default_timeout(30_000)
    page = await context.new_page()
    await page.goto(path)
    return page


@pytest.mark.timeout(300)  # two starts of a server take long on a loaded machine
async def test_after_a_restart_nothing_is_missing(browser: Browser, database_url: str) -> None:
    async with Served(database_url) as served:
        workflow = await register(served, "nightly", "load", "report")
        run, steps = await create(served, workflow)
        await append(served, run, *(f"line {number}" for number in range(1, 41)))
        runs = await open_page(browser, served, "/")
        timeline = await open_page(browser, served, f"/runs/{run}")
        logs = await open_page(browser, served, f"/runs/{run}/logs")
        await expect(runs.locator(f'[data-run="{run}"]')).to_be_visible()
        await expect(timeline.get_by_role("treeitem")).to_have_count(2)
        await expect(logs.locator('[data-sequence="40"]')).to_be_in_viewport()
        for page in (runs, timeline, logs):
            await expect(page.get_by_text("Live", exact=True)).to_be_visible()

        await served.stop()
        for page in (runs, timeline, logs):
            await expect(page.get_by_text("Reconnecting", exact=True)).to_be_visible()
        await expect(logs.locator(".log-foot")).to_contain_text("nothing will be missing")
        with ApiServer(database_url) as other:  # of which the pages know nothing
            meanwhile = Elsewhere(other)
            await append(meanwhile, run, *(f"line {number}" for number in range(41, 61)))
            await act(meanwhile, "startNodeExecution", steps["load"])
            second, _ = await create(meanwhile, workflow)
        await served.start()

        await expect(runs.locator(f'[data-run="{second}"]')).to_be_visible()
        await expect(timeline.locator(f'[data-step="{steps["load"]}"]')).to_have_attribute("data-status", "RUNNING")
        await append(served, run, "line 61")
        await expect(logs.locator('[data-sequence="61"]')).to_be_in_viewport()
        for page in (runs, timeline, logs):
            await expect(page.get_by_text("Live", exact=True)).to_be_visible()
        await logs.set_viewport_size({"width": 1360, "height": 2000})
        shown = await logs.locator(".log-line .message").all_inner_texts()
        assert shown == [f"line {number}" for number in range(1, 62)]
        for page in (runs, timeline, logs):
            await page.context.close()
