"""Execution traces in WfFormat 1.5 (https://github.com/wfcommons/WfFormat): parsed, and checked as a whole.

Nothing here does I/O. `parse_trace` either returns a trace in which every reference leads somewhere, no
dependency is circular and every figure is a number, or raises `MalformedError` with the JSON path of what
is wrong.
"""

from __future__ import annotations

import heapq
import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from graphlib import CycleError, TopologicalSorter
from typing import NoReturn

from json_place import MalformedError, Place, shown
from workflow_trace import File, Machine, Task, Trace

VERSION = "1.5"
LONGEST_RUNTIME = 100 * 365 * 86_400  # seconds; keeps every instant within what a calendar can hold


def parse_trace(text: str | bytes) -> Trace:
    """Parse and check a trace.

    Raises:
        MalformedError: what is wrong, with its JSON path.
    """
    try:
        document = Place(json.loads(text, parse_constant=_refuse_constant))
    except (ValueError, RecursionError) as error:  # a bad encoding is a ValueError, too
        raise MalformedError("the document", f"is not JSON ({error})") from error
    name = document["name"].text()
    version = document["schemaVersion"]
    if version.text() != VERSION:
        raise version.wrong(f"expected WfFormat {VERSION}, found {shown(version.value)}")
    specification = document["workflow"]["specification"]
    execution = document["workflow"]["execution"]
    machines = _machines(execution)
    description, system = document.get("description"), document.get("runtimeSystem")
    return Trace(
        name=name,
        description=description.text() if description else None,
        system=f"{system['name'].text()} {system['version'].text()}" if system else None,
        makespan=execution["makespanInSeconds"].number(minimum=0),
        executed_at=_instant(execution["executedAt"]),
        tasks=_tasks(specification, execution, machines),
        machines=machines or {},
    )


def _tasks(specification: Place, execution: Place, machines: dict[str, Machine] | None) -> tuple[Task, ...]:
    specified = _by_id(specification["tasks"], at_least=1)
    executed = _by_id(execution["tasks"], at_least=1)
    for task_id, place in executed.items():
        if task_id not in specified:
            raise place["id"].wrong(f"no such task in the specification: {shown(task_id)}")
    for task_id, place in specified.items():
        if task_id not in executed:
            raise place["id"].wrong(f"task {shown(task_id)} was not executed: not in {execution.path}.tasks")
    files = _files(specification)
    order = _dependency_order(specified)
    return tuple(_task(specified[task_id], executed[task_id], files, machines) for task_id in order)


def _task(
    specified: Place, executed: Place, files: dict[str, File] | None, machines: dict[str, Machine] | None
) -> Task:
    def figure(name: str) -> float | None:
        place = executed.get(name)
        return place.number() if place else None

    def named_files(name: str) -> tuple[File, ...]:
        place = specified.get(name)
        if place is None:
            return ()
        if files is None:
            return tuple(File(name, None) for name in place.texts())
        return tuple(files[_known(item, files, "file")] for item in place.items())

    command, executed_at = executed.get("command"), executed.get("executedAt")
    program = command.get("program") if command else None
    arguments = command.get("arguments") if command else None
    runtime = executed["runtimeInSeconds"]
    if runtime.number(minimum=0) > LONGEST_RUNTIME:
        raise runtime.wrong(f"{runtime.value} seconds are more than a hundred years")
    return Task(
        id=specified["id"].text(),
        name=specified["name"].text(),
        parents=specified["parents"].texts(),
        runtime=timedelta(seconds=runtime.number()),
        executed_at=_instant(executed_at) if executed_at else None,
        program=program.text() if program else None,
        arguments=arguments.texts() if arguments else (),
        core_count=figure("coreCount"),
        cpu=figure("avgCPU"),
        read=figure("readBytes"),
        written=figure("writtenBytes"),
        memory=figure("memoryInBytes"),
        energy=figure("energyInKWh"),
        power=figure("avgPowerInW"),
        priority=figure("priority"),
        machines=_machines_used(executed, machines),
        inputs=named_files("inputFiles"),
        outputs=named_files("outputFiles"),
    )


def _machines_used(executed: Place, machines: dict[str, Machine] | None) -> tuple[str, ...]:
    place = executed.get("machines")
    if place is None:
        return ()
    if machines is None:  # the trace has no section that could know them
        return place.texts()
    return tuple(_known(item, machines, "machine") for item in place.items())


def _dependency_order(specified: dict[str, Place]) -> list[str]:
    """The ids, each after its parents; the file's order decides between those that are free to go."""
    parents: dict[str, tuple[str, ...]] = {}
    children: dict[str, tuple[str, ...]] = {}
    for task_id, place in specified.items():
        for name, relatives in (("parents", parents), ("children", children)):
            items = place[name].items()
            relatives[task_id] = tuple(_known(item, specified, "task") for item in items)
            for other, count in Counter(relatives[task_id]).items():
                if count > 1:
                    raise place[name].wrong(f"names {shown(other)} {count} times")
    _check_both_ends_agree(specified, parents, "parents", children, "children")
    _check_both_ends_agree(specified, children, "children", parents, "parents")
    sorter = TopologicalSorter(parents)
    try:
        sorter.prepare()
    except CycleError as error:
        cycle: list[str] = error.args[1]
        raise specified[cycle[0]]["parents"].wrong(f"a circular dependency: {shown(cycle)}") from None
    rank = {task_id: index for index, task_id in enumerate(specified)}
    order: list[str] = []
    free = [(rank[task_id], task_id) for task_id in sorter.get_ready()]
    heapq.heapify(free)
    while free:
        _, task_id = heapq.heappop(free)
        order.append(task_id)
        sorter.done(task_id)
        for ready in sorter.get_ready():
            heapq.heappush(free, (rank[ready], ready))
    return order


def _check_both_ends_agree(
    specified: dict[str, Place],
    relatives: dict[str, tuple[str, ...]],
    name: str,
    back: dict[str, tuple[str, ...]],
    back_name: str,
) -> None:
    backwards = {task_id: frozenset(others) for task_id, others in back.items()}
    for task_id, others in relatives.items():
        for index, other in enumerate(others):
            if task_id not in backwards[other]:
                place = specified[task_id][name].items()[index]
                raise place.wrong(f"{shown(other)} does not name this task among its {back_name}")


def _by_id(array: Place, *, at_least: int = 0) -> dict[str, Place]:
    found: dict[str, Place] = {}
    for place in array.items(at_least=at_least):
        key = place["id"]
        if key.text() in found:
            raise key.wrong(f"duplicate id {shown(key.value)}, also that of {found[key.value].path}")
        found[key.value] = place
    return found


def _files(specification: Place) -> dict[str, File] | None:
    array = specification.get("files")
    if array is None:
        return None
    return {key: File(key, place["sizeInBytes"].integer(minimum=0)) for key, place in _by_id(array).items()}


def _machines(execution: Place) -> dict[str, Machine] | None:
    array = execution.get("machines")
    if array is None:
        return None
    found: dict[str, Machine] = {}
    for place in array.items(at_least=1):
        name = place["nodeName"]
        if name.text() in found:
            raise name.wrong(f"duplicate machine {shown(name.value)}")
        cpu, memory = place.get("cpu"), place.get("memoryInBytes")
        cores, speed, vendor = (cpu.get(key) if cpu else None for key in ("coreCount", "speedInMHz", "vendor"))
        found[name.value] = Machine(
            name=name.value,
            core_count=cores.integer(minimum=1) if cores else None,
            speed=speed.integer(minimum=1) if speed else None,
            vendor=vendor.text() if vendor else None,
            memory=memory.integer(minimum=1) if memory else None,
        )
    return found


def _known(item: Place, among: dict[str, File] | dict[str, Machine] | dict[str, Place], noun: str) -> str:
    key = item.text()
    if key not in among:
        raise item.wrong(f"no such {noun}: {shown(key)}")
    return key


def _instant(place: Place) -> datetime:
    """Read the forms that tracers write: ISO 8601, its basic form, and Pegasus 5's `03-23-21T05:57:15Z`.

    An instant without an offset is taken for UTC.
    """
    text = place.text()
    try:
        try:
            instant = datetime.fromisoformat(text)
        except ValueError:
            instant = datetime.strptime(text, "%m-%d-%yT%H:%M:%S%z")
        return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise place.wrong(f"expected an instant, found {shown(text)}") from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON value")
