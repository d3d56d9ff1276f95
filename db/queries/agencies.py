"""The directory of offices."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from db.clock import real_time
from db.queries.divisions import ABOVE
from db.transaction import Tx
from rules.selections import digits_below

_UNION_OF_PLACE = """
WITH RECURSIVE above AS (
    SELECT $1::text AS code, 0 AS distance
    UNION ALL
    SELECT coalesce(
        (SELECT d.parent_code FROM division d WHERE d.code = a.code ORDER BY d.valid_from DESC LIMIT 1),
        CASE WHEN length(a.code) > 6 THEN left(a.code, length(a.code) - 3)
             WHEN a.code ~ '^\\d{4}00$' THEN left(a.code, 2) || '0000'
             WHEN a.code ~ '^\\d{6}$' THEN left(a.code, 4) || '00' END), a.distance + 1
      FROM above a WHERE a.distance < 5 AND a.code IS NOT NULL)
SELECT a.id FROM above u JOIN agency a ON a.division_code = u.code
 WHERE a.kind = 'union' AND NOT a.department AND a.status = 'active'
   AND a.level IN ('county', 'city', 'province', 'national')
 ORDER BY u.distance, a.code LIMIT 1"""

_TOP_UNION = """
SELECT id FROM agency WHERE kind = 'union' AND NOT department AND status = 'active'
 ORDER BY array_position(ARRAY['national', 'province', 'city', 'county']::text[], level) NULLS LAST, code LIMIT 1"""


async def union_of_place(tx: Tx, division_code: str) -> UUID | None:
    """The union nearest to a division: its own, else the one of the division above, and so on up. One statement.

    Falls back on the code's digits where the division is unknown: a code no table has yet still has a province.
    """
    return await tx.value(_UNION_OF_PLACE, division_code)  # type: ignore[no-any-return]  # uuid column


async def top_union(tx: Tx) -> UUID | None:
    """The union of the highest level: the last resort for a place nobody knows."""
    return await tx.value(_TOP_UNION)  # type: ignore[no-any-return]  # uuid column


async def active_among(tx: Tx, agency_ids: Iterable[UUID]) -> set[UUID]:
    """Those of the given agencies that exist and are active."""
    rows = await tx.rows("SELECT id FROM agency WHERE id = ANY ($1) AND status = 'active'", list(agency_ids))
    return {row["id"] for row in rows}


async def kinds_of_active(tx: Tx, agency_ids: Iterable[UUID]) -> dict[UUID, str]:
    """The kinds of those of the given agencies that exist and are active."""
    rows = await tx.rows("SELECT id, kind FROM agency WHERE id = ANY ($1) AND status = 'active'", list(agency_ids))
    return {row["id"]: row["kind"] for row in rows}


async def find_agency(tx: Tx, agency_id: UUID) -> asyncpg.Record | None:
    return await tx.row("SELECT * FROM agency WHERE id = $1", agency_id)


async def known_division(tx: Tx, code: str) -> bool:
    return bool(await tx.value("SELECT EXISTS (SELECT FROM division WHERE code = $1)", code))


_ENTRY = """
SELECT a.id, a.code, a.name, a.name_en, a.kind, a.level, a.department, a.division_code, a.windows::text, a.status,
       a.version, a.answers_by_link, a.parent_id, p.name AS parent_name,
       ARRAY(SELECT DISTINCT c.matter_code FROM competence c WHERE c.agency_id = a.id ORDER BY c.matter_code) AS matters
  FROM agency a LEFT JOIN agency p ON p.id = a.parent_id"""

# An office belongs to a place that lies at or below the division, or where it is competent for a matter there.
_LIST = f"""
WITH RECURSIVE {ABOVE}
{_ENTRY}
 WHERE a.status = 'active' AND ($2::text IS NULL OR a.code > $2) AND ($3::text IS NULL OR a.kind = $3)
   AND ($1::text IS NULL OR $5::text IS NOT NULL OR a.division_code ^@ $4
        OR EXISTS (SELECT FROM competence c JOIN above u ON u.code = c.division_code WHERE c.agency_id = a.id))
   AND ($5::text IS NULL
        OR EXISTS (SELECT FROM competence c WHERE c.agency_id = a.id AND c.matter_code = $5
                      AND ($1::text IS NULL OR c.division_code ^@ $4
                           OR c.division_code IN (SELECT u.code FROM above u))))
 ORDER BY a.code LIMIT $6"""  # noqa: S608  constants

_OPEN_DEPARTMENT = """
INSERT INTO agency (id, code, name, name_en, kind, level, parent_id, department, division_code, windows, status,
                    created_at, version)
SELECT $1, p.code || '-' || $3, $4, $5, p.kind, p.level, p.id, true, p.division_code, $6::jsonb, 'active', $7, 1
  FROM agency p WHERE p.id = $2
    ON CONFLICT (code) DO NOTHING RETURNING id"""

_CHANGE_ENTRY = """
UPDATE agency SET name = coalesce($3, name), name_en = coalesce($4, name_en), windows = coalesce($5::jsonb, windows),
       version = version + 1
 WHERE id = $1 AND version = $2 RETURNING version"""


@dataclass(frozen=True, slots=True)
class DirectoryFilter:
    """What to look for; None leaves a filter out. A division: what lies in it, below it, or is competent for it."""

    kind: str | None = None
    division: str | None = None
    matter: str | None = None


async def list_agencies(tx: Tx, wanted: DirectoryFilter, *, after: str | None, limit: int) -> list[asyncpg.Record]:
    """Active entries of the directory by code, from behind `after` on. One statement."""
    below = None if wanted.division is None else digits_below(wanted.division)
    return await tx.rows(_LIST, wanted.division, after, wanted.kind, below, wanted.matter, limit)


async def find_entry(tx: Tx, agency_id: UUID) -> asyncpg.Record | None:
    """An entry with its parent's name and the matters it is competent for, also a suspended one. One statement."""
    return await tx.row(f"{_ENTRY} WHERE a.id = $1", agency_id)


async def insert_department(tx: Tx, department_id: UUID, *, suffix: str, name: str, name_en: str, windows: str) -> bool:
    """A department below the acting agency, of its kind, level and division; False where its code is taken. One
    statement."""
    found = await tx.value(_OPEN_DEPARTMENT, department_id, tx.agency_id, suffix, name, name_en, windows, real_time())
    return found is not None


async def update_entry(
    tx: Tx, agency_id: UUID, *, version: int, name: str | None, name_en: str | None, windows: str | None
) -> int | None:
    """Changes an entry that still has `version`; its new version, None where somebody was faster. One statement."""
    return await tx.value(  # type: ignore[no-any-return]  # integer column
        _CHANGE_ENTRY, agency_id, version, name, name_en, windows
    )


async def agency_id_of_code(tx: Tx, code: str) -> UUID | None:
    return await tx.value("SELECT id FROM agency WHERE code = $1", code)  # type: ignore[no-any-return]  # uuid column
