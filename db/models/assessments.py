"""impact_assessment (个人信息保护影响评估): on record before fields of a matter are shared (个人信息保护法 art. 55)."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from db.types import key, words


class ImpactAssessment(SQLModel, table=True):
    """Covers the cases of the union that recorded it and of the unions below, for its matters and classes, while in
    force. Names no person; kept three years after it ends."""

    __tablename__ = "impact_assessment"
    __table_args__ = (Index("impact_assessment_by_agency", "agency_id", "valid_until"),)

    id: UUID = key()
    agency_id: UUID = Field(foreign_key="agency.id")
    title: str
    matters: list[str] = words()
    field_classes: list[str] = words()
    measures: str
    assessed_by: str
    valid_from: datetime
    valid_until: datetime
    recorded_at: datetime
    revoked_at: datetime | None
