"""The database: what a URL may be, one transaction for each unit of work, and what is tried again."""

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from db import Database, Workflow
from db.database import TRIES, asyncpg_url, sqlstate
from db.errors import InvalidInputError
from db.filters import JsonText


@pytest.fixture
def database(shared_database: Database) -> Database:
    """Each test looks only at what it makes."""
    return shared_database


@pytest.mark.parametrize("scheme", ["postgresql+asyncpg", "postgresql", "postgres"])
def test_a_url_may_leave_out_the_driver(scheme: str) -> None:
    url = asyncpg_url(f"{scheme}://user:p%40ss@host:5433/name?ssl=require")

    assert url.render_as_string(hide_password=False) == "postgresql+asyncpg://user:p%40ss@host:5433/name?ssl=require"


@pytest.mark.parametrize("scheme", ["mysql", "postgresql+psycopg", "sqlite"])
def test_a_url_of_something_else_is_refused(scheme: str) -> None:
    with pytest.raises(ValueError, match=r"^The database URL must begin with postgresql\+asyncpg://, not "):
        Database(f"{scheme}://host/name")


async def test_a_ping_arrives_or_raises(database: Database) -> None:
    await database.ping()
    async with Database(database.url.set(database="no_such_database")) as nowhere:
        with pytest.raises(Exception, match="no_such_database"):
            await nowhere.ping()


async def test_a_unit_of_work_is_committed_and_gives_what_it_gives(database: Database) -> None:
    id_ = uuid7()

    async def work(session: AsyncSession) -> str:
        session.add(Workflow(id=id_, name="Kept"))
        return "done"

    assert await database.run(work) == "done"
    assert await name_of(database, id_) == "Kept"


async def test_a_unit_of_work_that_raises_is_rolled_back_and_not_tried_again(database: Database) -> None:
    id_ = uuid7()
    tried = []

    async def work(session: AsyncSession) -> None:
        tried.append(None)
        session.add(Workflow(id=id_, name="Not kept"))
        await session.flush()
        raise InvalidInputError("field", "no")

    with pytest.raises(InvalidInputError):
        await database.run(work)

    assert (len(tried), await name_of(database, id_)) == (1, None)


async def name_of(database: Database, id_: object) -> str | None:
    async with database.session() as session:
        return await session.scalar(select(Workflow.name).where(Workflow.id == id_))


FAILURES = ["serialization_failure", "deadlock_detected", "unique_violation"]


@pytest.mark.parametrize("failure", FAILURES)
async def test_what_may_succeed_the_next_time_is_tried_again_from_the_start(database: Database, failure: str) -> None:
    ids = []

    async def work(session: AsyncSession) -> int:
        ids.append(uuid7())
        session.add(Workflow(id=ids[-1], name="Tried"))
        await session.flush()
        if len(ids) < TRIES:
            await session.execute(text(f"DO $$ BEGIN RAISE {failure}; END $$"))
        return len(ids)

    assert await database.run(work) == TRIES
    async with database.session() as session:
        kept = (await session.scalars(select(Workflow.id).where(Workflow.id.in_(ids)))).all()
    assert kept == [ids[-1]]


@pytest.mark.parametrize(("failure", "times"), [*((failure, TRIES) for failure in FAILURES), ("check_violation", 1)])
async def test_what_goes_on_failing_is_raised(database: Database, failure: str, times: int) -> None:
    tried = []

    async def work(session: AsyncSession) -> None:
        tried.append(None)
        await session.execute(text(f"DO $$ BEGIN RAISE {failure}; END $$"))

    with pytest.raises(DBAPIError):
        await database.run(work)

    assert len(tried) == times


async def test_the_state_is_that_of_postgresql_if_it_comes_from_there(database: Database) -> None:
    async with database.session() as session:
        session.add(Workflow(name="W", version=0))
        with pytest.raises(IntegrityError) as refused:
            await session.commit()

    assert (sqlstate(refused.value), sqlstate(ValueError())) == ("23514", None)


async def test_a_session_keeps_what_it_loaded_after_a_commit(database: Database) -> None:
    async with database.session() as session:
        workflow = Workflow(name="Kept")
        session.add(workflow)
        await session.commit()

        assert (workflow.name, workflow.version) == ("Kept", 1)


async def test_times_are_utc_whatever_the_servers_zone(database: Database) -> None:
    async with database.read() as connection:
        zone = (await connection.execute(text("SHOW timezone"))).scalar_one()
        now = (await connection.execute(select(func.now()))).scalar_one()

    assert (zone, now.utcoffset().total_seconds()) == ("UTC", 0)


def test_json_texts_are_equal_if_their_texts_are() -> None:
    one, same, other = JsonText("1", 1), JsonText("1", 1.0), JsonText("2", 2)

    assert ({one: "found"}.get(same), one == other, one == "1") == ("found", False, False)
