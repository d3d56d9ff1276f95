"""event (事件): a fact that happened, written in the business transaction and numbered after commit; feeds of them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Identity, Index, text
from sqlmodel import Field, SQLModel

from db.types import document, key, words


class Event(SQLModel, table=True):
    """`position` orders the events of one case (its writers take turns); it is not the feed's number.

    `parties` maps agencies that the fact itself names to their part (sender, addressee, pool …); the case's
    participants are added by the sequencer, as they stood when the fact was recorded.
    `occurred_at` is business time, `recorded_at` the database's own clock.
    Partitioned by month of the UUIDv7 id.
    """

    __tablename__ = "event"
    __table_args__ = (
        Index("event_unnumbered", "position", postgresql_where="numbered_at IS NULL"),
        Index("event_by_case", "case_id", "position"),
        Index("event_by_actor", "actor_agency_id"),
        {"postgresql_partition_by": "RANGE (id)"},
    )

    id: UUID = key()
    position: int = Field(sa_type=BigInteger, sa_column_args=(Identity(always=True),))
    type: str
    subject_type: str
    subject_id: UUID
    subject_version: int
    case_id: UUID | None
    actor_agency_id: UUID
    parties: dict[str, list[str]] = document()
    correlation_id: str
    data: dict[str, Any] = document()
    occurred_at: datetime
    recorded_at: datetime = Field(sa_column_kwargs={"server_default": text("clock_timestamp()")})
    numbered_at: datetime | None


class FeedEntry(SQLModel, table=True):
    """One event as one agency may know it, under that agency's own gap-free number. `payload` is the envelope.

    `case_kind` and `county` are what it may be selected by: null where the agency may not know them, or of no case.
    """

    __tablename__ = "feed_entry"
    __table_args__ = (Index("feed_entry_by_event", "agency_id", "event_id"),)

    agency_id: UUID = Field(primary_key=True)
    sequence: int = Field(primary_key=True, sa_type=BigInteger)
    event_id: UUID
    type: str
    subject_id: UUID
    payload: dict[str, Any] = document()
    case_kind: str | None
    county: str | None
    numbered_at: datetime


class FeedHead(SQLModel, table=True):
    """The last number given to an agency."""

    __tablename__ = "feed_head"

    agency_id: UUID = Field(primary_key=True, foreign_key="agency.id")
    sequence: int = Field(sa_type=BigInteger)


class FeedCursor(SQLModel, table=True):
    """Where a consumer of the agency's feed has got to, kept for it by name, with what it selects."""

    __tablename__ = "feed_cursor"

    agency_id: UUID = Field(primary_key=True, foreign_key="agency.id")
    consumer: str = Field(primary_key=True)
    after: int = Field(sa_type=BigInteger)
    types: list[str] = words()
    case_kinds: list[str] = words()
    divisions: list[str] = words()
    saved_at: datetime
