"""Deliveries of the caller's agency: what went where, what came of it, and once more."""

from typing import Annotated, Any
from uuid import UUID

import asyncpg
from fastapi import Query, Request
from starlette.responses import Response

from actions import webhooks as verbs
from api.deps import ServicesDep, Writing, reads, writes
from api.key_listing import answer_key_page, open_key_cursor
from api.listing import Position
from api.paging import Cursor, Limit, Page
from api.params import Instant, Uuid
from api.schemas.reports import utc, utc_or_none
from api.schemas.webhooks import AttemptShown, DeliveryShown, DeliveryWithAttempts
from api.strict_json import StrictRouter
from db.queries import deliveries
from db.queries.deliveries import Which
from db.transaction import Tx
from rules.errors import Hidden

router = StrictRouter("/v1/deliveries", tags=["webhooks"])

_NEWEST = UUID(int=2**128 - 1)
_TYPE = Query(pattern=r"^[a-z_]{1,40}\.[a-z_]{1,40}$")
_STATUS = Query(pattern="^(?:pending|succeeded|dead)$")


def _fields(delivery: asyncpg.Record) -> dict[str, Any]:
    return {
        "id": delivery["id"],
        "endpoint_id": delivery["endpoint_id"],
        "event_id": delivery["event_id"],
        "event_type": delivery["event_type"],
        "subject_id": delivery["subject_id"],
        "sequence": delivery["sequence"],
        "status": delivery["status"],
        "attempt_count": delivery["attempts"],
        "due_at": utc_or_none(delivery["due_at"]),
        "replay": delivery["replay"],
        "created_at": utc(delivery["created_at"]),
        "finished_at": utc_or_none(delivery["finished_at"]),
    }


def _shown(delivery: asyncpg.Record) -> DeliveryShown:
    return DeliveryShown(**_fields(delivery))


@router.get("", operation_id="list_deliveries", response_model=Page[DeliveryShown])
async def list_deliveries(
    *,
    request: Request,
    services: ServicesDep,
    tx: Annotated[Tx, reads()],
    endpoint_id: Uuid | None = None,
    status: Annotated[str | None, _STATUS] = None,
    event_type: Annotated[str | None, _TYPE] = None,
    created_from: Instant | None = None,
    created_before: Instant | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """List deliveries, newest first. `dead`: every attempt failed; the event is in the feed and can be sent again, all
    of them by a replay."""
    which = Which(endpoint_id, status, event_type, created_from, created_before)
    position = Position.of(tx, "deliveries", **which._asdict())
    after = open_key_cursor(services, position, cursor)
    rows = await deliveries.list_deliveries(tx, which, before=UUID(after) if after else _NEWEST, limit=limit + 1)
    shown = [_shown(row) for row in rows]
    return answer_key_page(request, services, position, shown, limit=limit, key=lambda last: str(last.id))


@router.get("/{delivery_id}", operation_id="read_delivery")
async def get_delivery(delivery_id: Uuid, tx: Annotated[Tx, reads()]) -> DeliveryWithAttempts:
    """Read a delivery with every attempt: when, how long, what it met."""
    delivery = await deliveries.find_delivery(tx, delivery_id)
    if delivery is None:
        raise Hidden
    attempts = await deliveries.attempts_of(tx, delivery_id)
    log = [AttemptShown(**{**row, "started_at": utc(row["started_at"])}) for row in attempts]
    return DeliveryWithAttempts(**_fields(delivery), attempts=log)


@router.post("/{delivery_id}/redeliver", operation_id="redeliver", status_code=202, response_model=DeliveryShown)
async def post_redelivery(delivery_id: Uuid, writing: Annotated[Writing, writes()]) -> Response:
    """Send a delivery again, whatever became of it: the same `webhook-id`, with `Tongli-Replay: true` and a schedule of
    its own."""
    delivery = await verbs.deliver_again(writing.tx, delivery_id)
    return await writing.answer(_shown(delivery), status=202)
