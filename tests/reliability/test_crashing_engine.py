"""An engine that crashes anywhere and begins again leaves what one leaves that never crashed."""

import random

import pytest

from tests.api_server import ApiServer
from tests.reliability.crashing_engine import ITEMS, KEYS, Crash, CrashError, Engine, tree
from tests.reliability.reports import a_key, logged
from tests.reliability.torture import length

MOMENTS = ("before", "on the wire", "answer")


@pytest.fixture(scope="module")
def never_crashed(api: ApiServer) -> object:
    """The tree of an engine that had nothing in its way."""
    return tree(api, Engine(api, a_key()).live())


def test_an_engine_that_never_crashes_leaves_a_whole_tree(never_crashed: dict) -> None:  # type: ignore[type-arg]
    steps = never_crashed["nodeExecutions"]["nodes"]
    assert [step["key"] for step in steps] == KEYS
    assert {step["status"] for step in steps} == {"COMPLETED"}
    entries = 2 * (ITEMS + ITEMS // 10)
    assert (never_crashed["status"], never_crashed["logCounts"]) == ("COMPLETED", {"total": entries, "info": entries})


@pytest.mark.torture
@pytest.mark.parametrize("seed", range(length(2, 20)))
def test_an_engine_that_crashes_at_random_points_leaves_the_same(
    api: ApiServer, never_crashed: object, seed: int
) -> None:
    chance = random.Random(seed)
    key = a_key()
    crashes = 0
    while True:
        crash = Crash(chance.randrange(12), chance.choice(MOMENTS))
        try:
            run_id = Engine(api, key, crash).live()
        except CrashError:
            crashes += 1
        else:
            break
    assert crashes >= 10
    assert tree(api, run_id) == never_crashed
    assert [entry["sequence"] for entry in logged(api, run_id)] == list(range(1, 2 * (ITEMS + ITEMS // 10) + 1))
