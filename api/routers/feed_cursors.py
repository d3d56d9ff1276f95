"""Cursors kept for the consumers of a feed, so that one that lost its memory goes on where it was."""

from datetime import UTC, datetime
from typing import Annotated

import asyncpg
from fastapi import Depends, Path
from starlette.responses import Response

from actions import feed_cursors as verbs
from api.deps import CallerDep, ServicesDep, Writing, reads, writes
from api.feed import Feed
from api.feed_queries import feed_of
from api.schemas.feed_cursors import FeedCursorIn, FeedCursors, FeedCursorShown
from api.schemas.reports import utc
from api.services import Services
from api.strict_json import StrictRouter
from db.queries import feed_cursors
from db.transaction import Caller, Tx
from rules.errors import Hidden
from rules.selections import Selection

router = StrictRouter("/v1/feed-cursors", tags=["events"])

Consumer = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", description="chosen by the consumer")]
Keeper = Annotated[Writing, writes(key_required=False)]


def _shown(services: Services, caller: Caller, row: asyncpg.Record) -> FeedCursorShown:
    """The kept place as a cursor of today."""
    selection = Selection(tuple(row["types"]), tuple(row["case_kinds"]), tuple(row["divisions"]))
    return FeedCursorShown(
        consumer=row["consumer"],
        cursor=Feed(services, caller, selection=selection, ends_at=datetime.now(UTC)).seal(row["after"]),
        types=list(selection.types),
        case_kinds=list(selection.case_kinds),
        divisions=list(selection.divisions),
        behind=row["behind"],
        saved_at=utc(row["saved_at"]),
    )


@router.get("", operation_id="list_feed_cursors")
async def list_cursors(services: ServicesDep, caller: CallerDep, tx: Annotated[Tx, reads()]) -> FeedCursors:
    """List the agency's kept cursors, at most fifty."""
    return FeedCursors(data=[_shown(services, caller, row) for row in await feed_cursors.list_cursors(tx)])


@router.get("/{consumer}", operation_id="read_feed_cursor")
async def get_cursor(
    consumer: Consumer, services: ServicesDep, caller: CallerDep, tx: Annotated[Tx, reads()]
) -> FeedCursorShown:
    """Read a kept cursor: go on with it and with the same parameters."""
    row = await feed_cursors.find_cursor(tx, consumer)
    if row is None:
        raise Hidden
    return _shown(services, caller, row)


@router.put("/{consumer}", operation_id="save_feed_cursor", response_model=FeedCursorShown)
async def put_cursor(
    consumer: Consumer, kept: FeedCursorIn, feed: Annotated[Feed, Depends(feed_of)], writing: Keeper
) -> Response:
    """Keep a cursor under a name, with the parameters it was read with. The last word stands, forwards or back: one
    consumer to a name."""
    row = await verbs.save(writing.tx, consumer, after=feed.open(kept.cursor), selection=feed.selection)
    return await writing.answer(_shown(feed.services, feed.caller, row))
