"""The log of a run: following it, finding one's way in it, and taking it along."""

import json
import os

import pytest
from playwright.async_api import Page, expect

from tests.dashboard.reports import append, create, register
from tests.dashboard.rows import many_entries, unique
from tests.dashboard.served import Served

ENTRIES = 1_000_000 if os.environ.get("EXECGRAPH_TORTURE") == "full" else 250_000
"""Of the longest log; a million are more than a browser can scroll over without help."""

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_following_lets_go_when_the_reader_scrolls_up_and_not_before(page: Page, served: Served) -> None:
    run, _ = await create(served, await register(served, unique("tail"), "only"))
    await append(served, run, *(f"line {number}" for number in range(1, 201)))
    await page.goto(f"/runs/{run}/logs")
    await expect(page.locator('[data-sequence="200"]')).to_be_in_viewport()
    await append(served, run, *(f"line {number}" for number in range(201, 301)))
    await expect(page.locator('[data-sequence="300"]')).to_be_in_viewport()

    await page.locator(".log-scroller").hover()
    await page.mouse.wheel(0, -400)
    await expect(page.locator('[data-sequence="300"]')).not_to_be_in_viewport()
    line = page.locator(".log-line:nth-child(40)")
    before = await line.bounding_box()
    await append(served, run, "one more")
    await expect(page.locator(".log-foot")).to_contain_text("301 entries")
    assert await line.bounding_box() == before
    await page.keyboard.press("f")
    await expect(page.locator('[data-sequence="301"]')).to_be_in_viewport()
    await append(served, run, "and another")
    await expect(page.locator('[data-sequence="302"]')).to_be_in_viewport()


@pytest.mark.torture
async def test_a_log_of_very_many_entries_is_read_anywhere(
    page: Page, served: Served, dashboard_database_url: str
) -> None:
    run, _ = await create(served, await register(served, unique("long"), "only"))
    await many_entries(dashboard_database_url, run, ENTRIES, error_at=123_456)
    await page.goto(f"/runs/{run}/logs")
    await expect(page.locator(f'[data-sequence="{ENTRIES}"] .message')).to_have_text(f"entry {ENTRIES}")
    scroller = page.locator(".log-scroller")
    await scroller.evaluate("element => { element.scrollTop = element.scrollHeight / 2 }")
    middle = ENTRIES // 2 + 10
    await expect(page.locator(f'[data-sequence="{middle}"] .message')).to_have_text(f"entry {middle}")
    await page.keyboard.press("g")
    await expect(page.locator('[data-sequence="1"] .message')).to_have_text("entry 1")
    assert await page.locator(".log-line").count() < 150  # what is in sight is drawn, and no more

    await page.keyboard.press("e")
    await expect(page.locator('[data-sequence="123456"]')).to_be_in_viewport()
    await expect(page.locator(".log-line.selected .message")).to_have_text("entry 123456")
    assert page.url.endswith(f"/runs/{run}/logs?line=123456")
    await page.keyboard.press("e")
    await expect(page.locator(".log-foot")).to_contain_text("No further error")

    await page.goto(f"/runs/{run}/logs?line=7777")
    await expect(page.locator(".log-line.selected .message")).to_have_text("entry 7777")
    await expect(page.locator('[data-sequence="7777"]')).to_be_in_viewport()


async def test_filters_are_in_the_address_and_hold_for_what_comes(page: Page, served: Served) -> None:
    run, steps = await create(served, await register(served, unique("filtered"), "load", "report"))
    await append(served, run, "loading", step=steps["load"])
    await append(served, run, "a Warning", level="WARNING", step=steps["load"])
    await append(served, run, "broken", level="ERROR", step=steps["report"])
    await page.goto(f"/runs/{run}/logs")
    messages = page.locator(".log-line .message")
    await expect(messages).to_have_text(["loading", "a Warning", "broken"])
    await page.get_by_label("Level").select_option("WARNING")
    await expect(messages).to_have_text(["a Warning", "broken"])
    await page.get_by_label("Find in messages").fill("warn")
    await expect(messages).to_have_text(["a Warning"])
    await append(served, run, "another WARNING", level="ERROR")
    await append(served, run, "warned, but of no weight")
    await expect(messages).to_have_text(["a Warning", "another WARNING"])
    assert page.url.endswith("/logs?level=warning&q=warn")

    await page.goto(f"/runs/{run}?step={steps['report']}")
    await page.get_by_role("link", name="Logs of this step").click()
    await expect(messages).to_have_text(["broken"])
    await append(served, run, "again", step=steps["report"])
    await append(served, run, "elsewhere", step=steps["load"])
    await append(served, run, "and again", step=steps["report"])
    await expect(messages).to_have_text(["broken", "again", "and again"])


async def test_colours_are_shown_and_html_never_is(page: Page, served: Served) -> None:
    run, _ = await create(served, await register(served, unique("hostile"), "only"))
    hostile = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
    await append(served, run, hostile, "\x1b[1;31mred\x1b[0m plain", "first\nsecond")
    await page.goto(f"/runs/{run}/logs")
    await expect(page.locator('[data-sequence="1"] .message')).to_have_text(hostile)
    assert await page.locator(".log-lines img, .log-lines script").count() == 0
    red = page.locator('[data-sequence="2"] .message span')
    await expect(red).to_have_text("red")
    assert await red.evaluate("element => getComputedStyle(element).fontWeight") == "700"
    await page.locator('[data-sequence="3"]').click()
    await expect(page.locator(".line-details pre").first).to_have_text("first\nsecond")
    assert "owned" not in await page.title()


async def test_what_is_filtered_is_downloaded_as_text_and_as_ndjson(page: Page, served: Served) -> None:
    run, steps = await create(served, await register(served, unique("download"), "load"))
    await append(served, run, "\x1b[31mred\x1b[0m", step=steps["load"])
    for start in range(0, 2400, 800):
        await append(served, run, *(f"line {number}" for number in range(start, start + 800)), level="ERROR")
    await page.goto(f"/runs/{run}/logs")
    await expect(page.locator(".log-foot")).to_contain_text("2,401 entries")
    async with page.expect_download() as event:
        await page.get_by_title("Download as NDJSON").click()
    file = await (await event.value).path()
    entries = [json.loads(line) for line in file.read_text().splitlines()]
    assert [entry["sequence"] for entry in entries] == list(range(1, 2402))
    assert entries[0]["message"] == "\x1b[31mred\x1b[0m"

    await page.get_by_label("Level").select_option("ERROR")
    await expect(page.locator('[data-sequence="2401"]')).to_be_in_viewport()
    async with page.expect_download() as event:
        await page.get_by_title("Download as text").click()
    assert (await event.value).suggested_filename == f"{run}.log"
    lines = (await (await event.value).path()).read_text().splitlines()
    assert [line.partition("ERROR   ")[2] for line in lines] == [f"line {number}" for number in range(2400)]
