"""Bytes that are no WebSocket: the connection is closed, and nobody else notices."""

import os
import struct
from collections.abc import Iterator

import pytest

from tests.api_server import ApiServer
from tests.graphql_api.raw_clients import RawClient
from tests.graphql_api.reports import log, running

MASK = b"\x01\x02\x03\x04"


def masked(data: bytes) -> bytes:
    return MASK + bytes(byte ^ MASK[place % 4] for place, byte in enumerate(data))


FRAMES = {
    "one that is not masked": b"\x81\x05hello",
    "a reserved opcode": b"\x83\x80" + MASK,
    "reserved bits": b"\xf1\x80" + MASK,
    "a ping in parts": b"\x09\x80" + MASK,
    "a ping that is too long": b"\x89\xfe\x00\x7e" + masked(b"x" * 126),
    "text that is not UTF-8": b"\x81\x82" + masked(b"\xff\xfe"),
    "binary": b"\x82\x82" + masked(b"{}"),
    "a length beyond everything": b"\x81\xff" + struct.pack(">Q", 2**63 - 1) + MASK,
    "a length beyond the limit": b"\x81\xff" + struct.pack(">Q", 2**30) + MASK,
    "the rest of nothing": b"\x80\x80" + MASK,
    "a beginning inside a message": b"\x01\x81" + masked(b"{") + b"\x81\x81" + masked(b"}"),
    "a close with half a code": b"\x88\x81" + masked(b"\x03"),
    "a close with a code that is none": b"\x88\x82" + masked(struct.pack(">H", 1005)),
    "noise": bytes([0xC7]) + os.urandom(2_000),
    "JSON without an end": b"\x81\x82" + masked(b'{"'),
    "JSON as deep as it gets": b"\x81\xfe\xc3\x50" + masked(b"[" * 50_000),
}


@pytest.fixture(scope="module")
def run_id(module_api: ApiServer) -> str:
    run_id = running(module_api)
    log(module_api, run_id, "one")
    return run_id


@pytest.fixture(scope="module")
def module_api(module_database_url: str) -> Iterator[ApiServer]:
    with ApiServer(module_database_url) as server:
        yield server


@pytest.mark.parametrize("frame", FRAMES)
def test_what_is_no_frame_closes_this_connection_alone(module_api: ApiServer, run_id: str, frame: str) -> None:
    with RawClient(module_api, "websocket", run_id) as other, RawClient(module_api, "websocket", run_id) as evil:
        for client in (other, evil):
            client.read_until(b'"lastSequence":')
        evil.socket.sendall(FRAMES[frame])
        evil.socket.settimeout(10)
        assert evil.is_closed()
        log(module_api, run_id, f"after {frame}")
        assert f"after {frame}".encode() in other.read_until(f"after {frame}".encode())
