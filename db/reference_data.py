"""Loads reference data (db/reference/) into its tables at every start: once per content, otherwise one statement.

The hash of everything the tables are made from is kept as the comment on the primary key of `code`: it lives and dies
with the rows it describes, travels with a dump and a template, and shows up in no list. Rows are put as they are in the
files, with two exceptions: a matter is never deleted, since others may name it, and a year that an administrator
confirmed by another notice keeps its notice and its days.
"""

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TypedDict

from db.engine import Raw
from db.operator import open_operator_transaction
from rules.deadlines import SHANGHAI
from rules.matters import parse_matter

FOLDER = Path(__file__).resolve().parent / "reference"
FILES = ("divisions.csv", "codes.json", "matters.json", "calendar_notices.json")
YEARS = range(2023, 2028)

_ONE_AT_A_TIME = 7_461_003


@dataclass(frozen=True, slots=True)
class Counts:
    """Rows of each table now; `changed` is false where it held this very content before."""

    divisions: int
    codes: int
    matters: int
    days: int
    changed: bool


class Notice(TypedDict):
    """One line of calendar_notices.json. `published` is a date."""

    year: int
    reference: str
    title: str
    published: str
    recalled: bool


async def load_reference_data(admin_url: str) -> Counts:
    """Brings the reference tables to the content of the files, in one transaction; several processes take turns.

    Raises MatterError for a row of the responsibility list that cannot be read. Cost: 3 ms where nothing changed, else
    about half a second.
    """
    wanted = content_hash()
    async with open_operator_transaction(admin_url) as raw:
        await raw.execute("SELECT pg_advisory_xact_lock($1)", _ONE_AT_A_TIME)
        changed = await raw.fetchval(_LOADED) != wanted
        if changed:
            await _load_divisions(raw)
            await _load_codes(raw)
            await _load_matters(raw)
            await _load_calendar(raw)
            await raw.execute(f"COMMENT ON CONSTRAINT code_pkey ON code IS '{wanted}'")
        counts = await raw.fetchrow(_COUNTS)
    assert counts is not None
    return Counts(
        divisions=counts["divisions"],
        codes=counts["codes"],
        matters=counts["matters"],
        days=counts["days"],
        changed=changed,
    )


@cache
def content_hash() -> str:
    """Names the content: the files, this way of loading them and the version of the calendar's library."""
    digest = hashlib.sha256(version("holidays").encode())
    for path in (Path(__file__), *(FOLDER / name for name in FILES)):
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


async def _load_divisions(raw: Raw) -> None:
    rows = csv.DictReader(io.StringIO((FOLDER / "divisions.csv").read_text(encoding="utf-8")))
    divisions = json.dumps([{name: value or None for name, value in row.items()} for row in rows])
    for statement in _PUT_DIVISIONS:
        await raw.execute(statement, divisions)
    await raw.execute("ANALYZE division")


async def _load_codes(raw: Raw) -> None:
    codes = json.loads((FOLDER / "codes.json").read_text(encoding="utf-8"))
    placed = [entry | {"position": position} for position, entry in enumerate(codes)]
    for statement in _PUT_CODES:
        await raw.execute(statement, json.dumps(placed))


async def _load_matters(raw: Raw) -> None:
    matters = json.loads((FOLDER / "matters.json").read_text(encoding="utf-8"))
    for matter in matters:
        parse_matter(matter)
    await raw.execute(_PUT_MATTERS, json.dumps(matters))


async def _load_calendar(raw: Raw) -> None:
    ours = {notice["year"]: notice for notice in calendar_notices()}
    confirmed = {row["year"]: row["notice"] for row in await raw.fetch(_CONFIRMED_YEARS)}
    years = [year for year in YEARS if confirmed.get(year) in (None, ours[year]["reference"] if year in ours else None)]
    await raw.execute("DELETE FROM calendar_day WHERE year = ANY ($1)", years)
    await raw.executemany(_PUT_YEAR, [(year, *_confirmation(ours.get(year))) for year in years])
    days = [day for year in years for day in _days(year, ours.get(year))]
    await raw.copy_records_to_table("calendar_day", records=days, columns=["day", "year", "workday", "name", "source"])


def calendar_notices() -> list[Notice]:
    """The official notices that we know to confirm a year."""
    notices: list[Notice] = json.loads((FOLDER / "calendar_notices.json").read_text(encoding="utf-8"))
    return notices


def _confirmation(notice: Notice | None) -> tuple[str | None, datetime | None]:
    """A year counts as confirmed from the day of its notice."""
    if notice is None:
        return None, None
    return notice["reference"], datetime.combine(date.fromisoformat(notice["published"]), time(), SHANGHAI)


def _days(year: int, notice: Notice | None) -> Iterator[tuple[date, int, bool, str | None, str]]:
    """Days off and days of make-up work of a year; on all others people work from Monday to Friday.

    Without a notice these are what the law fixes (全国年节及纪念日放假办法) as far as the library computes it.
    """
    import holidays  # noqa: PLC0415  150 ms, needed only when something changed

    china = holidays.country_holidays("CN", years=year, language="zh_CN")
    named: Mapping[date, str] = china
    made_up: Iterable[date] = china.weekend_workdays
    library = f"holidays {version('holidays')}"
    source = f"{notice['reference']}; {library}" if notice else f"{library}; statutory days, no official notice yet"
    for day in sorted(day for day in named if day.year == year):
        yield day, year, False, named[day], source
    for day in sorted(day for day in made_up if day.year == year):
        yield day, year, True, "调休上班", source


_LOADED = """
SELECT obj_description(oid, 'pg_constraint') FROM pg_constraint WHERE conrelid = 'code'::regclass AND contype = 'p'"""
_COUNTS = """
SELECT (SELECT count(*) FROM division) AS divisions, (SELECT count(*) FROM code) AS codes,
       (SELECT count(*) FROM matter) AS matters, (SELECT count(*) FROM calendar_day) AS days"""

_NEW_DIVISIONS = """jsonb_to_recordset($1::jsonb) AS n
    (code text, name text, parent text, level text, valid_from date, valid_to date, source text, as_of date)"""
_PUT_DIVISIONS = (
    f"""
DELETE FROM division d WHERE d.source IN (SELECT n.source FROM {_NEW_DIVISIONS})
   AND (d.code, d.valid_from) NOT IN (SELECT n.code, n.valid_from FROM {_NEW_DIVISIONS})""",  # noqa: S608  a constant
    f"""
INSERT INTO division (code, name, parent_code, level, valid_from, valid_to, source, as_of)
SELECT code, name, parent, level, valid_from, valid_to, source, as_of FROM {_NEW_DIVISIONS}
    ON CONFLICT (code, valid_from) DO UPDATE
   SET (name, parent_code, level, valid_to, source, as_of)
     = (EXCLUDED.name, EXCLUDED.parent_code, EXCLUDED.level, EXCLUDED.valid_to, EXCLUDED.source, EXCLUDED.as_of)""",  # noqa: S608  a constant
)

_NEW_CODES = """jsonb_to_recordset($1::jsonb) AS n
    (system text, code text, zh text, en text, source text, status text, position int)"""
_PUT_CODES = (
    f"""
DELETE FROM code c WHERE c.system IN (SELECT n.system FROM {_NEW_CODES})
   AND (c.system, c.code) NOT IN (SELECT n.system, n.code FROM {_NEW_CODES})""",  # noqa: S608  a constant
    f"""
INSERT INTO code (system, code, zh, en, source, status, position)
SELECT system, code, zh, en, source, status, position FROM {_NEW_CODES}
    ON CONFLICT (system, code) DO UPDATE
   SET (zh, en, source, status, position)
     = (EXCLUDED.zh, EXCLUDED.en, EXCLUDED.source, EXCLUDED.status, EXCLUDED.position)""",  # noqa: S608  a constant
)

_PUT_MATTERS = """
INSERT INTO matter (code, title_zh, title_en, lead_kind, needs, definition)
SELECT m ->> 'code', m ->> 'title_zh', m ->> 'title_en', m #>> '{lead,kind}',
       ARRAY(SELECT jsonb_array_elements_text(m -> 'needs')), m
  FROM jsonb_array_elements($1::jsonb) AS m
    ON CONFLICT (code) DO UPDATE
   SET (title_zh, title_en, lead_kind, needs, definition)
     = (EXCLUDED.title_zh, EXCLUDED.title_en, EXCLUDED.lead_kind, EXCLUDED.needs, EXCLUDED.definition)"""

_CONFIRMED_YEARS = "SELECT year, notice FROM calendar_year WHERE notice IS NOT NULL"
_PUT_YEAR = """
INSERT INTO calendar_year (year, notice, confirmed_at) VALUES ($1, $2, $3)
    ON CONFLICT (year) DO UPDATE SET (notice, confirmed_at) = (EXCLUDED.notice, EXCLUDED.confirmed_at)"""
