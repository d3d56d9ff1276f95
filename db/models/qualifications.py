"""qualification (上岗资格): a certificate of one competence area, held by a staff member for a time."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field, SQLModel

from db.types import key, one_of
from rules.qualifications import CompetenceArea, ExamResult


class Qualification(SQLModel, table=True):
    """Counts while it is `passed`, not revoked, and today lies in its dates (days in Shanghai, both included)."""

    __tablename__ = "qualification"
    __table_args__ = (
        CheckConstraint(one_of("area", *CompetenceArea), name="qualification_area"),
        CheckConstraint(one_of("result", *ExamResult), name="qualification_result"),
        Index("qualification_by_staff", "staff_id"),
        Index("qualification_by_agency", "agency_id"),
    )

    id: UUID = key()
    agency_id: UUID = Field(foreign_key="agency.id")
    staff_id: UUID = Field(foreign_key="staff.id")
    area: str
    result: str
    certificate: str
    valid_from: date
    valid_until: date
    recorded_at: datetime
    revoked_at: datetime | None
