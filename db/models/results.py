"""result (办理结果) and adoption (采用): decided once, shared with every entitled participant, reused."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field, SQLModel

from db.types import key, one_of, sealed
from rules.results import AdoptionDecision, ResultKind


class Result(SQLModel, table=True):
    """`sensitive` is the field class its text belongs to (medical, legal, mood), or null where every participant may
    read it.
    """

    __tablename__ = "result"
    __table_args__ = (
        CheckConstraint(one_of("kind", *ResultKind), name="result_kind"),
        Index("result_by_case", "case_id"),
        Index("result_by_agency", "agency_id"),
        Index("result_by_referral", "referral_id"),
    )

    id: UUID = key()
    case_id: UUID = Field(foreign_key="case.id")
    referral_id: UUID = Field(foreign_key="referral.id")
    agency_id: UUID = Field(foreign_key="agency.id")
    matter_code: str
    kind: str
    code: str
    text: bytes | None = sealed(nullable=True)
    sensitive: str | None
    valid_from: date | None
    valid_to: date | None
    shared_at: datetime
    version: int
    erased_at: datetime | None


class Adoption(SQLModel, table=True):
    """agency X adopted, partly adopted or did not adopt a result or a report, with its reason."""

    __tablename__ = "adoption"
    __table_args__ = (
        CheckConstraint(one_of("decision", *AdoptionDecision), name="adoption_decision"),
        CheckConstraint("num_nonnulls(result_id, report_id) = 1", name="adoption_of_one_thing"),
        Index("adoption_of_result", "result_id", "agency_id", unique=True, postgresql_where="result_id IS NOT NULL"),
        Index("adoption_of_report", "report_id", "agency_id", unique=True, postgresql_where="report_id IS NOT NULL"),
        Index("adoption_by_agency", "agency_id"),
        Index("adoption_by_case", "case_id"),
    )

    id: UUID = key()
    case_id: UUID = Field(foreign_key="case.id")
    result_id: UUID | None = Field(foreign_key="result.id")
    report_id: UUID | None = Field(foreign_key="report.id")
    agency_id: UUID = Field(foreign_key="agency.id")
    decision: str
    reason: bytes | None = sealed(nullable=True)
    adopted_at: datetime
