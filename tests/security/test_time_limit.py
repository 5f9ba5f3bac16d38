"""A limit ends what it is around, and tells its own cancellation from that of others."""

import asyncio

import pytest

from graphql_api.security.time_limit import TimeLimit

SOON = 0.01


async def forever() -> None:
    await asyncio.Event().wait()


async def test_what_takes_too_long_is_given_up() -> None:
    ended = False

    async def work() -> None:
        nonlocal ended
        with TimeLimit(SOON):
            try:
                await forever()
            finally:
                ended = True

    with pytest.raises(TimeoutError) as raised:
        await work()
    assert ended
    assert isinstance(raised.value.__cause__, asyncio.CancelledError)
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
    await asyncio.sleep(0)  # nobody else is cancelled afterwards


async def test_what_does_not_is_left_alone() -> None:
    with TimeLimit(30):
        await asyncio.sleep(0)
    with pytest.raises(KeyError), TimeLimit(30):
        raise KeyError


async def test_who_is_cancelled_by_another_is_cancelled() -> None:
    begun = asyncio.Event()

    async def work() -> None:
        with TimeLimit(30):
            begun.set()
            await forever()

    task = asyncio.create_task(work())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_who_is_cancelled_by_both_is_cancelled() -> None:
    async def work() -> None:
        with TimeLimit(SOON):
            try:
                await forever()
            finally:
                task.cancel()  # while it ends, somebody else wants it to

    task = asyncio.create_task(work())
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_another_error_counts_for_more() -> None:
    async def work() -> None:
        with TimeLimit(SOON):
            try:
                await forever()
            except asyncio.CancelledError:
                raise KeyError from None

    with pytest.raises(KeyError):
        await work()


async def test_limits_within_each_other_are_told_apart() -> None:
    with pytest.raises(TimeoutError), TimeLimit(SOON), TimeLimit(30):
        await forever()
    with TimeLimit(30):
        with pytest.raises(TimeoutError), TimeLimit(SOON):
            await forever()
        await asyncio.sleep(0)
