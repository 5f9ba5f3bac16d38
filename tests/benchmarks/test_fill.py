"""The generator writes what the API would have written: counters, revisions and tries are true."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text

from benchmarks.rows import Generator
from benchmarks.sizes import Sizes
from db import Database
from tests.filled_database import filled_database

SIZES = Sizes(runs=200, steps=1_500, entries=4_000, workflows=6, longest_log=1_500, widest_run=200, days=30)

FALSE = {
    "an entry's sequence": """
        SELECT workflow_execution_id FROM execution_logs GROUP BY 1
        HAVING min(sequence) <> 1 OR max(sequence) <> count(*)
    """,
    "the counts of entries": """
        SELECT workflow_execution_id FROM execution_counters AS counter
        WHERE ARRAY[last_sequence, debug_count, info_count, warning_count, error_count] <> (
            SELECT ARRAY[count(*), count(*) FILTER (WHERE level = 'debug'), count(*) FILTER (WHERE level = 'info'),
                count(*) FILTER (WHERE level = 'warning'), count(*) FILTER (WHERE level = 'error')]::int[]
            FROM execution_logs WHERE workflow_execution_id = counter.workflow_execution_id
        )
    """,
    "the revisions": """
        SELECT run.id FROM workflow_executions AS run
        LEFT JOIN execution_counters AS counter ON counter.workflow_execution_id = run.id
        JOIN node_executions AS step ON step.workflow_execution_id = run.id
        GROUP BY run.id, counter.revision
        HAVING counter.revision IS NULL OR run.revision > counter.revision OR max(step.revision) > counter.revision
            OR count(DISTINCT step.revision) <> count(*)
    """,
    "the present try of a step": """
        SELECT step.id FROM node_executions AS step
        LEFT JOIN node_execution_attempts AS try
            ON try.node_execution_id = step.id AND try.attempt = step.retry_count + 1
        WHERE step.started_at IS NOT NULL AND (try.status, try.ended_at, try.error_message)
            IS DISTINCT FROM (step.status, step.ended_at, step.error_message)
    """,
    "the number of tries": """
        SELECT step.id FROM node_executions AS step
        WHERE (SELECT count(*) FROM node_execution_attempts WHERE node_execution_id = step.id)
            <> (CASE WHEN step.started_at IS NULL THEN 0 ELSE step.retry_count + 1 END)
    """,
    "the step of an entry": """
        SELECT log.sequence FROM execution_logs AS log
        LEFT JOIN node_executions AS step
            ON (step.workflow_execution_id, step.id) = (log.workflow_execution_id, log.node_execution_id)
        WHERE step.id IS NULL AND log.node_execution_id IS NOT NULL
    """,
    "the namespace of a run": """
        SELECT run.id FROM workflow_executions AS run
        LEFT JOIN workflows AS workflow ON workflow.id = run.workflow_id
        WHERE run.namespace IS DISTINCT FROM workflow.namespace
    """,
    "the status of a step in a run that has ended": """
        SELECT step.id FROM node_executions AS step
        JOIN workflow_executions AS run ON run.id = step.workflow_execution_id
        WHERE run.ended_at IS NOT NULL AND step.ended_at IS NULL
    """,
}


@pytest.fixture(scope="module")
def filled_url() -> Iterator[str]:
    with filled_database(SIZES) as url:
        yield url


@pytest.mark.parametrize("what", FALSE)
async def test_what_the_generator_writes_is_true(filled_url: str, what: str) -> None:
    async with Database(filled_url) as database, database.read() as connection:
        assert (await connection.execute(text(FALSE[what]))).all() == []


async def test_there_are_as_many_rows_as_asked_for(filled_url: str) -> None:
    expected = {
        "SELECT count(*) FROM workflow_executions": SIZES.runs,
        "SELECT count(*) FROM node_executions": SIZES.steps,
        "SELECT count(*) FROM execution_logs": SIZES.entries,
        "SELECT count(*) FROM workflows": SIZES.workflows,
        "SELECT max(last_sequence) FROM execution_counters": SIZES.longest_log,
        "SELECT max(execution_order) + 1 FROM node_executions": SIZES.widest_run,
        "SELECT max(number) FROM (SELECT count(*) AS number FROM workflow_executions GROUP BY workflow_id) AS n": 102,
    }
    async with Database(filled_url) as database, database.read() as connection:
        found = {statement: (await connection.execute(text(statement))).scalar_one() for statement in expected}
    largest = found.pop(next(reversed(expected)))
    del expected[next(reversed(expected))]
    assert found == expected
    assert 0.45 < largest / SIZES.runs < 0.55


async def test_the_foreign_keys_hold(filled_url: str) -> None:
    """They were not looked at while the rows were written."""
    everywhere = "SELECT conname FROM pg_constraint WHERE contype = 'f'"
    async with Database(filled_url) as database, database.session() as session, session.begin():
        names = (await session.execute(text(f"{everywhere} ORDER BY 1"))).scalars().all()
        assert names
        for name in names:
            table, definition = (
                await session.execute(
                    text(
                        "SELECT conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint"
                        " WHERE conname = :name"
                    ),
                    {"name": name},
                )
            ).one()
            await session.execute(text(f"ALTER TABLE {table} ADD CONSTRAINT checked {definition}"))
            await session.execute(text(f"ALTER TABLE {table} DROP CONSTRAINT checked"))


def test_the_same_sizes_make_the_same_rows() -> None:
    def made() -> list[Any]:
        generator = Generator(SIZES)
        return [generator.definitions(), *generator.runs()]

    assert made() == made()
