"""GraphiQL at /graphql, which needs nothing from outside the server."""

import pytest
from playwright.async_api import Page, Request, Route, expect

from tests.dashboard.reports import append, create, register
from tests.dashboard.rows import unique
from tests.dashboard.served import Served

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_query_is_written_and_answered_without_a_way_to_the_outside(page: Page, served: Served) -> None:
    outside: list[str] = []

    async def stop(route: Route, request: Request) -> None:
        outside.append(request.url)
        await route.abort()

    await page.route(lambda url: not url.startswith((served.address, "data:", "blob:")), stop)
    await page.goto("/graphql")
    await expect(page.locator(".graphiql-query-editor .view-line").first).to_contain_text("What the engines are doing")
    await page.get_by_role("button", name="Execute query").click()
    await expect(page.locator(".graphiql-response")).to_contain_text("workflowExecutions")
    await page.get_by_role("button", name="Show Documentation Explorer").click()
    await expect(page.locator(".graphiql-doc-explorer")).to_contain_text("Mutation")
    assert outside == []


async def test_a_subscription_is_followed(page: Page, served: Served) -> None:
    run, _ = await create(served, await register(served, unique("graphiql"), "only"))
    await page.goto("/graphql")
    await page.locator(".graphiql-query-editor .view-line").first.click()
    await page.keyboard.press("Control+a")
    await page.keyboard.insert_text(
        f'subscription {{ executionLogs(workflowExecutionId: "{run}") {{ entries {{ message }} }} }}'
    )
    await page.get_by_role("button", name="Execute query").click()
    for message in ("the first", "the second"):
        await append(served, run, message)
        await expect(page.locator(".graphiql-response")).to_contain_text(message)
