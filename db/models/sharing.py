"""sharing_basis (共享依据): why, to whom and until when fields of a case may leave."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field, SQLModel

from db.types import key, one_of, sealed, words
from rules.purposes import Purpose
from rules.sharing import BasisKind, ConsentChannel, GivenBy, WithdrawnBy


class SharingBasis(SQLModel, table=True):
    """One row per recipient and purpose. `field_classes` null: whatever the matter's minimum set holds."""

    __tablename__ = "sharing_basis"
    __table_args__ = (
        CheckConstraint(one_of("kind", *BasisKind), name="sharing_basis_kind"),
        CheckConstraint(one_of("purpose", *Purpose), name="sharing_basis_purpose"),
        CheckConstraint(one_of("channel", *ConsentChannel), name="sharing_basis_channel"),
        CheckConstraint(one_of("given_by", *GivenBy), name="sharing_basis_given_by"),
        CheckConstraint(one_of("withdrawn_by", *WithdrawnBy), name="sharing_basis_withdrawn_by"),
        Index("sharing_basis_by_case", "case_id", "recipient_agency_id"),
        Index("sharing_basis_by_recipient", "recipient_agency_id"),
        Index("sharing_basis_by_agency", "agency_id"),
    )

    id: UUID = key()
    case_id: UUID = Field(foreign_key="case.id")
    report_id: UUID | None = Field(foreign_key="report.id")
    agency_id: UUID = Field(foreign_key="agency.id")
    recipient_agency_id: UUID = Field(foreign_key="agency.id")
    kind: str
    reference: bytes = sealed()
    valid_from: datetime
    valid_until: datetime | None
    recorded_at: datetime
    purpose: str
    field_classes: list[str] | None = words(nullable=True)
    text_version: str | None
    channel: str | None
    given_by: str | None
    withdrawn_at: datetime | None
    withdrawn_by: str | None
