"""The feed: every event the caller's agency is entitled to, in the order of its own gap-free numbers."""

from typing import Annotated

from fastapi import Depends, Header, Query, Request
from pydantic import BeforeValidator
from starlette.responses import Response, StreamingResponse

from api.feed import STREAM_BATCH, Feed, unless_known
from api.feed_queries import feed_of
from api.paging import Cursor, Limit
from api.params import whole_number
from api.schemas.events import FeedPage
from api.strict_json import StrictRouter
from rules.errors import MalformedRequest

router = StrictRouter("/v1/events", tags=["events"])

_CURSOR_CHARS = 2048
Wait = Annotated[
    int,
    Query(ge=0, le=30, description="seconds to wait for an event where there is none"),
    BeforeValidator(whole_number),
]


@router.get(
    "",
    operation_id="read_feed",
    response_model=FeedPage,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)
async def get_events(
    *,
    request: Request,
    feed: Annotated[Feed, Depends(feed_of)],
    cursor: Cursor = None,
    limit: Limit = 50,
    wait: Wait = 0,
    last_event_id: Annotated[
        str | None, Header(description="where a stream was left: the id of its last event")
    ] = None,
) -> Response:
    """Read the feed.

    Without `cursor` it begins with the oldest event kept (90 days). `page.next` is always given: keep it and ask again,
    with `wait` to be answered as soon as something happens. With `Accept: text/event-stream` the events come as they
    happen; a stream ends with its token and goes on from `Last-Event-ID`.
    """
    if "text/event-stream" in request.headers.get("accept", ""):
        feed.services.streams.require_room(feed.caller.principal_id)
        first = await feed.read(feed.open(_left_at(last_event_id) or cursor), STREAM_BATCH)
        return StreamingResponse(
            feed.counted_stream(first),
            media_type="text/event-stream",
            headers={"cache-control": "private, no-store", "x-accel-buffering": "no"},
        )
    return unless_known(request, feed, await feed.read_waiting(feed.open(cursor), limit, wait))


def _left_at(last_event_id: str | None) -> str | None:
    if last_event_id is not None and len(last_event_id) > _CURSOR_CHARS:
        raise MalformedRequest("last-event-id")
    return last_event_id
