"""An audit of every page by axe-core, in light and dark, wide and narrow; and how much there is to load."""

import gzip
from typing import Any

import pytest
from playwright.async_api import Page, expect

from graphql_api.http.dashboard import BUILT
from tests.dashboard.reports import act, append, create, register
from tests.dashboard.rows import unique
from tests.dashboard.scripts import ROOT
from tests.dashboard.served import Served

AXE = ROOT / "dashboard" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
MOST_BYTES = 250_000


async def audit(page: Page, where: str) -> list[Any]:
    """The findings of axe-core that are serious or critical, of every rule that it has for WCAG 2.2 AA."""
    await page.evaluate("() => new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
    report = await page.evaluate("rules => axe.run(document, { runOnly: rules })", RULES)
    return [
        (where, violation["id"], [node["html"][:200] for node in violation["nodes"][:3]])
        for violation in report["violations"]
        if violation["impact"] in ("serious", "critical")
    ]


@pytest.mark.asyncio(loop_scope="session")
async def test_axe_finds_nothing_serious_on_any_page(page: Page, served: Served) -> None:
    if not AXE.exists():
        pytest.skip("axe-core is not installed: make dashboard")
    name = unique("audited")
    run, steps = await create(served, await register(served, name, "load", "report", max_retries=1))
    await append(served, run, "\x1b[33mslow\x1b[0m", level="WARNING", step=steps["load"])
    await append(served, run, "broken", level="ERROR", step=steps["load"])
    await act(served, "startNodeExecution", steps["load"])
    await act(served, "failNodeExecution", steps["load"], errorMessage="no answer")
    await append(served, run, "debugging", level="DEBUG")
    pages = {
        f"/?q={name}": ".run-row",
        f"/?q={unique('nothing')}": ".note",
        f"/runs/{run}?step={steps['load']}": ".step-panel .attempts",
        f"/runs/{run}/graph": ".box",
        f"/runs/{run}/logs?line=2": ".log-line.selected",
        f"/runs/{run}/data": ".data-tab",
        "/runs/none": ".note",
    }
    found: list[Any] = []
    axe = AXE.read_text()
    for path, shown in pages.items():
        for scheme, width in (("light", 1360), ("dark", 390)):
            await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            await page.set_viewport_size({"width": width, "height": 860})
            await page.goto(path)
            await page.locator(shown).first.wait_for()
            await page.evaluate(axe)
            found += await audit(page, f"{path} {scheme} {width}")
        await page.emulate_media(color_scheme="light")
        found += await audit(page, f"{path}, light again while it is open")
        await page.set_viewport_size({"width": 1360, "height": 860})
    await page.goto(f"/runs/{run}")
    await page.get_by_role("button", name="Cancel").click()
    await expect(page.get_by_role("dialog")).to_be_visible()
    await page.evaluate(axe)
    found += await audit(page, "dialog")
    assert found == []


def test_the_page_is_small(built: None) -> None:
    index = (BUILT / "index.html").read_text()
    loaded = [file for file in BUILT.rglob("*") if file.is_file() and file.name in index]
    assert len(loaded) >= 3
    size = sum(len(gzip.compress(file.read_bytes())) for file in loaded)
    assert size < MOST_BYTES
