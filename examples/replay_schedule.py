"""When the tasks of a trace started and ended, as far as the trace tells."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from workflow_trace import Task, Trace


@dataclass(frozen=True, slots=True)
class Event:
    """A task starts or ends."""

    at: datetime
    task: Task
    is_end: bool


@dataclass(frozen=True, slots=True)
class Schedule:
    """The span of the run, and of each task by its id."""

    start: datetime
    end: datetime
    starts: dict[str, datetime]
    ends: dict[str, datetime]

    def events(self, trace: Trace) -> list[Event]:
        """All starts and ends by time; at one instant parents come before children, starts before ends."""
        rank = {task.id: index for index, task in enumerate(trace.tasks)}
        events = [Event(self.starts[task.id], task, False) for task in trace.tasks]
        events += [Event(self.ends[task.id], task, True) for task in trace.tasks]
        return sorted(events, key=lambda event: (event.at, rank[event.task.id], event.is_end))


def schedule(trace: Trace) -> Schedule:
    """Place the tasks in time.

    A task whose start the trace tells starts then; another one when the last of its parents has ended, or
    with the run when it has none. It ends after exactly its runtime.
    """
    starts: dict[str, datetime] = {}
    ends: dict[str, datetime] = {}
    for task in trace.tasks:  # in dependency order
        free = max((ends[parent] for parent in task.parents), default=trace.executed_at)
        starts[task.id] = task.executed_at or free
        ends[task.id] = starts[task.id] + task.runtime
    # Clocks differ, and tracers round: a task may seem to have started before the run did.
    return Schedule(min(trace.executed_at, *starts.values()), max(ends.values()), starts, ends)
