"""The directory of offices."""

from collections.abc import Iterable
from uuid import UUID

import asyncpg

from db.transaction import Tx

_UNION_OF_PLACE = """
WITH RECURSIVE above AS (
    SELECT $1::text AS code, 0 AS distance
    UNION ALL
    SELECT coalesce(
        (SELECT d.parent_code FROM division d WHERE d.code = a.code ORDER BY d.valid_from DESC LIMIT 1),
        CASE WHEN length(a.code) = 9 THEN left(a.code, 6)
             WHEN a.code ~ '^\\d{4}00$' THEN left(a.code, 2) || '0000'
             WHEN a.code ~ '^\\d{6}$' THEN left(a.code, 4) || '00' END), a.distance + 1
      FROM above a WHERE a.distance < 4 AND a.code IS NOT NULL)
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
    return await tx.value(_UNION_OF_PLACE, division_code)  # type: ignore[no-any-return]  uuid column


async def top_union(tx: Tx) -> UUID | None:
    """The union of the highest level: the last resort for a place nobody knows."""
    return await tx.value(_TOP_UNION)  # type: ignore[no-any-return]  uuid column


async def active_among(tx: Tx, agency_ids: Iterable[UUID]) -> set[UUID]:
    """Those of the given agencies that exist and are active."""
    rows = await tx.rows("SELECT id FROM agency WHERE id = ANY ($1) AND status = 'active'", list(agency_ids))
    return {row["id"] for row in rows}


async def find_agency(tx: Tx, agency_id: UUID) -> asyncpg.Record | None:
    return await tx.row("SELECT * FROM agency WHERE id = $1", agency_id)


async def known_division(tx: Tx, code: str) -> bool:
    return bool(await tx.value("SELECT EXISTS (SELECT FROM division WHERE code = $1)", code))
