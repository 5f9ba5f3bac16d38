"""Work that several ask for at once is done once, whoever of them leaves."""

import asyncio

from db.feeds.once import Once


class Work:
    """Work that takes until it is let go on."""

    def __init__(self) -> None:
        self.begun = 0
        self.go_on = asyncio.Event()

    async def __call__(self) -> int:
        self.begun += 1
        await self.go_on.wait()
        return self.begun


async def test_who_asks_for_the_same_meanwhile_gets_the_same_and_who_asks_later_gets_it_done_anew() -> None:
    once: Once[int] = Once()
    work, other = Work(), Work()
    asking = [asyncio.create_task(once.do(key, work)) for key in ("a", "a", "a")]
    asking.append(asyncio.create_task(once.do("b", other)))
    await asyncio.sleep(0)
    work.go_on.set()
    other.go_on.set()

    assert await asyncio.gather(*asking) == [(1, False), (1, True), (1, True), (1, False)]
    assert await once.do("a", work) == (2, False)


async def test_whoever_leaves_takes_nothing_from_the_others() -> None:
    once: Once[int] = Once()
    work = Work()
    first = asyncio.create_task(once.do("a", work))
    second = asyncio.create_task(once.do("a", work))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait([first])
    work.go_on.set()

    assert first.cancelled()
    assert await second == (1, True)


async def test_all_who_asked_are_told_what_went_wrong_and_nothing_is_left() -> None:
    once: Once[int] = Once()

    async def fail() -> int:
        raise ValueError("no")

    asking = [asyncio.create_task(once.do("a", fail)) for _ in range(2)]
    results = await asyncio.gather(*asking, return_exceptions=True)

    assert [str(result) for result in results] == ["no", "no"]
    assert once._under_way == {}
