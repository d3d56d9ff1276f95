"""webhook_endpoint (回调地址) and delivery (投递): push is a hint that carries the same event as the feed."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index
from sqlmodel import Field, SQLModel

from db.types import key, one_of, sealed, words


class WebhookEndpoint(SQLModel, table=True):
    """`challenge` is what the receiver has still to answer, empty once it did. Events gather from `activated_at` on,
    also while the endpoint is disabled or has a new URL to prove; `not_before` is the receiver's own wish
    (Retry-After). `proposed_url` waits for a second person; `proposed_by` is whoever proposed it.
    """

    __tablename__ = "webhook_endpoint"
    __table_args__ = (
        CheckConstraint(one_of("status", "pending", "active", "disabled"), name="webhook_endpoint_status"),
        Index("webhook_endpoint_by_agency", "agency_id", "id"),
    )

    id: UUID = key()
    agency_id: UUID = Field(foreign_key="agency.id")
    url: str
    types: list[str] = words()
    case_kinds: list[str] = words(empty=True)
    divisions: list[str] = words(empty=True)
    status: str
    status_reason: str | None
    keys: bytes = sealed()
    previous_keys: bytes | None = sealed(nullable=True, context="webhook_endpoint.keys")
    previous_keys_until: datetime | None
    public_key: str
    previous_public_key: str | None
    proposed_url: str | None
    proposed_by: UUID | None
    proposed_at: datetime | None
    challenge: str
    activated_at: datetime | None
    failing_since: datetime | None
    not_before: datetime | None
    created_at: datetime
    version: int


class Delivery(SQLModel, table=True):
    """One event on its way to one endpoint. Finished only by the lease that claimed it (`lease_token`).

    `due_at` is null while the endpoint takes nothing, and the end of the lease while one attempt is under way, so that
    neither stands at the head of the index. `attempts` counts since the last (re)delivery was asked for.
    """

    __tablename__ = "delivery"
    __table_args__ = (
        CheckConstraint(one_of("status", "pending", "succeeded", "dead"), name="delivery_status"),
        Index("delivery_due", "endpoint_id", "due_at", "sequence", postgresql_where="status = 'pending'"),
        Index("delivery_leased", "endpoint_id", postgresql_where="lease_token IS NOT NULL"),
        Index(
            "delivery_order",
            "endpoint_id",
            "subject_id",
            "sequence",
            postgresql_where="status = 'pending' AND attempts = 0",
        ),
        Index("delivery_by_agency", "agency_id", "id"),
        Index("delivery_by_endpoint", "endpoint_id", "status", "id"),
    )

    id: UUID = key()
    endpoint_id: UUID = Field(foreign_key="webhook_endpoint.id")
    agency_id: UUID = Field(foreign_key="agency.id")
    event_id: UUID
    event_type: str
    subject_id: UUID
    sequence: int = Field(sa_type=BigInteger)
    body: str
    status: str
    attempts: int
    due_at: datetime | None
    lease_token: UUID | None
    leased_until: datetime | None
    replay: bool
    created_at: datetime
    finished_at: datetime | None


class DeliveryAttempt(SQLModel, table=True):
    """What one attempt met: a coarse class, never the other side's address or text."""

    __tablename__ = "delivery_attempt"
    __table_args__ = (Index("delivery_attempt_by_agency", "agency_id"),)

    delivery_id: UUID = Field(primary_key=True, foreign_key="delivery.id")
    number: int = Field(primary_key=True)
    agency_id: UUID = Field(foreign_key="agency.id")
    started_at: datetime
    duration_ms: int
    outcome: str
    status_code: int | None
