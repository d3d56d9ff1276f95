"""referral (转办): a request that one agency handle one matter for one case, with its clocks and every step taken."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field, SQLModel

from db.types import document, key, one_of, sealed, words
from rules.escalation import LADDERS, Level
from rules.matters import Urgency
from rules.referrals import STATUSES


class Referral(SQLModel, table=True):
    """`joint` marks a coordinator's parent referral (联合救助). The preview (place, age band, need, urgency) stands in
    this row, so that no case row need be readable for it.
    """

    __tablename__ = "referral"
    __table_args__ = (
        CheckConstraint(one_of("status", *STATUSES), name="referral_status"),
        CheckConstraint(one_of("urgency", *Urgency), name="referral_urgency"),
        CheckConstraint("to_agency_id IS NULL OR to_agency_id <> sender_agency_id", name="referral_not_to_oneself"),
        Index("referral_by_case", "case_id"),
        Index("referral_inbox", "to_agency_id", "updated_at", "id"),
        Index("referral_outbox", "sender_agency_id", "updated_at", "id"),
        Index("referral_by_coordinator", "coordinator_agency_id"),
        Index("referral_inbox_due", "to_agency_id", "next_due", "id", postgresql_where="next_due IS NOT NULL"),
        Index("referral_due", "next_due", postgresql_where="next_due IS NOT NULL"),
        Index("referral_alarm", "alarm_at", postgresql_where="alarm_at IS NOT NULL"),
        Index("referral_unanswered", "accept_by", postgresql_where="status = 'requested'"),
        Index("referral_provisional", "id", postgresql_where="NOT due_confirmed"),
        Index("referral_by_person", "person_id", "matter_code"),
        Index("referral_by_parent", "part_of"),
        Index("referral_by_assignment", "assigned_by", postgresql_where="assigned_by IS NOT NULL"),
    )

    id: UUID = key()
    case_id: UUID = Field(foreign_key="case.id")
    person_id: UUID | None = Field(foreign_key="person.id")
    matter_code: str = Field(foreign_key="matter.code")
    need: str
    sender_agency_id: UUID = Field(foreign_key="agency.id")
    coordinator_agency_id: UUID = Field(foreign_key="agency.id")
    to_agency_id: UUID | None = Field(foreign_key="agency.id")
    pooled: bool
    joint: bool
    status: str
    urgency: str
    place: str
    age_band: str
    note: bytes | None = sealed(nullable=True)
    part_of: UUID | None = Field(foreign_key="referral.id")
    reopens: UUID | None = Field(foreign_key="referral.id")
    requested_at: datetime | None
    received_at: datetime | None
    accepted_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    clock_stopped_at: datetime | None
    acknowledge_by: datetime | None
    accept_by: datetime | None
    resolve_by: datetime | None
    due_confirmed: bool
    next_due: datetime | None
    overdue: list[str] = words()
    alarm_at: datetime | None
    alarm: str | None
    rung: list[str] = words()
    assigned_by: UUID | None
    return_count: int
    extended: bool
    outcome: str | None
    created_at: datetime
    updated_at: datetime
    version: int
    erased_at: datetime | None


class Escalation(SQLModel, table=True):
    """One level of the ladder that a late referral has climbed, and the agency that was told: what it needs to act, and
    nobody's name. Ends when the clock is met or the referral ends.
    """

    __tablename__ = "escalation"
    __table_args__ = (
        CheckConstraint(one_of("clock", *LADDERS), name="escalation_clock"),
        CheckConstraint(one_of("level", *Level), name="escalation_level"),
        Index("escalation_once", "referral_id", "clock", "level", unique=True),
        Index("escalation_by_agency", "agency_id", "id"),
        Index("escalation_by_coordinator", "coordinator_agency_id", "id"),
        Index("escalation_by_office", "office_agency_id", "id"),
        Index("escalation_open", "referral_id", postgresql_where="ended_at IS NULL"),
    )

    id: UUID = key()
    referral_id: UUID = Field(foreign_key="referral.id")
    agency_id: UUID = Field(foreign_key="agency.id")
    clock: str
    level: str
    office_agency_id: UUID | None = Field(foreign_key="agency.id")
    coordinator_agency_id: UUID = Field(foreign_key="agency.id")
    matter_code: str
    need: str
    place: str
    urgency: str
    due_at: datetime
    raised_at: datetime
    ended_at: datetime | None


class ReferralPool(SQLModel, table=True):
    """Offices that may take a pooled referral: those competent when it was requested."""

    __tablename__ = "referral_pool"
    __table_args__ = (Index("referral_pool_by_agency", "agency_id", "referral_id"),)

    referral_id: UUID = Field(primary_key=True, foreign_key="referral.id")
    agency_id: UUID = Field(primary_key=True, foreign_key="agency.id")
    sender_agency_id: UUID = Field(foreign_key="agency.id", index=True)


class ReferralStep(SQLModel, table=True):
    """A step taken, with its reason, text and what was asked for: nothing that was entered is lost."""

    __tablename__ = "referral_step"
    __table_args__ = (Index("referral_step_by_referral", "referral_id", "taken_at"),)

    id: UUID = key()
    referral_id: UUID = Field(foreign_key="referral.id")
    agency_id: UUID = Field(foreign_key="agency.id")
    step: str
    from_status: str
    to_status: str
    reason: str | None
    body: bytes | None = sealed(nullable=True)
    deadlines: dict[str, Any] = document()
    taken_at: datetime
