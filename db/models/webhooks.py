"""webhook_endpoint (回调地址), delivery (投递), webhook_replay (重放): push is a hint and carries the feed's event."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, Computed, Index, Uuid, text
from sqlmodel import Field, SQLModel

from db.types import key, one_of, sealed, words

_AT_FIRST_SUBJECT = {"server_default": text("'subject'")}
_AT_FIRST_NONE = {"server_default": text("0")}
_OF_A_REPLAY = "replay_id IS NOT NULL"


class WebhookEndpoint(SQLModel, table=True):
    """`challenge` is what the receiver has still to answer, empty once it did. Events gather from `activated_at` on,
    also while the endpoint is disabled or has a new URL to prove; `not_before` is the receiver's own wish
    (Retry-After). The breaker is open while `next_probe_at` is set; `notices` says how many of the notices of nothing
    but failures were given. `host` is the URL's authority: what shares it shares its connections. `proposed_url` waits
    for a second person; `proposed_by` is whoever proposed it.
    """

    __tablename__ = "webhook_endpoint"
    __table_args__ = (
        CheckConstraint(one_of("status", "pending", "active", "disabled"), name="webhook_endpoint_status"),
        CheckConstraint(one_of("ordering", "subject", "none"), name="webhook_endpoint_ordering"),
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
    ordering: str = Field(default="subject", sa_column_kwargs=_AT_FIRST_SUBJECT)
    consecutive_failures: int = Field(default=0, sa_column_kwargs=_AT_FIRST_NONE)
    failed_probes: int = Field(default=0, sa_column_kwargs=_AT_FIRST_NONE)
    next_probe_at: datetime | None
    notices: int = Field(default=0, sa_column_kwargs=_AT_FIRST_NONE)
    host: str | None = Field(sa_column_args=(Computed("split_part(url, '/', 3)", persisted=True),))
    created_at: datetime
    version: int


class Delivery(SQLModel, table=True):
    """One event on its way to one endpoint. Finished only by the lease that claimed it (`lease_token`).

    `due_at` is null while the endpoint takes nothing, and the end of the lease while one attempt is under way, so that
    neither stands at the head of the index. `attempts` counts since the last (re)delivery was asked for. Of one replay
    each sequence is there once.
    """

    __tablename__ = "delivery"
    __table_args__ = (
        CheckConstraint(one_of("status", "pending", "succeeded", "dead"), name="delivery_status"),
        Index("delivery_due", "endpoint_id", "due_at", "sequence", postgresql_where="status = 'pending'"),
        Index("delivery_leased", "endpoint_id", "leased_until", postgresql_where="lease_token IS NOT NULL"),
        Index(
            "delivery_order",
            "endpoint_id",
            "subject_id",
            "sequence",
            postgresql_where="status = 'pending' AND attempts = 0",
        ),
        Index("delivery_by_agency", "agency_id", "id"),
        Index("delivery_by_endpoint", "endpoint_id", "status", "id"),
        Index("delivery_dead", "endpoint_id", "sequence", postgresql_where="status = 'dead'"),
        Index("delivery_dead_by_agency", "agency_id", "id", postgresql_where="status = 'dead'"),
        Index("delivery_once_a_replay", "replay_id", "sequence", unique=True, postgresql_where=_OF_A_REPLAY),
        Index("delivery_of_replay", "replay_id", "status", postgresql_where=_OF_A_REPLAY),
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
    replay_id: UUID | None = Field(foreign_key="webhook_replay.id")
    created_at: datetime
    finished_at: datetime | None


class DeliveryAttempt(SQLModel, table=True):
    """What one attempt met: a coarse class, never the other side's address; the beginning of an answer where the
    endpoint had proved itself and stands in the open internet, or answers would show what a network holds.
    """

    __tablename__ = "delivery_attempt"
    __table_args__ = (Index("delivery_attempt_by_agency", "agency_id"),)

    delivery_id: UUID = Field(primary_key=True, foreign_key="delivery.id")
    number: int = Field(primary_key=True)
    agency_id: UUID = Field(foreign_key="agency.id")
    started_at: datetime
    duration_ms: int
    outcome: str
    status_code: int | None
    answer: str | None


class WebhookReplay(SQLModel, table=True):
    """Entries of a feed that are sent to an endpoint once more: which, and how far that is.

    `selection` says which of the columns after it counts. What is to be looked at lies behind `looked_at` and not
    behind `until`, both sequences of the feed; they move in the transaction that queues deliveries. `succeeded` and
    `failed` are kept when it ends; before, deliveries are counted.
    """

    __tablename__ = "webhook_replay"
    __table_args__ = (
        CheckConstraint(
            one_of("selection", "events", "sequences", "times", "types", "failed"), name="webhook_replay_selection"
        ),
        CheckConstraint(one_of("state", "waiting", "running", "finished", "cancelled"), name="webhook_replay_state"),
        Index("webhook_replay_by_endpoint", "endpoint_id", "id"),
        Index("webhook_replay_by_agency", "agency_id"),
        Index("webhook_replay_due", "next_at", postgresql_where="next_at IS NOT NULL"),
    )

    id: UUID = key()
    endpoint_id: UUID = Field(foreign_key="webhook_endpoint.id")
    agency_id: UUID = Field(foreign_key="agency.id")
    selection: str
    event_ids: list[UUID] = Field(sa_type=ARRAY(Uuid), nullable=False)
    types: list[str] = words()
    since: datetime | None
    before: datetime | None
    state: str
    looked_at: int = Field(sa_type=BigInteger)
    until: int = Field(sa_type=BigInteger)
    matched: int | None
    queued: int
    succeeded: int | None
    failed: int | None
    next_at: datetime | None
    created_at: datetime
    finished_at: datetime | None
