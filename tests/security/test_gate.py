"""Who is let in at the gate when there is room for few."""

from collections.abc import Iterator

import pytest

from graphql_api.http.gate import Gate
from graphql_api.security.admission import AT_ONCE, Admission

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
