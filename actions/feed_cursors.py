"""Cursors that consumers of a feed keep with us: a place in the agency's own feed, under the consumer's name."""

import asyncpg

from db.queries import feed_cursors
from db.transaction import Tx
from rules.errors import Conflict
from rules.selections import Selection

MOST = 50


async def save(tx: Tx, consumer: str, *, after: int, selection: Selection) -> asyncpg.Record:
    """Keeps or moves a cursor, forwards or back. Three statements. Raises Conflict where there are too many."""
    kept = await feed_cursors.list_cursors(tx)
    if len(kept) >= MOST and all(row["consumer"] != consumer for row in kept):
        raise Conflict(reason="too-many-cursors")
    await feed_cursors.save_cursor(tx, consumer, after=after, selection=selection)
    saved = await feed_cursors.find_cursor(tx, consumer)
    assert saved is not None
    return saved
