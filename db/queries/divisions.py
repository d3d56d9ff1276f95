"""Administrative divisions: what lies above a place, which code was valid when."""

from datetime import date
from functools import lru_cache
from weakref import WeakKeyDictionary

import asyncpg

from db.engine import Database
from db.transaction import Tx
from rules.linkage.addresses import Gazetteer, gazetteer

ABOVE = """above (code, distance) AS (
    SELECT $1::text, 0
    UNION ALL
    SELECT coalesce(
        (SELECT d.parent_code FROM division d WHERE d.code = a.code ORDER BY d.valid_from DESC LIMIT 1),
        CASE WHEN length(a.code) > 6 THEN left(a.code, length(a.code) - 3)
             WHEN right(a.code, 2) = '00' THEN left(a.code, 2) || '0000'
             ELSE left(a.code, 4) || '00' END), a.distance + 1
      FROM above a WHERE a.code NOT LIKE '__0000' AND a.distance < 4)"""
"""`WITH RECURSIVE` part: the division `$1` and those above it up to its province, with their distance.

Where a code is in no table its digits are followed: a code nobody knows yet still has a province.
"""


_AS_OF = """
SELECT code, name, parent_code, level, valid_from, valid_to, source, as_of FROM division
 WHERE valid_from <= $1 AND (valid_to IS NULL OR valid_to >= $1)"""
_LIST = f"""{_AS_OF} AND ($2::text IS NULL OR code > $2) AND ($3::text IS NULL OR parent_code = $3)
   AND ($4::text IS NULL OR code = $4) ORDER BY code LIMIT $5"""


async def list_divisions(
    tx: Tx, *, as_of: date, parent: str | None, code: str | None, after: str | None, limit: int
) -> list[asyncpg.Record]:
    """Divisions valid on a day, by code, from behind `after` on. `valid_to` is the last day, included."""
    return await tx.rows(_LIST, as_of, after, parent, code, limit)


async def find_division(tx: Tx, code: str, as_of: date) -> asyncpg.Record | None:
    """The division as it was on a day, or None where the code was not valid then."""
    return await tx.row(f"{_AS_OF} AND code = $2", as_of, code)


_PLACES: WeakKeyDictionary[Database, Gazetteer] = WeakKeyDictionary()


async def places(tx: Tx) -> Gazetteer:
    """Every division by all names it has had, those in force first, for reading addresses. One statement, once a
    process, 0.1 s for eight thousand names: a division that is added later is read after a restart."""
    known = _PLACES.get(tx.database)
    if known is None:
        rows = await tx.rows(
            "SELECT code, name, level, parent_code FROM division WHERE level IN ('province', 'prefecture', 'county') "
            "ORDER BY valid_to DESC NULLS FIRST, code"
        )
        known = _PLACES[tx.database] = _gazetteer(tuple(tuple(row) for row in rows))
    return known


@lru_cache(maxsize=1)
def _gazetteer(rows: tuple[tuple[str, str, str, str | None], ...]) -> Gazetteer:
    """One for all pools on equal tables: what was read of addresses is kept for each gazetteer, and keeps it."""
    return gazetteer(rows)


async def name_of_division(tx: Tx, code: str) -> str | None:
    """The latest name under a code, None where no table has it. One statement."""
    name: str | None = await tx.value(
        "SELECT name FROM division WHERE code = $1 ORDER BY valid_from DESC LIMIT 1", code
    )
    return name
