"""A real Chromium in front of a real server."""

import shutil
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page, Playwright, async_playwright, expect

from graphql_api.http.dashboard import BUILT
from tests.dashboard.served import Served

LIMIT_MILLISECONDS = 30_000
"""For anything that is waited for; a loaded machine takes its time."""

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

expect.set_options(timeout=LIMIT_MILLISECONDS)


@pytest.fixture
def built() -> None:
    """The dashboard is built, and there is a browser to look at it with."""
    if not (BUILT / "index.html").is_file():
        pytest.skip("the dashboard is not built: make dashboard")
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")


@pytest.fixture
async def playwright(built: None) -> AsyncIterator[Playwright]:
    async with async_playwright() as playwright:
        yield playwright


@pytest.fixture
async def browser(playwright: Playwright) -> AsyncIterator[Browser]:
    browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
    yield browser
    await browser.close()


@pytest.fixture
async def served(built: None, database_url: str) -> AsyncIterator[Served]:
    async with Served(database_url) as served:
        yield served


@pytest.fixture
async def page(browser: Browser, served: Served) -> AsyncIterator[Page]:
    """A tab of its own, in which no script may fail."""
    context = await browser.new_context(base_url=served.address, viewport={"width": 1360, "height": 860})
    context.set_default_timeout(LIMIT_MILLISECONDS)
    page = await context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on(
        "console",
        lambda message: "Content Security Policy" in message.text and problems.append(message.text),
    )
    yield page
    await context.close()
    assert problems == []
