"""break_glass (紧急查阅): an agency opened what it had no basis for, for a few hours, and somebody else judges it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field, SQLModel

from db.types import key, one_of, sealed
from rules.break_glass import Danger, Verdict


class BreakGlass(SQLModel, table=True):
    """Real time, not business time: it is an access, as a token is."""

    __tablename__ = "break_glass"
    __table_args__ = (
        CheckConstraint(one_of("danger", *Danger), name="break_glass_danger"),
        CheckConstraint(one_of("verdict", *Verdict), name="break_glass_verdict"),
        Index("break_glass_by_case", "case_id", "agency_id"),
        Index("break_glass_by_agency", "agency_id"),
        Index("break_glass_by_coordinator", "coordinator_agency_id"),
        Index("break_glass_unreviewed", "review_by", postgresql_where="reviewed_at IS NULL AND NOT reminded"),
    )

    id: UUID = key()
    case_id: UUID = Field(foreign_key="case.id")
    agency_id: UUID = Field(foreign_key="agency.id")
    coordinator_agency_id: UUID = Field(foreign_key="agency.id")
    principal_id: UUID
    danger: str
    text: bytes = sealed()
    opened_at: datetime
    ends_at: datetime
    review_by: datetime
    reminded: bool
    reviewed_at: datetime | None
    verdict: str | None
    review_text: bytes | None = sealed(nullable=True)
