"""Screenshots of every page, light and dark, wide and narrow: `make screenshots` writes them to docs/screenshots.

They are of a server of its own, with a week of made-up runs, a run that is under way, and a replayed trace.
"""

import asyncio
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.async_api import Browser, async_playwright

from db.embedded import EmbeddedPostgres
from graphql_api.cli import migrate
from tests.dashboard.conftest import ARGUMENTS, CHROMIUM
from tests.dashboard.reports import act, append, create, register
from tests.dashboard.rows import execute
from tests.dashboard.scripts import ROOT, TRACES, example
from tests.dashboard.served import Served

FOLDER = ROOT / "docs" / "screenshots"
SIZES = {"wide": (1280, 800), "narrow": (390, 780)}
SCHEMES = ("light", "dark")

HISTORY = """
WITH ages AS (
    SELECT n, now() - n * interval '11 minutes' - random() * interval '9 minutes' AS at, random() AS luck
    FROM generate_series(1, 900) AS n
    WHERE random() < 0.45 + 0.5 * sin(extract(hour FROM now() - n * interval '11 minutes') / 24 * 3.1416)
)
INSERT INTO workflow_executions
    (id, workflow_id, namespace, workflow_version, status, trigger_type, created_at, started_at, ended_at,
     error_message)
SELECT gen_random_uuid(), $1::uuid, 'default', 1,
    CASE WHEN luck < 0.05 THEN 'failed' WHEN luck < 0.07 THEN 'cancelled' ELSE 'completed' END,
    'schedule', at, at, at + (30 + 200 * random() ^ 3) * interval '1 second',
    CASE WHEN luck < 0.05 THEN 'warehouse: connection reset by peer' END
FROM ages
"""
STEPS = ["extract orders", "extract customers", "join", "check", "aggregate", "publish"]


async def report(served: Served, database_url: str) -> dict[str, str]:
    """Report what is to be seen; gives the addresses of the pages by name."""
    nightly = await register(served, "nightly-revenue", *STEPS, max_retries=2)
    await execute(database_url, HISTORY, nightly)
    async with example("engine.py", "--url", served.url, "--runs", "2", "--seed", "7", "--interval", "0"):
        pass
    trace = TRACES / "epigenomics-chameleon-hep-1seq-100k-001.json"
    if trace.exists():
        async with example("replay_trace.py", str(trace), "--url", served.url):
            pass
    runs = await served.ask('{ workflowExecutions(first: 1, filter: { search: "market" }) { nodes { id } } }')
    market = runs["nodes"][0]["id"]
    steps = await served.ask(
        "query ($id: UUID!) { workflowExecution(id: $id) { nodeExecutions { nodes { id name } } } }", id=market
    )
    flaky = next(step["id"] for step in steps["nodeExecutions"]["nodes"] if step["name"] == "Riskless rate")
    run = await under_way(served, nightly)
    return {
        "runs": "/?range=7d",
        "timeline": f"/runs/{market}?step={flaky}",
        "graph": f"/runs/{market}/graph",
        "logs": f"/runs/{run}/logs",
        "data": f"/runs/{market}/data",
    }


async def under_way(served: Served, workflow: str) -> str:
    """A run that is under way, with a log of everything there is."""
    run, steps = await create(served, workflow, start=False)
    begun = datetime.now(UTC) - timedelta(seconds=95)

    def at(seconds: float) -> str:
        return (begun + timedelta(seconds=seconds)).isoformat()

    await act(served, "startWorkflowExecution", run, at=at(0))
    for name, start, end in (("extract orders", 0.4, 31), ("extract customers", 31.2, 44)):
        await act(served, "startNodeExecution", steps[name], at=at(start))
        await append(served, run, f"\x1b[1m{name}\x1b[0m: reading", level="INFO", step=steps[name])
        batches = [f"batch {number}: {4_096 + 31 * number} rows" for number in range(1, 13)]
        await append(served, run, *batches, level="DEBUG", step=steps[name])
        await append(served, run, f"\x1b[32mdone\x1b[0m in {end - start:.1f} s", step=steps[name])
        await act(served, "completeNodeExecution", steps[name], at=at(end))
    join = steps["join"]
    await act(served, "startNodeExecution", join, at=at(45))
    await append(served, run, "\x1b[33mslow\x1b[0m: the index is not used", level="WARNING", step=join)
    trace = 'Traceback (most recent call last):\n  File "join.py", line 71, in join\nConnectionResetError: [Errno 104]'
    await append(served, run, trace, level="ERROR", step=join)
    await act(served, "failNodeExecution", join, errorMessage="connection reset by peer", at=at(58))
    await act(served, "retryNodeExecution", join)
    await act(served, "startNodeExecution", join, at=at(60))
    await append(served, run, "second attempt", "joining 1,204,332 rows", step=join)
    return run


async def take(browser: Browser, served: Served, pages: dict[str, str]) -> None:
    """Take them all."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for size, (width, height) in SIZES.items():
        for scheme in SCHEMES:
            context = await browser.new_context(
                base_url=served.address,
                viewport={"width": width, "height": height},
                color_scheme=scheme,
                reduced_motion="reduce",
            )
            page = await context.new_page()
            for name, path in pages.items():
                await page.goto(path)
                await page.wait_for_load_state("networkidle")
                await page.locator(".run-row, .step-line, .box, .log-line[data-sequence], .data-tab").first.wait_for()
                await page.wait_for_timeout(500)  # what is drawn last are the charts
                await page.screenshot(path=FOLDER / f"{name}-{scheme}-{size}.png")
            await context.close()


async def picture(database_url: str) -> None:
    """Serve, report, and take them."""
    async with Served(database_url) as served, async_playwright() as playwright:
        pages = await report(served, database_url)
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        await take(browser, served, pages)
        await browser.close()


def main() -> None:
    """Do it on a PostgreSQL that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="execgraph-screenshots-", dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        with EmbeddedPostgres(Path(folder) / "postgres") as server:
            migrate(server.url())
            asyncio.run(picture(server.url()))
    print(f"Screenshots are in {FOLDER}")


if __name__ == "__main__":
    main()
