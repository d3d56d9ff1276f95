"""inbound_receipt (来函回执): what a source sent, as it came, and what became of it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field, SQLModel

from db.types import blind, document, key, one_of, sealed
from rules.inbound import DiscardReason, ReceiptStatus


class InboundReceipt(SQLModel, table=True):
    """`message` is the keyed hash of the source's own id, for as long as that may not come again; `body` tells another
    body under the same id. The envelope goes with the case that it made something of.

    Settled only by whoever holds the lease. `report_id` or `referral_id` is what was made or moved.
    """

    __tablename__ = "inbound_receipt"
    __table_args__ = (
        CheckConstraint(one_of("status", *ReceiptStatus), name="inbound_receipt_status"),
        CheckConstraint(one_of("discard_reason", *DiscardReason), name="inbound_receipt_discard_reason"),
        CheckConstraint("(status = 'quarantined') <= (reason IS NOT NULL)", name="inbound_receipt_reason"),
        Index("inbound_receipt_once", "source_id", "message", unique=True, postgresql_where="message IS NOT NULL"),
        Index("inbound_receipt_waiting", "source_id", "id", postgresql_where="status = 'received'"),
        Index("inbound_receipt_by_agency", "agency_id", "id"),
        Index("inbound_receipt_by_source", "source_id", "status", "id"),
        Index("inbound_receipt_by_report", "report_id", postgresql_where="report_id IS NOT NULL"),
        Index("inbound_receipt_by_referral", "referral_id", postgresql_where="referral_id IS NOT NULL"),
        Index("inbound_receipt_by_age", "received_at", postgresql_where="message IS NOT NULL"),
        Index("inbound_receipt_settled", "settled_at", postgresql_where="settled_at IS NOT NULL"),
    )

    id: UUID = key()
    source_id: UUID = Field(foreign_key="inbound_source.id")
    agency_id: UUID = Field(foreign_key="agency.id")
    message: bytes | None = blind(nullable=True)
    body: bytes = blind()
    envelope: bytes | None = sealed(nullable=True)
    status: str
    reason: str | None
    problems: list[dict[str, Any]] = document()
    discard_reason: str | None
    mapping_version: int | None
    target: str | None
    report_id: UUID | None
    referral_id: UUID | None
    tries: int
    due_at: datetime | None
    lease_token: UUID | None
    leased_until: datetime | None
    received_at: datetime
    settled_at: datetime | None
    version: int
