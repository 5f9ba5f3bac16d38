"""A real Chromium in front of a real server; both are shared by the tests of a process, which make their own runs."""

import shutil
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright, expect

from graphql_api.http.dashboard import BUILT
from tests.conftest import made_database
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


@pytest.fixture(scope="session")
def built() -> None:
    """The dashboard is built, and there is a browser to look at it with."""
    if not (BUILT / "index.html").is_file():
        pytest.skip("the dashboard is not built: make dashboard")
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(built: None) -> AsyncIterator[Browser]:
    """The browser."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        await browser.close()


@pytest.fixture(scope="session")
def dashboard_database_url() -> Iterator[str]:
    """A migrated database for the tests of the dashboard."""
    with made_database() as url:
        yield url


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def served(built: None, dashboard_database_url: str) -> AsyncIterator[Served]:
    """The server."""
    async with Served(dashboard_database_url) as served:
        yield served


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser, served: Served) -> AsyncIterator[Page]:
    """A tab of its own, in which no script fails and nothing is refused by the Content-Security-Policy."""
    context = await browser.new_context(
        base_url=served.address,
        viewport={"width": 1360, "height": 860},
        permissions=["clipboard-read", "clipboard-write"],
    )
    context.set_default_timeout(LIMIT_MILLISECONDS)
    page = await context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: "Content Security Policy" in message.text and problems.append(message.text))
    yield page
    await context.close()
    assert problems == []
