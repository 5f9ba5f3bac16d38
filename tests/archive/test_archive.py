"""An archive restores exactly what was exported, and one that is not whole and unaltered restores nothing."""

import json
import re
from typing import Any
from uuid import UUID, uuid4

import pytest

from db import Database
from db.archive import ArchiveError
from db.errors import NotFoundError
from tests.archive.conftest import exported, imported, sealed
from tests.db.builders import RUNNING, EntryInput, a_run, a_step, append
from tests.reliability.store import BROKEN, everything, fetch


async def test_everything_is_restored_exactly_and_exported_again_to_the_same_bytes(
    filled_url: str, other_url: str, all_runs: list[UUID], archive: bytes
) -> None:
    came_in = await imported(other_url, archive)

    assert (came_in.runs, came_in.lost_references, came_in.lost_keys) == (all_runs, 0, 0)
    assert await everything(other_url) == await everything(filled_url)
    assert await exported(other_url, all_runs[::-1]) == archive
    assert await fetch(other_url, BROKEN) == []


async def test_every_line_is_a_json_object_of_one_kind(archive: bytes) -> None:
    lines = [json.loads(line) for line in archive.splitlines()]
    assert {len(line) for line in lines} == {1}
    kinds = [next(iter(line)) for line in lines]
    assert (kinds[0], kinds[-1]) == ("archive", "end")
    assert lines[-1]["end"]["lines"] == len(lines) - 1
    assert [kinds.count(kind) for kind in ("workflow", "run", "counter", "step", "entry")] == [5, 60, 60, 600, 4000]


VALUES: list[Any] = [
    {
        "big": 2**63 - 1,
        "small": -(2**63),
        "float": 1.1e-7,
        "text": "추세 \u2028 \\ \" 'quoted' \t 🙂",
        "nested": [[], {}, None],
    },
    "a string",
    [1, 2.5, None, True],
    0,
    False,
    {"": {"": ""}},
]


@pytest.mark.parametrize("value", VALUES)
async def test_values_and_texts_come_back_as_they_were(
    database: Database, database_url: str, other_url: str, value: Any
) -> None:
    run_id = await a_run(database, RUNNING, input_data=value, context=value, metadata=value)
    step_id = await a_step(database, run_id, RUNNING, name="추세 \\n \n", input_data=value)
    await append(database, run_id, EntryInput(message="line\nline \\x \u2029", data=value, node_execution_id=step_id))

    await imported(other_url, await exported(database_url, [run_id]))

    assert await everything(other_url) == await everything(database_url)


async def test_a_run_goes_on_where_it_was_imported(database: Database, database_url: str, other_url: str) -> None:
    run_id = await a_run(database, RUNNING)
    await append(database, run_id, EntryInput(), EntryInput())
    await imported(other_url, await exported(database_url, [run_id]))
    async with Database(other_url) as other:
        assert (await append(other, run_id, EntryInput())).first_sequence == 3
        await a_step(other, run_id, RUNNING)
    assert await fetch(other_url, BROKEN) == []


async def test_sub_runs_come_along_where_that_is_asked_for(
    database: Database, database_url: str, other_url: str
) -> None:
    root = await a_run(database, RUNNING)
    child = await a_run(database, RUNNING, parent_node_execution_id=await a_step(database, root))
    grandchild = await a_run(database, parent_node_execution_id=await a_step(database, child))
    alone = await exported(database_url, [root])
    family = await exported(database_url, [root], sub_runs=True)

    assert sorted((await imported(other_url, family)).runs) == sorted([root, child, grandchild])
    assert await everything(other_url) == await everything(database_url)
    assert alone.count(b'\n{"run":') == 1


async def test_references_that_lead_nowhere_are_lost_and_said_and_others_are_kept(
    database: Database, database_url: str, other_url: str
) -> None:
    first = await a_run(database)
    parent = await a_run(database, RUNNING)
    step_id = await a_step(database, parent)
    second = await a_run(database, retry_of_id=first, parent_node_execution_id=step_id)
    await imported(other_url, await exported(database_url, [parent]))

    came_in = await imported(other_url, await exported(database_url, [second]))

    assert came_in.lost_references == 1
    columns = "SELECT retry_of_id, parent_node_execution_id, revision FROM workflow_executions WHERE id = $1"
    before, after = [(await fetch(url, columns, second))[0] for url in (database_url, other_url)]
    assert tuple(after) == (None, step_id, before["revision"])


async def test_a_key_that_belongs_to_another_definition_here_stays_with_it(
    database: Database, database_url: str, other_url: str
) -> None:
    run_id = await a_run(database)
    named = "UPDATE workflows SET key = 'nightly'"
    await fetch(database_url, named)
    async with Database(other_url) as other:
        await a_run(other)
    await fetch(other_url, named)

    assert (await imported(other_url, await exported(database_url, [run_id]))).lost_keys == 1
    keys = await fetch(other_url, "SELECT key FROM workflows ORDER BY key NULLS LAST")
    assert [key for (key,) in keys] == ["nightly", None]


async def test_what_is_here_already_is_refused_and_nothing_is_imported(
    filled_url: str, other_url: str, all_runs: list[UUID], archive: bytes
) -> None:
    await imported(other_url, await exported(filled_url, all_runs[30:31]))
    before = await everything(other_url)

    with pytest.raises(ArchiveError, match=f"Run {all_runs[30]} is here already"):
        await imported(other_url, archive)

    assert await everything(other_url) == before


async def test_an_unknown_run_is_not_exported(database_url: str) -> None:
    unknown = uuid4()
    with pytest.raises(NotFoundError, match=str(unknown)):
        await exported(database_url, [unknown])


async def test_a_truncated_archive_is_refused_wherever_it_ends(other_url: str, archive: bytes) -> None:
    before = await everything(other_url)
    ends = [0, 1, 5, len(archive) // 3, len(archive) - 2, *(match.end() for match in re.finditer(b"\n", archive))][:-1]
    for end in [*ends[:40], *ends[-40:], len(archive) - 1]:
        with pytest.raises(ArchiveError):
            await imported(other_url, archive[:end])
    assert await everything(other_url) == before


async def test_an_altered_archive_is_refused_wherever_it_was_altered(other_url: str, archive: bytes) -> None:
    before = await everything(other_url)
    for place in range(0, len(archive), len(archive) // 60):
        altered = bytearray(archive)
        altered[place] ^= 1
        with pytest.raises(ArchiveError):
            await imported(other_url, bytes(altered))
    lines = archive.splitlines(keepends=True)
    for moved in (
        [*lines[:50], *lines[51:]],
        [*lines[:50], lines[51], lines[50], *lines[52:]],
        [*lines, lines[-1]],
        [*lines, b"{}\n"],
        [*lines[:-1], b"\n", lines[-1]],
        lines[1:],
    ):
        with pytest.raises(ArchiveError):
            await imported(other_url, b"".join(moved))
    assert await everything(other_url) == before


def without(lines: list[bytes], kind: str) -> list[bytes]:
    place = max(place for place, line in enumerate(lines) if line.startswith(b'{"%b":' % kind.encode()))
    return [*lines[:place], *lines[place + 1 :]]


def replaced(lines: list[bytes], kind: str, old: bytes, new: bytes) -> list[bytes]:
    prefix = b'{"%b":' % kind.encode()
    place = next(place for place, line in enumerate(lines) if line.startswith(prefix) and old in line)
    return [*lines[:place], lines[place].replace(old, new, 1), *lines[place + 1 :]]


@pytest.mark.parametrize(
    ("forge", "message"),
    [
        (lambda lines: without(lines, "entry"), "contradicts itself: run .* has .* entries"),
        (lambda lines: without(lines, "counter"), "contradicts itself"),
        (lambda lines: without(lines, "step"), "does not fit what is here|contradicts itself"),
        (lambda lines: without(lines, "workflow"), "does not fit what is here"),
        (lambda lines: without(lines, "run"), "does not fit what is here|contradicts itself"),
        (lambda lines: replaced(lines, "run", b'"completed"', b'"running"'), "does not fit what is here"),
        (lambda lines: replaced(lines, "step", b'"completed"', b'"skipped"'), "does not fit what is here"),
        (lambda lines: replaced(lines, "entry", b'"level":"info"', b'"level":"error"'), "contradicts itself"),
        (lambda lines: replaced(lines, "entry", b'"sequence":1,', b'"sequence":9000,'), "contradicts itself"),
        (lambda lines: replaced(lines, "entry", b'"message":"', b'"message":"\\u0000'), "does not fit what is here"),
        (lambda lines: replaced(lines, "attempt", b'"status":"', b'"status":"x'), "does not fit what is here"),
        (
            lambda lines: replaced(lines, "archive", b'"format":1', b'"format":2'),
            "newer version.*: format 2",
        ),
        (lambda lines: replaced(lines, "archive", b'"level"', b'"colour"'), "newer version.*: entry.colour"),
        (lambda lines: [b"{}\n", *lines[1:]], "no archive of execgraph"),
        (lambda lines: [b"[1]\n", *lines[1:]], "no archive of execgraph"),
    ],
)
async def test_an_archive_that_was_altered_and_sealed_again_has_to_make_sense(
    other_url: str, archive: bytes, forge: Any, message: str
) -> None:
    before = await everything(other_url)

    with pytest.raises(ArchiveError, match=message):
        await imported(other_url, sealed(forge(archive.splitlines(keepends=True)[:-1])))

    assert await everything(other_url) == before


async def test_an_archive_of_an_older_version_lacks_columns_that_have_defaults(
    database: Database, database_url: str, other_url: str
) -> None:
    run_id = await a_run(database)
    archive = await exported(database_url, [run_id])
    older = [
        re.sub(rb'"creation_digest",|"creation_digest":("[^"]*"|null),', b"", line) for line in archive.splitlines(True)
    ]

    await imported(other_url, sealed(older[:-1]))

    assert await fetch(other_url, "SELECT id, creation_digest FROM workflow_executions") == [(run_id, None)]
