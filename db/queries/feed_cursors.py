"""Cursors that consumers of a feed keep with us."""

from typing import Final

import asyncpg

from db.transaction import Tx
from rules.selections import Selection

_CURSOR: Final = """SELECT f.consumer, f.after, f.types, f.case_kinds, f.divisions, f.saved_at,
    greatest(0, coalesce(h.sequence, 0) - f.after) AS behind
  FROM feed_cursor f LEFT JOIN feed_head h ON h.agency_id = f.agency_id WHERE f.agency_id = $1"""


async def save_cursor(tx: Tx, consumer: str, *, after: int, selection: Selection) -> None:
    """Keeps a place in the agency's feed; the last word stands. One statement."""
    await tx.run(
        "INSERT INTO feed_cursor (agency_id, consumer, after, types, case_kinds, divisions, saved_at) "
        "VALUES ($1, $2, $3, $4, $5, $6, now()) ON CONFLICT (agency_id, consumer) DO UPDATE "
        "SET after = EXCLUDED.after, types = EXCLUDED.types, case_kinds = EXCLUDED.case_kinds,"
        "    divisions = EXCLUDED.divisions, saved_at = now()",
        tx.agency_id,
        consumer,
        after,
        list(selection.types),
        list(selection.case_kinds),
        list(selection.divisions),
    )


async def find_cursor(tx: Tx, consumer: str) -> asyncpg.Record | None:
    """The cursor of that name, and how many numbers of the feed lie behind it. One statement."""
    return await tx.row(f"{_CURSOR} AND f.consumer = $2", tx.agency_id, consumer)


async def list_cursors(tx: Tx) -> list[asyncpg.Record]:
    """All of the agency's, by consumer. One statement."""
    return await tx.rows(f"{_CURSOR} ORDER BY f.consumer", tx.agency_id)
