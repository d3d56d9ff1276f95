"""result (办理结果) and adoption (采用): decided once, shared with every entitled participant, reused."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field, SQLModel

from db.types import key, one_of, sealed
from rules.results import AdoptionDecision, AdoptionReason, ExpectationStatus, ResultKind, WithdrawalReason


class Result(SQLModel, table=True):
    """`sensitive` is the field class its text belongs to (medical, legal, mood), or null where every participant may
    read it.
    """

    __tablename__ = "result"
    __table_args__ = (
        CheckConstraint(one_of("kind", *ResultKind), name="result_kind"),
        CheckConstraint(one_of("withdrawal", *WithdrawalReason), name="result_withdrawal"),
        CheckConstraint("(withdrawal IS NULL) = (withdrawn_at IS NULL)", name="result_withdrawn_with_reason"),
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
    withdrawal: str | None
    withdrawn_at: datetime | None


class Adoption(SQLModel, table=True):
    """agency X adopted, partly adopted or did not adopt a result or a report, with its reason."""

    __tablename__ = "adoption"
    __table_args__ = (
        CheckConstraint(one_of("decision", *AdoptionDecision), name="adoption_decision"),
        CheckConstraint(one_of("reason_code", *AdoptionReason), name="adoption_reason_code"),
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
    reason_code: str | None


_OF_ONE = ("agency_id", "result_id", "report_id")


class ExpectedAdoption(SQLModel, table=True):
    """What an agency has to say whether it adopts, and until when: `agency_id` must say it, `from_agency_id` sent it.
    `overdue_at`: when it was said to be late, once. Counted in `amount` of `unit` from `arisen_at`.
    """

    __tablename__ = "expected_adoption"
    __table_args__ = (
        CheckConstraint(one_of("status", *ExpectationStatus), name="expected_adoption_status"),
        CheckConstraint("num_nonnulls(result_id, report_id) = 1", name="expected_adoption_of_one_thing"),
        CheckConstraint("agency_id <> from_agency_id", name="expected_adoption_of_another"),
        Index("one_expected_adoption", *_OF_ONE, unique=True, postgresql_nulls_not_distinct=True),
        Index("expected_adoption_by_agency", "agency_id", "due_at", "id"),
        Index("expected_adoption_by_case", "case_id"),
        Index("expected_adoption_by_result", "result_id", postgresql_where="result_id IS NOT NULL"),
        Index("expected_adoption_by_report", "report_id", postgresql_where="report_id IS NOT NULL"),
        Index("expected_adoption_due", "due_at", postgresql_where="status = 'waiting' AND overdue_at IS NULL"),
        Index("expected_adoption_provisional", "id", postgresql_where="status = 'waiting' AND NOT due_confirmed"),
    )

    id: UUID = key()
    case_id: UUID = Field(foreign_key="case.id")
    agency_id: UUID = Field(foreign_key="agency.id")
    from_agency_id: UUID = Field(foreign_key="agency.id")
    result_id: UUID | None = Field(foreign_key="result.id")
    report_id: UUID | None = Field(foreign_key="report.id")
    status: str
    amount: int
    unit: str
    arisen_at: datetime
    due_at: datetime
    due_confirmed: bool
    overdue_at: datetime | None
