"""Replays of the caller's webhook endpoints: entries of its feed that are sent once more, worked by the jobs."""

from typing import Annotated
from uuid import UUID

import asyncpg
from fastapi import Request
from starlette.responses import Response

from actions import webhook_replays as verbs
from api.deps import ServicesDep, Writing, reads, writes
from api.key_listing import answer_key_page, open_key_cursor
from api.listing import Position
from api.paging import Cursor, Limit, Page
from api.params import Uuid
from api.schemas.reports import utc, utc_or_none
from api.schemas.webhook_replays import ReplayIn, ReplayShown
from api.strict_json import StrictRouter
from db.queries import webhook_replays, webhooks
from db.transaction import Tx
from rules.errors import Hidden

router = StrictRouter("/v1/webhook-replays", tags=["webhooks"])
of_endpoint = StrictRouter("/v1/webhook-endpoints", tags=["webhooks"])

_NEWEST = UUID(int=2**128 - 1)


def _shown(replay: asyncpg.Record) -> ReplayShown:
    return ReplayShown(
        id=replay["id"],
        endpoint_id=replay["endpoint_id"],
        selection=replay["selection"],
        types=replay["types"],
        time_from=utc_or_none(replay["since"]),
        time_before=utc_or_none(replay["before"]),
        state=replay["state"],
        cursor=replay["looked_at"],
        until=replay["until"],
        matched=replay["matched"],
        queued=replay["queued"],
        succeeded=replay["succeeded"],
        failed=replay["failed"],
        created_at=utc(replay["created_at"]),
        finished_at=utc_or_none(replay["finished_at"]),
    )


def _wanted(given: ReplayIn) -> verbs.Wanted:
    return verbs.Wanted(
        selection=given.selection,
        event_ids=given.event_ids or (),
        types=given.types,
        sequence_from=given.sequence_from or 1,
        sequence_before=given.sequence_before,
        time_from=given.time_from,
        time_before=given.time_before,
    )


@of_endpoint.post("/{endpoint_id}/replays", operation_id="replay_events", status_code=202, response_model=ReplayShown)
async def post_replay(endpoint_id: Uuid, given: ReplayIn, writing: Annotated[Writing, writes()]) -> Response:
    """Have entries of the feed (90 days) sent to an endpoint once more, also such as it never had.

    They come under their own `webhook-id` and sequence, with `Tongli-Replay: true`, some hundreds at a time beside what
    is new. What has left the feed meanwhile is not sent. A range without `types` means those the endpoint takes. Poll
    the answer's `Location`.
    """
    shown = _shown(await verbs.ask(writing.tx, endpoint_id, _wanted(given)))
    return await writing.answer(shown, status=202, location=f"/v1/webhook-replays/{shown.id}")


@of_endpoint.get("/{endpoint_id}/replays", operation_id="list_webhook_replays", response_model=Page[ReplayShown])
async def list_replays(
    *,
    endpoint_id: Uuid,
    request: Request,
    services: ServicesDep,
    tx: Annotated[Tx, reads()],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """List the replays of an endpoint, newest first."""
    if await webhooks.find_endpoint(tx, endpoint_id) is None:
        raise Hidden
    position = Position.of(tx, "webhook-replays", endpoint_id=endpoint_id)
    after = open_key_cursor(services, position, cursor)
    rows = await webhook_replays.list_replays(
        tx, endpoint_id, before=UUID(after) if after else _NEWEST, limit=limit + 1
    )
    shown = [_shown(row) for row in rows]
    return answer_key_page(request, services, position, shown, limit=limit, key=lambda last: str(last.id))


@router.get("/{replay_id}", operation_id="read_webhook_replay")
async def get_replay(replay_id: Uuid, tx: Annotated[Tx, reads()]) -> ReplayShown:
    """Read how far a replay is."""
    replay = await webhook_replays.find_replay(tx, replay_id)
    if replay is None:
        raise Hidden
    return _shown(replay)


@router.post("/{replay_id}/cancel", operation_id="cancel_webhook_replay", response_model=ReplayShown)
async def post_cancelling(replay_id: Uuid, writing: Annotated[Writing, writes()]) -> Response:
    """End a replay: nothing more is queued. What is queued already (500 at most) is still sent."""
    return await writing.answer(_shown(await verbs.cancel(writing.tx, replay_id)))
