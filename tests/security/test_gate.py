"""Who is let in at the gate when there is room for few, and who is refused of those who wait."""

import asyncio
from collections.abc import Iterator

import pytest

from graphql_api.http.gate import Gate
from graphql_api.security.admission import AT_ONCE, Admission
from graphql_api.security.errors import OverloadedError

PLACES = 12
PER_CALLER = 10
GREEDY, MODEST, NOBODY = b"Bearer greedy", b"Bearer modest", b""


@pytest.fixture
def gate() -> Gate:
    """One with so many places."""
    return Gate(Admission(most=AT_ONCE, waiting=PLACES - AT_ONCE, per_caller=PER_CALLER))


def let_in(gate: Gate, credentials: bytes) -> bool:
    if gate.refusal(credentials) is not None:
        return False
    gate.enter(credentials)
    return True


def come(gate: Gate, credentials: bytes, times: int = 3 * PLACES) -> int:
    """How many of so many were let in."""
    return sum(let_in(gate, credentials) for _ in range(times))


def status(gate: Gate, credentials: bytes) -> bytes:
    refusal = gate.refusal(credentials)
    assert refusal is not None
    return refusal.split()[1]


def strangers() -> Iterator[bytes]:
    """A thousand of whom nobody has been seen before."""
    return (f"Bearer {number}".encode() for number in range(1_000))


def test_a_caller_gets_its_limit(gate: Gate) -> None:
    assert come(gate, GREEDY) == PER_CALLER
    assert status(gate, GREEDY) == b"429"


def test_who_shows_no_credentials_gets_all_places(gate: Gate) -> None:
    assert come(gate, NOBODY) == PLACES
    assert status(gate, NOBODY) == b"503"


def test_beside_one_who_takes_all_another_gets_its_share(gate: Gate) -> None:
    assert come(gate, NOBODY) == PLACES
    assert come(gate, MODEST) == PLACES // 2
    assert status(gate, MODEST) == b"503"


def test_who_was_let_in_as_its_share_makes_room_for_others(gate: Gate) -> None:
    assert come(gate, NOBODY) == PLACES
    assert come(gate, MODEST) == PLACES // 2
    for _ in range(PLACES // 2):
        gate.leave(NOBODY)
    assert come(gate, NOBODY) == 0
    gate.leave(MODEST)
    assert come(gate, NOBODY) == 1


def test_a_thousand_made_up_credentials_get_few_places_more(gate: Gate) -> None:
    assert come(gate, NOBODY) == PLACES
    assert sum(come(gate, stranger) for stranger in strangers()) <= 2 * PLACES + AT_ONCE


async def outcomes(waiting: int, **requests: int) -> dict[str, int]:
    """How many of so many requests of each caller are served where so many may wait."""
    admission = Admission(most=AT_ONCE, waiting=waiting, per_caller=1_000)

    async def ask(caller: str) -> bool:
        try:
            await admission.enter(caller)
        except OverloadedError:
            return False
        await begun.wait()
        admission.leave(caller)
        return True

    begun = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        asked = {caller: [group.create_task(ask(caller)) for _ in range(count)] for caller, count in requests.items()}
        await asyncio.sleep(0)
        begun.set()
    return {caller: sum(task.result() for task in tasks) for caller, tasks in asked.items()}


async def test_of_those_who_wait_the_one_who_asks_for_too_much_is_refused_and_no_other() -> None:
    assert await outcomes(20, greedy=AT_ONCE + 15, modest=6) == {"greedy": 2 * AT_ONCE, "modest": 6}


async def test_where_everybody_waits_with_little_the_longest_waits_are_refused() -> None:
    served = await outcomes(20, **{f"team {number}": 3 for number in range(10)})
    assert sum(served.values()) == AT_ONCE + 10 + (30 - AT_ONCE - 21)


async def test_where_nobody_may_wait_nobody_does() -> None:
    assert await outcomes(0, one=10) == {"one": AT_ONCE}
