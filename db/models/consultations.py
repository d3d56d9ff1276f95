"""consultation (政策征求意见): a draft that touches workers' vital interests, and whether the union was heard."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field, SQLModel

from db.types import key, one_of
from rules.consultations import DraftKind
from rules.results import AdoptionDecision


class Consultation(SQLModel, table=True):
    """A union's own record; no person. Without `asked_on` the union was not asked."""

    __tablename__ = "consultation"
    __table_args__ = (
        CheckConstraint(one_of("kind", *DraftKind), name="consultation_kind"),
        CheckConstraint(one_of("adoption", *AdoptionDecision), name="consultation_adoption"),
        CheckConstraint("(drafter_agency_id IS NULL) <> (drafter_name IS NULL)", name="consultation_one_drafter"),
        CheckConstraint("(opinion IS NULL) = (opinion_on IS NULL)", name="consultation_opinion"),
        Index("consultation_by_agency", "agency_id", "id"),
        Index("consultation_unasked", "agency_id", "id", postgresql_where="asked_on IS NULL"),
    )

    id: UUID = key()
    agency_id: UUID = Field(foreign_key="agency.id")
    title: str
    kind: str
    drafter_agency_id: UUID | None = Field(foreign_key="agency.id")
    drafter_name: str | None
    learned_on: date
    asked_on: date | None
    opinion_due: date | None
    attended: bool
    opinion: str | None
    opinion_on: date | None
    adoption: str | None
    adoption_reason: str | None
    created_at: datetime
    updated_at: datetime
    version: int
