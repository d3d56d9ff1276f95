"""The responsibility list: a matter, its clocks in a place, and the offices competent for it there."""

import json
from collections.abc import Iterable, Mapping
from datetime import date
from functools import lru_cache
from uuid import UUID

import asyncpg

from db.engine import Raw
from db.queries.divisions import ABOVE
from db.transaction import Tx
from rules.deadlines import shanghai_day
from rules.matters import Clocks, Matter, parse_matter, tightened

_OVERRIDES = f"""
WITH RECURSIVE {ABOVE}
SELECT o.matter_code, o.division_code, o.clocks::text, o.source, o.valid_from
  FROM above u JOIN matter_override o ON o.division_code = u.code
 WHERE o.valid_from <= $2 AND ($3::text IS NULL OR o.matter_code = $3)
 ORDER BY o.matter_code, u.distance DESC"""  # noqa: S608  constants

_OFFICES = """
SELECT c.agency_id, min(u.distance) AS distance
  FROM above u
  JOIN competence c ON c.division_code = u.code AND c.matter_code = $2
  JOIN agency a ON a.id = c.agency_id AND a.status = 'active'
 GROUP BY c.agency_id"""

_COMPETENT = f"""
WITH RECURSIVE {ABOVE}, office AS ({_OFFICES})
SELECT o.agency_id FROM office o JOIN agency a ON a.id = o.agency_id
 WHERE o.distance = (SELECT min(distance) FROM office) ORDER BY a.code"""  # noqa: S608  constants

_IS_COMPETENT = f"""
WITH RECURSIVE {ABOVE}, office AS ({_OFFICES})
SELECT EXISTS (SELECT FROM office WHERE agency_id = $3)"""  # noqa: S608  constants

_LIST = """
SELECT definition::text FROM matter
 WHERE ($1::text IS NULL OR needs @> ARRAY[$1]) AND ($2::text IS NULL OR code = $2) ORDER BY code"""

_DIRECTORY = f"""
WITH RECURSIVE {ABOVE}, office AS (
    SELECT c.matter_code, c.agency_id, min(u.distance) AS distance
      FROM above u
      JOIN competence c ON c.division_code = u.code AND ($2::text IS NULL OR c.matter_code = $2)
      JOIN agency a ON a.id = c.agency_id AND a.status = 'active'
     GROUP BY c.matter_code, c.agency_id),
nearest AS (SELECT matter_code, min(distance) AS distance FROM office GROUP BY matter_code)
SELECT o.matter_code, a.id, a.code, a.name, a.kind, a.windows::text
  FROM office o JOIN nearest n USING (matter_code, distance) JOIN agency a ON a.id = o.agency_id
 ORDER BY o.matter_code, a.code"""  # noqa: S608  constants

_TO_OVERRIDE = f"""
WITH RECURSIVE {ABOVE}
SELECT m.definition::text,
       (SELECT coalesce(jsonb_agg(o.clocks ORDER BY u.distance DESC), '[]')::text
          FROM above u JOIN matter_override o ON o.division_code = u.code
         WHERE u.distance > 0 AND o.matter_code = m.code AND o.valid_from <= $3) AS above
  FROM matter m WHERE m.code = $2"""  # noqa: S608  constants

_PUT_OVERRIDE = """
INSERT INTO matter_override (matter_code, division_code, clocks, source, valid_from)
VALUES ($1, $2, $3::jsonb, $4, $5)
    ON CONFLICT (matter_code, division_code) DO UPDATE
   SET (clocks, source, valid_from) = (EXCLUDED.clocks, EXCLUDED.source, EXCLUDED.valid_from)"""


async def find_matter(tx: Tx, code: str) -> Matter | None:
    """The matter, or None where the list has no such row. One statement."""
    definition = await tx.value("SELECT definition::text FROM matter WHERE code = $1", code)
    return None if definition is None else _matter_of(definition)


async def clocks_for(tx: Tx, matter: Matter, division_code: str) -> Clocks:
    """The clocks in force in a division: the list's, made stricter there or in a division above. One statement."""
    rows = await tx.rows(_OVERRIDES, division_code, shanghai_day(tx.now), matter.code)
    return tightened(matter, (json.loads(row["clocks"]) for row in rows)).clocks


async def competent_agencies(tx: Tx, matter_code: str, division_code: str) -> list[UUID]:
    """The active offices competent for a matter at the nearest level that has any, by code. One statement."""
    return [row["agency_id"] for row in await tx.rows(_COMPETENT, division_code, matter_code)]


async def is_competent(tx: Tx, agency_id: UUID, matter_code: str, division_code: str) -> bool:
    """Whether an active office is competent for a matter in a division or one above it, the nearest or not.

    One statement.
    """
    return bool(await tx.value(_IS_COMPETENT, division_code, matter_code, agency_id))


async def list_matters(tx: Tx, *, need: str | None = None, code: str | None = None) -> list[Matter]:
    """The list by code, all of it or the matters that answer a need. One statement."""
    return [_matter_of(row["definition"]) for row in await tx.rows(_LIST, need, code)]


async def overrides_in(tx: Tx, division_code: str, *, code: str | None = None) -> list[asyncpg.Record]:
    """Overrides in force in a division, of one matter or all: by matter, highest division first. One statement.

    `clocks` is JSON text.
    """
    return await tx.rows(_OVERRIDES, division_code, shanghai_day(tx.now), code)


async def offices_in(tx: Tx, division_code: str, *, code: str | None = None) -> list[asyncpg.Record]:
    """`competent_agencies` of one matter or all, with name, kind and windows (JSON text). One statement."""
    return await tx.rows(_DIRECTORY, division_code, code)


async def matter_to_override(
    raw: Raw, code: str, division_code: str, day: date
) -> tuple[Matter, list[Mapping[str, object]]] | None:
    """For the operator: the matter and the overrides of the divisions above, highest first. One statement."""
    row = await raw.fetchrow(_TO_OVERRIDE, division_code, code, day)
    return None if row is None else (_matter_of(row["definition"]), json.loads(row["above"]))


async def upsert_override(
    raw: Raw, *, code: str, division_code: str, clocks: Mapping[str, object], source: str, valid_from: date
) -> None:
    """Sets a division's figures for a matter. Needs the owner role: an override is the operator's. One statement.

    Checks nothing; `actions.matters.override_clocks` does.
    """
    await raw.execute(_PUT_OVERRIDE, code, division_code, json.dumps(dict(clocks)), source, valid_from)


@lru_cache(maxsize=256)
def _matter_of(definition: str) -> Matter:
    """Parsing the whole list would cost 3 ms a request; a definition is read again when its text changes."""
    return parse_matter(json.loads(definition))


async def known_codes(tx: Tx, codes: Iterable[str]) -> set[str]:
    """Those of the codes that name a matter of the list."""
    rows = await tx.rows("SELECT code FROM matter WHERE code = ANY ($1)", list(codes))
    return {row["code"] for row in rows}
