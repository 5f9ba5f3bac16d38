"""What several fields of one operation load together."""

import asyncio
from collections.abc import Sequence

import pytest

from db.reader import Reader
from tests.api_server import ApiServer


async def test_a_field_that_gives_up_does_not_give_up_for_the_others(server: ApiServer) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()
    asked: list[Sequence[int]] = []

    async def squares(_: Reader, keys: Sequence[int]) -> list[int]:
        asked.append(keys)
        begun.set()
        await go_on.wait()
        return [key * key for key in keys]

    async def load_together() -> list[list[int]]:
        context = server.context.for_operation()
        first = asyncio.create_task(context.load(squares, [1, 2]))
        await begun.wait()
        gives_up, waits = (asyncio.create_task(context.load(squares, [2])) for _ in range(2))
        await asyncio.sleep(0)
        gives_up.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gives_up
        go_on.set()
        return await asyncio.gather(first, waits)

    there = asyncio.run_coroutine_threadsafe(load_together(), server.loop)
    assert await asyncio.wait_for(asyncio.wrap_future(there), 10) == [[1, 4], [4]]
    assert asked == [[1, 2]]
