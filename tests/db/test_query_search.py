# ruff: noqa: RUF001 - scripts with letters that look alike
"""Text search: in every script, in upper or lower case, with `%`, `_` and the backslash as themselves."""

import pytest
from sqlalchemy import literal, select

from db import Database
from db.search import contains, pattern
from db.statement import Statement


@pytest.mark.parametrize(
    ("text", "search"),
    [
        ("Connection refused", "REFUSED"),
        ("Größe geprüft", "GRÖẞE GEPRÜFT"),
        ("ЗАКАЗ обработан", "заказ ОБРАБОТАН"),
        ("ΟΔΟΣ", "οδος"),
        ("οδος", "ΟΔΟΣ"),
        ("ՀԱՅԵՐԵՆ", "հայերեն"),
        ("ქართული", "ქართული"),
        ("주문 처리 완료", "처리"),
        ("注文を処理しました", "処理"),
        ("طلب جديد", "جديد"),
        ("ＡＢＣ", "ａｂｃ"),
        ("𐐀𐐁", "𐐨𐐩"),
        ("🚀 launched", "🚀"),
        ("100% done", "0% D"),
        ("partition_7", "N_7"),
        (r"C:\temp", r"c:\TEMP"),
        ("anything", ""),
    ],
)
async def test_text_is_found_in_any_case(database: Database, text: str, search: str) -> None:
    assert await is_found(database, text, search)


@pytest.mark.parametrize(
    ("text", "search"),
    [
        ("100 done", "0% d"),
        ("partition-7", "n_7"),
        ("C:/temp", "c:\\"),
        ("abc", "a%c"),
        ("Größe", "Grosse"),
        ("naïve", "naive"),
        ("주문", "주분"),
    ],
)
async def test_other_text_is_not(database: Database, text: str, search: str) -> None:
    assert not await is_found(database, text, search)


async def is_found(database: Database, text: str, search: str) -> bool:
    async with database.reader() as reader:
        return bool(await reader.value(Statement(select(contains(literal(text)))), {"pattern": pattern(search)}))
