"""report (情况报告): what an agency said, as it said it. Never edited."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field, SQLModel

from db.types import blind, key, one_of, sealed, words
from rules.matters import Urgency
from rules.reports import Channel


class Report(SQLModel, table=True):
    """The body is kept sealed and whole; its hash goes into the receipt.

    `source_record` is the keyed hash of the sender's record id: nothing forbids that to be a person's number.
    `source_key` names the key it was hashed with; null where nobody wrote it down. An erased report keeps its row as a
    tombstone, and nothing of what was said. `by_household`: it stands in its case because its people are that
    household, though none of them was known.
    """

    __tablename__ = "report"
    __table_args__ = (
        CheckConstraint(one_of("channel", *Channel), name="report_channel"),
        CheckConstraint(one_of("urgency", *Urgency), name="report_urgency"),
        Index("report_source_once", "agency_id", "source_system", "source_record", unique=True),
        Index("report_by_case", "case_id"),
        Index("report_by_agency", "agency_id", "id"),
    )

    id: UUID = key()
    agency_id: UUID = Field(foreign_key="agency.id")
    case_id: UUID = Field(foreign_key="case.id")
    source_system: str
    source_record: bytes | None = blind(nullable=True)
    source_key: str | None
    aware_at: datetime
    reported_at: datetime
    reported_by: UUID
    channel: str
    urgency: str
    body: bytes | None = sealed(nullable=True)
    body_sha256: bytes | None = blind(nullable=True)
    leaf_id: UUID
    erased_at: datetime | None
    needs: list[str] = words(empty=True)
    by_household: bool = Field(sa_column_kwargs={"server_default": "false"})
