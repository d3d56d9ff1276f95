"""sharing_basis (共享依据): why, to whom and until when fields of a case may leave."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field, SQLModel

from db.types import key, one_of, sealed
from rules.reports import BasisKind


class SharingBasis(SQLModel, table=True):
    """One row per recipient: consent is per recipient agency and purpose."""

    __tablename__ = "sharing_basis"
    __table_args__ = (
        CheckConstraint(one_of("kind", *BasisKind), name="sharing_basis_kind"),
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
