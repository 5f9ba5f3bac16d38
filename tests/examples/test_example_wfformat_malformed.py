"""Traces that are no good: the complaint names the place."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from json_place import MalformedError
from wfformat import parse_trace

from tests.examples.example_traces import TRACE


def specified(document: Any, index: int = 0) -> Any:
    return document["workflow"]["specification"]["tasks"][index]


def executed(document: Any, index: int = 0) -> Any:
    return document["workflow"]["execution"]["tasks"][index]


SPECIFIED, EXECUTED = "workflow.specification.tasks", "workflow.execution.tasks"
MALFORMED: dict[str, tuple[Callable[[Any], Any], str, str]] = {
    "no name": (lambda d: d.pop("name"), "name", "is missing"),
    "empty name": (lambda d: d.update(name=""), "name", "expected a string that is not empty"),
    "another version": (
        lambda d: d.update(schemaVersion="1.3"),
        "schemaVersion",
        'expected WfFormat 1.5, found "1.3"',
    ),
    "no workflow": (lambda d: d.pop("workflow"), "workflow", "is missing"),
    "workflow null": (lambda d: d.update(workflow=None), "workflow", "is missing"),
    "workflow a list": (lambda d: d.update(workflow=[]), "workflow", "expected an object, found []"),
    "no execution": (lambda d: d["workflow"].pop("execution"), "workflow.execution", "is missing"),
    "tasks an object": (
        lambda d: d["workflow"]["specification"].update(tasks={}),
        SPECIFIED,
        "expected an array, found {}",
    ),
    "no tasks": (
        lambda d: d["workflow"]["specification"].update(tasks=[]),
        SPECIFIED,
        "expected at least 1 element(s), found 0",
    ),
    "task a number": (
        lambda d: d["workflow"]["specification"].update(tasks=[1]),
        f"{SPECIFIED}[0]",
        "expected an object, found 1",
    ),
    "id a number": (lambda d: specified(d).update(id=1), f"{SPECIFIED}[0].id", "expected a string, found 1"),
    "NUL in an id": (
        lambda d: specified(d).update(id="c\0"),
        f"{SPECIFIED}[0].id",
        "holds a NUL or half a surrogate pair",
    ),
    "half a surrogate pair": (
        lambda d: specified(d).update(name="\ud83d"),
        f"{SPECIFIED}[0].name",
        "holds a NUL or half a surrogate pair",
    ),
    "duplicate id": (
        lambda d: specified(d, 1).update(id="c"),
        f"{SPECIFIED}[1].id",
        f'duplicate id "c", also that of {SPECIFIED}[0]',
    ),
    "duplicate execution": (
        lambda d: executed(d, 1).update(id="a"),
        f"{EXECUTED}[1].id",
        f'duplicate id "a", also that of {EXECUTED}[0]',
    ),
    "execution of an unknown task": (
        lambda d: d["workflow"]["execution"]["tasks"].append({"id": "x", "runtimeInSeconds": 1}),
        f"{EXECUTED}[3].id",
        'no such task in the specification: "x"',
    ),
    "a task without execution": (
        lambda d: d["workflow"]["execution"]["tasks"].pop(),
        f"{SPECIFIED}[0].id",
        f'task "c" was not executed: not in {EXECUTED}',
    ),
    "unknown parent": (
        lambda d: specified(d)["parents"].append("x"),
        f"{SPECIFIED}[0].parents[2]",
        'no such task: "x"',
    ),
    "unknown child": (
        lambda d: specified(d)["children"].append("x"),
        f"{SPECIFIED}[0].children[0]",
        'no such task: "x"',
    ),
    "parent named twice": (
        lambda d: specified(d)["parents"].append("a"),
        f"{SPECIFIED}[0].parents",
        'names "a" 2 times',
    ),
    "one-sided parent": (
        lambda d: specified(d, 2).update(children=[]),
        f"{SPECIFIED}[0].parents[0]",
        '"a" does not name this task among its children',
    ),
    "one-sided child": (
        lambda d: specified(d)["parents"].remove("b"),
        f"{SPECIFIED}[1].children[0]",
        '"c" does not name this task among its parents',
    ),
    "a cycle": (
        lambda d: (specified(d)["children"].append("a"), specified(d, 2)["parents"].append("c")),
        f"{SPECIFIED}[0].parents",
        'a circular dependency: ["c", "a", "c"]',
    ),
    "own parent": (
        lambda d: (specified(d)["children"].append("c"), specified(d)["parents"].append("c")),
        f"{SPECIFIED}[0].parents",
        'a circular dependency: ["c", "c"]',
    ),
    "unknown input file": (
        lambda d: specified(d)["inputFiles"].append("g"),
        f"{SPECIFIED}[0].inputFiles[1]",
        'no such file: "g"',
    ),
    "negative size": (
        lambda d: d["workflow"]["specification"]["files"][0].update(sizeInBytes=-1),
        "workflow.specification.files[0].sizeInBytes",
        "must not be less than 0, is -1",
    ),
    "half a byte": (
        lambda d: d["workflow"]["specification"]["files"][0].update(sizeInBytes=0.5),
        "workflow.specification.files[0].sizeInBytes",
        "expected a whole number, found 0.5",
    ),
    "no runtime": (
        lambda d: executed(d).pop("runtimeInSeconds"),
        f"{EXECUTED}[0].runtimeInSeconds",
        "is missing",
    ),
    "negative runtime": (
        lambda d: executed(d).update(runtimeInSeconds=-0.1),
        f"{EXECUTED}[0].runtimeInSeconds",
        "must not be less than 0, is -0.1",
    ),
    "runtime a string": (
        lambda d: executed(d).update(runtimeInSeconds="1"),
        f"{EXECUTED}[0].runtimeInSeconds",
        'expected a number, found "1"',
    ),
    "runtime true": (
        lambda d: executed(d).update(runtimeInSeconds=True),
        f"{EXECUTED}[0].runtimeInSeconds",
        "expected a number, found true",
    ),
    "endless runtime": (
        lambda d: executed(d).update(runtimeInSeconds=1e12),
        f"{EXECUTED}[0].runtimeInSeconds",
        "1000000000000.0 seconds are more than a hundred years",
    ),
    "more than 64 bits": (
        lambda d: executed(d).update(readBytes=2**63),
        f"{EXECUTED}[0].readBytes",
        "9223372036854775808 is out of range",
    ),
    "unknown machine": (
        lambda d: executed(d).update(machines=["n"]),
        f"{EXECUTED}[0].machines[0]",
        'no such machine: "n"',
    ),
    "no instant": (
        lambda d: executed(d).update(executedAt="yesterday"),
        f"{EXECUTED}[0].executedAt",
        'expected an instant, found "yesterday"',
    ),
    "an instant before the calendar": (
        lambda d: executed(d).update(executedAt="0001-01-01T00:00:00+10:00"),
        f"{EXECUTED}[0].executedAt",
        'expected an instant, found "0001-01-01T00:00:00+10:00"',
    ),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_malformed_traces_are_refused_with_the_path(case: str) -> None:
    spoil, path, problem = MALFORMED[case]
    document = copy.deepcopy(TRACE)
    spoil(document)
    with pytest.raises(MalformedError) as caught:
        parse_trace(json.dumps(document))
    assert (caught.value.path, caught.value.problem) == (path, problem)


@pytest.mark.parametrize(
    "text",
    ["", "{", b"\xff\xfe{", "[" * 100_000, '{"a": NaN}', '{"a": Infinity}', "9" * 5000],
    ids=["empty", "cut", "bytes", "deep", "NaN", "Infinity", "long number"],
)
def test_what_is_no_json_is_refused_in_one_line(text: str | bytes) -> None:
    with pytest.raises(MalformedError, match=r"^the document: is not JSON") as caught:
        parse_trace(text)
    assert "\n" not in str(caught.value)


def test_what_is_no_object_is_refused() -> None:
    with pytest.raises(MalformedError, match=r"^the document: expected an object, found \[\]$"):
        parse_trace("[]")


def test_a_float_beyond_all_bounds_is_refused() -> None:
    text = json.dumps(TRACE).replace("12.5", "1e999")
    with pytest.raises(MalformedError, match=r"^workflow.execution.makespanInSeconds: Infinity is out of range$"):
        parse_trace(text)
