"""Answers written at once: the same bytes as uvicorn's, in fewer packets."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
import uvicorn
from starlette.types import Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from graphql_api.http.protocols import http_protocol
from graphql_api.http.whole_answers import MAX_BYTES
from graphql_api.security.admission import Admission
from graphql_api.settings import Settings

LIMIT = 10
GET = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"
OF_OURS = http_protocol(Settings.model_construct(), Admission(most=4, waiting=4, per_caller=4))

App = Callable[[Scope, Receive, Send], Any]


class Transport(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2)})
        self.written: list[bytes] = []
        self.closed = asyncio.Event()

    def write(self, data: Any) -> None:
        self.written.append(bytes(data))

    def close(self) -> None:
        self.closed.set()

    def abort(self) -> None:
        self.closed.set()

    def is_closing(self) -> bool:
        return self.closed.is_set()

    def get_write_buffer_size(self) -> int:
        return 0

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


async def written_by(protocol: type[asyncio.Protocol], app: App, *requests: bytes) -> list[bytes]:
    """What is written in answer to requests on one connection, each sent when the one before it is answered."""
    config = uvicorn.Config(app, http=protocol, log_config=None, access_log=False, lifespan="off")
    config.load()
    state = ServerState()
    state.default_headers = [(b"date", b"now")]
    connection: Any = protocol(config=config, server_state=state, app_state={})  # type: ignore[call-arg]
    transport = Transport()
    connection.connection_made(transport)
    for request in requests:
        if transport.is_closing():
            break
        connection.data_received(request)
        async with asyncio.timeout(LIMIT):
            await asyncio.gather(*state.tasks)
    connection.connection_lost(None)
    return transport.written


def answering(status: int, headers: list[tuple[bytes, bytes]], *bodies: bytes) -> App:
    """An application that answers so, whatever it is asked."""

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": status, "headers": headers})
        for place, body in enumerate(bodies):
            more = place + 1 < len(bodies)
            await send({"type": "http.response.body", "body": body, "more_body": more})

    return app


def length(body: bytes) -> tuple[bytes, bytes]:
    """The header that says it."""
    return (b"content-length", b"%d" % len(body))


LONG = b"x" * (MAX_BYTES + 1)
JSON = (b"content-type", b"application/json")


async def test_a_usual_answer_is_one_packet() -> None:
    app = answering(200, [JSON, length(b"{}")], b"{}")

    assert (
        await written_by(OF_OURS, app, GET, GET)
        == [b"HTTP/1.1 200 OK\r\ndate: now\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"] * 2
    )
    assert len(await written_by(HttpToolsProtocol, app, GET)) == 2


@pytest.mark.parametrize(
    ("app", "request_"),
    [
        pytest.param(answering(200, [JSON, length(b"{}")], b"{}"), GET, id="usual"),
        pytest.param(answering(404, [JSON, length(b"")], b""), GET, id="nothing"),
        pytest.param(answering(204, [], b""), GET, id="no content"),
        pytest.param(answering(304, [length(b"{}")], b""), GET, id="not modified"),
        pytest.param(answering(200, [JSON], b"{}"), GET, id="no length"),
        pytest.param(answering(200, [JSON], b"{", b"}", b""), GET, id="chunks"),
        pytest.param(answering(200, [length(b"{}")], b"{", b"}"), GET, id="in parts"),
        pytest.param(answering(200, [length(LONG)], LONG), GET, id="long"),
        pytest.param(answering(200, [length(b"{}")], b"{}"), GET.replace(b"GET", b"HEAD"), id="HEAD"),
        pytest.param(answering(200, [length(b"{}")], b"{}"), GET.replace(b"1.1", b"1.0"), id="HTTP/1.0"),
        pytest.param(
            answering(200, [length(b"{}")], b"{}"),
            GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"),
            id="the client wants to close",
        ),
        pytest.param(answering(200, [length(b"{}"), (b"connection", b"close")], b"{}"), GET, id="we want to close"),
        pytest.param(answering(200, [(b"transfer-encoding", b"chunked")], b"{}"), GET, id="said to be chunked"),
        pytest.param(answering(200, [length(b"{")], b"{}"), GET, id="too long"),
        pytest.param(answering(200, [length(b"{}}")], b"{}"), GET, id="too short"),
        pytest.param(answering(200, [length(b""), (b"x", b"a\r\ny: b")], b""), GET, id="a header more in a header"),
        pytest.param(answering(200, [length(b""), (b"x", b"a\x00")], b""), GET, id="a control character"),
        pytest.param(answering(200, [length(b""), (b"x", b"a\tb")], b""), GET, id="a tab"),
    ],
)
async def test_what_is_written_is_what_uvicorn_writes(app: App, request_: bytes) -> None:
    ours, theirs = [await written_by(each, app, request_, GET) for each in (OF_OURS, HttpToolsProtocol)]

    assert b"".join(ours) == b"".join(theirs)


async def fails_after_the_head(_scope: Scope, _receive: Receive, send: Send) -> None:
    """An application with an error."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    raise ValueError


@pytest.mark.parametrize("app", [fails_after_the_head, answering(200, [])])
async def test_who_says_no_more_than_the_head_is_answered_for_with_an_error(app: App) -> None:
    written = b"".join(await written_by(OF_OURS, app, GET))

    assert written.startswith(b"HTTP/1.1 500 ")


async def test_the_next_request_in_line_is_served() -> None:
    app = answering(200, [length(b"{}")], b"{}")

    written = await written_by(OF_OURS, app, GET * 3)

    assert [each[:15] for each in written] == [b"HTTP/1.1 200 OK"] * 3


async def test_the_head_waits_for_the_first_of_the_body_alone() -> None:
    sent: list[Message] = [
        {"type": "http.response.start", "status": 200, "headers": []},
        {"type": "http.response.body", "body": b"", "more_body": True},
    ]
    written, go_on = asyncio.Event(), asyncio.Event()

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        for message in sent:
            await send(message)
        written.set()
        await go_on.wait()
        await send({"type": "http.response.body", "body": b"late"})

    answered = asyncio.create_task(written_by(OF_OURS, app, GET))
    async with asyncio.timeout(LIMIT):
        await written.wait()
        go_on.set()
        parts = await answered

    assert parts[0].startswith(b"HTTP/1.1 200 OK")
    assert not parts[0].endswith(b"late")
