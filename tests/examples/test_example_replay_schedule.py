"""When a trace's tasks start and end, and in which order that is told."""

from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

from replay_schedule import Schedule, schedule
from wfformat import parse_trace
from workflow_trace import Trace

from tests.examples.example_traces import DIAMOND, START, trace_of


def seconds(trace: Trace, instants: dict[str, datetime]) -> dict[str, float]:
    return {name: (at - trace.executed_at).total_seconds() for name, at in instants.items()}


def test_tasks_start_when_the_last_of_their_parents_has_ended() -> None:
    times = schedule(DIAMOND)
    assert seconds(DIAMOND, times.starts) == {"a": 0, "b": 1.000001, "c": 1.000001, "d": 3.000001}
    assert seconds(DIAMOND, times.ends) == {"a": 1.000001, "b": 3.000001, "c": 1.000001, "d": 3.500001}
    assert (times.start, times.end) == (START, START + timedelta(seconds=3.500001))


def test_a_start_that_the_trace_tells_counts_even_before_the_run() -> None:
    trace = trace_of(
        {"id": "a", "runtimeInSeconds": 2, "executedAt": "2021-03-23T05:57:14Z"},
        {"id": "b", "runtimeInSeconds": 1, "parents": ["a"]},
        {"id": "c", "runtimeInSeconds": 1, "executedAt": "2021-03-23T05:58:15Z", "parents": ["a"]},
    )
    times = schedule(trace)
    assert seconds(trace, times.starts) == {"a": -1, "b": 1, "c": 60}
    assert times.start == START - timedelta(seconds=1)
    assert times.end == START + timedelta(seconds=61)


def check_order(trace: Trace, times: Schedule) -> None:
    told = [(event.task.id, event.is_end) for event in times.events(trace)]
    place = {event: index for index, event in enumerate(told)}
    assert len(place) == 2 * len(trace.tasks)
    for task in trace.tasks:
        assert place[task.id, False] < place[task.id, True]
        for parent in task.parents:
            assert place[parent, True] < place[task.id, False]
    assert all(before.at <= after.at for before, after in pairwise(times.events(trace)))


def test_events_come_in_a_legal_order_even_at_one_instant() -> None:
    check_order(DIAMOND, schedule(DIAMOND))
    still = trace_of(*({"id": f"t{n}", "runtimeInSeconds": 0, "parents": [f"t{n - 1}"] if n else []} for n in range(9)))
    check_order(still, schedule(still))


def test_events_of_real_traces_come_in_a_legal_order(trace_file: Path) -> None:
    trace = parse_trace(trace_file.read_bytes())
    check_order(trace, schedule(trace))
