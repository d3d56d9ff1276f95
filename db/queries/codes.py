"""Code lists."""

from collections.abc import Sequence

import asyncpg

from db.transaction import Tx

_SYSTEMS = """
SELECT system, array_agg(DISTINCT source ORDER BY source) AS sources, count(*) AS size
  FROM code GROUP BY system ORDER BY system"""
_CODES = "SELECT code, zh, en, source, status FROM code WHERE system = $1 ORDER BY position"


async def code_systems(tx: Tx) -> list[asyncpg.Record]:
    """Every code list with its size and where it comes from."""
    return await tx.rows(_SYSTEMS)


async def codes_of(tx: Tx, system: str) -> list[asyncpg.Record]:
    """The codes of one list in the order of display; none for an unknown list."""
    return await tx.rows(_CODES, system)


async def codes_of_several(tx: Tx, systems: Sequence[str]) -> dict[str, list[asyncpg.Record]]:
    """The codes of some lists, each in the order of display. One statement."""
    rows = await tx.rows(
        "SELECT system, code, zh, en FROM code WHERE system = ANY ($1) ORDER BY position", list(systems)
    )
    return {system: [row for row in rows if row["system"] == system] for system in systems}
