"""Escalations (督办): what is late and was told upwards, for those above, the coordinator and the late office."""

import json
from enum import StrEnum
from typing import Annotated

from fastapi import Request
from starlette.responses import Response

from api.deps import ServicesDep, reads
from api.listing import Position, answer_page, open_cursor
from api.paging import Cursor, Limit, Page
from api.schemas.escalations import EscalationRow
from api.strict_json import StrictRouter
from db.queries import escalations
from db.transaction import Tx
from rules.escalation import Level

router = StrictRouter("/v1/escalations", tags=["referrals"])


class EscalationBox(StrEnum):
    """`told`: what the caller's agency was told as the one above; `all`: also what it coordinates or is late with."""

    told = "told"
    all = "all"


class EscalationState(StrEnum):
    open = "open"
    ended = "ended"


@router.get("", operation_id="list_escalations", response_model=Page[EscalationRow])
async def list_escalations(
    request: Request,
    services: ServicesDep,
    tx: Annotated[Tx, reads()],
    box: EscalationBox = EscalationBox.all,
    level: Level | None = None,
    state: EscalationState | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """List what is late and was told upwards: a date of a referral that passed and is not met climbs to the office's
    head, the coordinator's supervisor, the joint conference. Newest first."""
    position = Position.of(tx, "escalations", box=box, level=level, state=state)
    after = open_cursor(services, position, cursor)
    body = await escalations.list_escalations(
        tx,
        after=after,
        limit=limit + 1,
        level=level,
        unmet=None if state is None else state is EscalationState.open,
        told=box is EscalationBox.told,
    )
    return answer_page(request, services, position, json.loads(body), limit=limit, key=("raised_at", "id"))
