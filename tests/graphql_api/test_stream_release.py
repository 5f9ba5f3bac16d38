"""Whoever goes away, politely or not, leaves nothing behind: no subscriber, feed, watch, connection or task."""

import asyncio
import socket

import pytest

from tests.api_server import ApiServer
from tests.graphql_api.raw_clients import RawClient, until
from tests.graphql_api.reports import log, running

WAYS = ["close frame", "end of the stream", "reset"]
CLIENTS = 20
SOON = 5.0
"""Seconds; at once, but for a busy machine."""


def tasks(api: ApiServer) -> int:
    """How many tasks the server has."""

    async def count() -> int:
        return len(asyncio.all_tasks()) - 1

    return asyncio.run_coroutine_threadsafe(count(), api.loop).result(10)


def go(client: RawClient, transport: str, way: str) -> None:
    if way == "reset":
        client.vanish()
    elif way == "close frame" and transport == "websocket":
        client.send((1000).to_bytes(2), opcode=8)
    else:
        client.socket.shutdown(socket.SHUT_RDWR)
        client.socket.close()


@pytest.mark.parametrize("transport", ["websocket", "event stream"])
@pytest.mark.parametrize("way", WAYS)
def test_clients_that_go_away_leave_nothing_behind(server: ApiServer, transport: str, way: str) -> None:
    run_id = running(server)
    log(server, run_id, "hello")
    hub, feeds, subscribers = server.hints, server.context.feeds, server.context.subscribers
    before = tasks(server)
    clients = [RawClient(server, transport, run_id, buffer=65_536) for _ in range(CLIENTS)]
    for client in clients:
        client.read_until(b'"hello"')
    assert (len(subscribers), server.followers(run_id), hub.watched_runs) == (CLIENTS, CLIENTS, 1)
    for client in clients:
        go(client, transport, way)
    until(lambda: len(subscribers) == 0, within=SOON)
    until(lambda: (feeds.delivery.followers, hub.watched_runs, feeds._feeds) == (0, 0, {}), within=SOON)
    until(lambda: all(pool.in_use == 0 for pool in server.context.database.pools().values()), within=SOON)
    until(lambda: tasks(server) <= before + 1, within=SOON + 1)  # one may be looking after the idle keep-alive
