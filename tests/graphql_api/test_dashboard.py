"""How the pages of the dashboard are served: what the browser may keep, what the page may do, and without a build."""

from pathlib import Path

import pytest
from httpx import ASGITransport, AsyncClient
from starlette.applications import Starlette

from graphql_api.http.dashboard import HEADERS, dashboard_routes, graphiql
from tests.api_server import ApiServer

SCRIPT = "export const answer = 42;\n" * 100


def client_of(folder: Path) -> AsyncClient:
    app = Starlette(routes=dashboard_routes(folder))
    return AsyncClient(transport=ASGITransport(app), base_url="http://127.0.0.1")


@pytest.fixture
def pages(tmp_path: Path) -> AsyncClient:
    """A small build, served."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<!doctype html><title>execgraph</title>")
    (tmp_path / "theme.js").write_text("1")
    (tmp_path / "assets" / "index-abc123.js").write_text(SCRIPT)
    return client_of(tmp_path)


@pytest.mark.parametrize("path", ["/", "/runs/018f0000-0000-7000-8000-000000000000", "/runs/x/logs", "/?q=x"])
async def test_the_addresses_of_the_page_give_the_page(pages: AsyncClient, path: str) -> None:
    response = await pages.get(path)
    assert (response.status_code, response.text) == (200, "<!doctype html><title>execgraph</title>")
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "path", ["/nothing", "/index.html", "/assets/", "/assets/gone.js", "/runs", "/runs/a/b/c", "/..%2fapp.py"]
)
async def test_any_other_address_is_not_found(pages: AsyncClient, path: str) -> None:
    assert (await pages.get(path)).status_code == 404


async def test_a_file_whose_name_changes_with_what_is_in_it_is_kept_for_ever(pages: AsyncClient) -> None:
    response = await pages.get("/assets/index-abc123.js")
    assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert response.headers["content-type"] == "text/javascript; charset=utf-8"
    assert (await pages.get("/theme.js")).headers["cache-control"] == "no-cache"


async def test_what_the_browser_has_is_not_sent_again(pages: AsyncClient) -> None:
    etag = (await pages.get("/")).headers["etag"]
    again = await pages.get("/", headers={"if-none-match": f'"other", {etag}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    assert (await pages.get("/", headers={"if-none-match": '"other"'})).status_code == 200


async def test_scripts_are_compressed_for_who_takes_that(pages: AsyncClient) -> None:
    packed = await pages.get("/assets/index-abc123.js", headers={"accept-encoding": "gzip"})
    plain = await pages.get("/assets/index-abc123.js", headers={"accept-encoding": "identity"})
    assert packed.text == plain.text == SCRIPT
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < len(SCRIPT) / 5
    assert "content-encoding" not in plain.headers
    assert packed.headers["vary"] == plain.headers["vary"] == "accept-encoding"


@pytest.mark.parametrize("path", ["/", "/assets/index-abc123.js"])
async def test_the_page_may_load_and_reach_nothing_but_this_server(pages: AsyncClient, path: str) -> None:
    headers = (await pages.get(path)).headers
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


def test_graphiql_may_write_styles_and_load_nothing_from_elsewhere(tmp_path: Path) -> None:
    assert graphiql(tmp_path) is None
    (tmp_path / "graphiql.html").write_text("<!doctype html><title>GraphiQL</title>")
    page = graphiql(tmp_path)
    assert page is not None
    policy = page.headers["content-security-policy"]
    assert "style-src 'self' 'unsafe-inline'" in policy
    assert policy.replace("style-src 'self' 'unsafe-inline'", "style-src 'self'") == HEADERS["content-security-policy"]


async def test_without_a_build_the_server_says_how_to_get_it(tmp_path: Path) -> None:
    client = client_of(tmp_path / "nothing")
    response = await client.get("/")
    assert response.status_code == 200
    assert "make dashboard" in response.text
    assert '<a href="/graphql">' in response.text
    assert (await client.get("/runs/x")).status_code == 404


def test_the_server_serves_it_beside_the_api(server: ApiServer) -> None:
    response = server.http.get("/", headers={"accept": "text/html"})
    assert response.status_code == 200
    assert "execgraph" in response.text
    assert server.ask("{ __typename }") == "Query"
