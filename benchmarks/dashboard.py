"""Measure how soon the dashboard's list of runs can be used, and how smoothly it scrolls: --help.

In Chromium, each visit with an empty cache, from the navigation to the first rows on the screen.
"""

import asyncio
import contextlib
import shutil
import sys
import time
from pathlib import Path
from statistics import median

import click
from playwright.async_api import Browser, Page, async_playwright

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.place import place, place_options
from benchmarks.served import served

ROWS_SHOWN = 10
"""With as many rows a list can be used."""
ROWS_SCROLLED = 5_000
FRAMES = """
rows => new Promise(done => {
  const main = document.querySelector("main"), frames = [];
  let before = performance.now();
  const step = now => {
    frames.push(now - before);
    before = now;
    const last = Math.max(...[...document.querySelectorAll(".run-row")].map(row => row.ariaRowIndex));
    if (last >= rows || frames.length > 3000) return done([last, frames.slice(1)]);
    main.scrollTop += 150;
    requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
})
"""


@click.command()
@place_options
@click.option("--address", help="A server that runs already, as http://127.0.0.1:8000; it is only read from.")
@click.option("--visits", default=10, show_default=True)
def main(url: str | None, folder: Path, address: str | None, visits: int) -> None:
    """Serve the benchmarks' database and visit the dashboard."""
    with contextlib.ExitStack() as stack:
        if address is None:
            address, _ = stack.enter_context(served(stack.enter_context(place(url, folder))))
        asyncio.run(_measure(address, visits))


async def _measure(address: str, visits: int) -> None:
    async with async_playwright() as playwright:
        path = shutil.which("chromium") or shutil.which("google-chrome")
        browser = await playwright.chromium.launch(executable_path=path, args=["--headless", "--no-sandbox"])
        await _visit(browser, address)  # the first start of a browser is not the page's
        taken = [await _visit(browser, address) for _ in range(visits)]
        for name, times in zip(("rows", "rows and statistics"), zip(*taken, strict=True), strict=True):
            print(f"{name}: median {median(times) * 1000:.0f} ms, slowest {max(times) * 1000:.0f} ms")
        page = await _page(browser)
        await page.goto(address)
        await page.locator(".run-row").nth(ROWS_SHOWN).wait_for()
        last, frames = await page.evaluate(FRAMES, ROWS_SCROLLED)
        frames.sort()
        worst, p95 = frames[-1], frames[int(len(frames) * 0.95)]
        print(f"scrolled to row {last}: a frame took {median(frames):.0f} ms, p95 {p95:.0f} ms, slowest {worst:.0f} ms")
        await browser.close()


async def _visit(browser: Browser, address: str) -> tuple[float, float]:
    page = await _page(browser)
    begun = time.perf_counter()
    await page.goto(address, wait_until="commit")
    await page.locator(".run-row").nth(ROWS_SHOWN).wait_for()
    rows = time.perf_counter() - begun
    await page.locator(".chart canvas").first.wait_for()
    everything = time.perf_counter() - begun
    await page.context.close()
    return rows, everything


async def _page(browser: Browser) -> Page:
    """An empty tab with nothing in its cache."""
    context = await browser.new_context(viewport={"width": 1360, "height": 860})
    return await context.new_page()


if __name__ == "__main__":
    main()
