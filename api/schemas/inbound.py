"""inbound_receipt as it crosses the wire."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel

from api.schemas.base import StrictModel
from api.schemas.reports import Caution
from rules.inbound import DiscardReason


class InboundDiscardIn(StrictModel):
    """Why nothing becomes of a receipt."""

    reason: DiscardReason


class InboundReceiptTaken(BaseModel):
    """What a sender gets at once: the message is kept; `href` says what becomes of it."""

    id: UUID
    status: str
    href: str


class InboundReceiptShown(BaseModel):
    """A receipt. `reason` and `problems` say why one waits in quarantine: places in the body (`/body/…`) or in what was
    made of it (`/made/…`), never values. `report_id` or `referral_id` is what was made or moved."""

    id: UUID
    source_id: UUID
    status: str
    reason: str | None
    problems: list[Caution]
    discard_reason: str | None
    mapping_version: int | None
    target: str | None
    report_id: UUID | None
    referral_id: UUID | None
    received_at: datetime
    settled_at: datetime | None
    version: int
