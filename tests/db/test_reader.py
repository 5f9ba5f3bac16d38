"""Rows as the driver makes them."""

import pytest

from db import Database
from db.reader import Row
from db.statement import Statement


def test_a_record_class_without_slots_is_refused_because_its_rows_would_crash() -> None:
    assert all(not cls.__dictoffset__ for cls in (Row, *Row.__subclasses__()))
    with pytest.raises(TypeError, match=r"needs `__slots__ = \(\)`"):
        type("Loose", (Row,), {})


async def test_columns_are_attributes(shared_database: Database) -> None:
    from sqlalchemy import literal, select

    async with shared_database.reader() as reader:
        (row,) = await reader.rows(Statement(select(literal(7).label("lucky"))), {}, Row)
    assert (row.lucky, row["lucky"]) == (7, 7)
    with pytest.raises(AttributeError, match="unlucky"):
        row.unlucky  # noqa: B018 - it raises
