"""assistance (帮扶措施): one help given."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field, SQLModel

from db.types import fen, key, one_of, sealed
from rules.results import AssistanceKind, Depth


class Assistance(SQLModel, table=True):
    __tablename__ = "assistance"
    __table_args__ = (
        CheckConstraint(one_of("kind", *AssistanceKind), name="assistance_kind"),
        CheckConstraint(one_of("depth", *Depth), name="assistance_depth"),
        CheckConstraint("num_nonnulls(amount_fen, quantity) >= 1", name="assistance_measured"),
        CheckConstraint("amount_fen >= 0", name="assistance_amount"),
        CheckConstraint("quantity > 0", name="assistance_quantity"),
        Index("assistance_by_case", "case_id"),
        Index("assistance_by_agency", "agency_id"),
    )

    id: UUID = key()
    case_id: UUID = Field(foreign_key="case.id")
    referral_id: UUID | None = Field(foreign_key="referral.id")
    agency_id: UUID = Field(foreign_key="agency.id")
    kind: str
    depth: str
    amount_fen: int | None = fen(nullable=True)
    quantity: int | None
    unit: str | None
    period_from: date | None
    period_to: date | None
    source: bytes | None = sealed(nullable=True)
    recorded_at: datetime
